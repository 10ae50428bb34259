"""Records in a file larger than the memory that a stream may take."""

import psutil

from keras_resblocks_plugin.training.data import _records, _streams

# 1.5 GB, which the file system need not even store.
SHAPE, COUNT, BATCH = (512, 512, 3), 2000, 50


def test_memory_of_a_shuffled_stream_stays_flat_over_an_epoch(tmp_path):
    row_bytes = SHAPE[0] * SHAPE[1] * SHAPE[2]
    file = tmp_path / "images.bin"
    with file.open("wb") as stream:
        stream.truncate(COUNT * row_bytes)
    batches = iter(
        _streams.training_batches(
            [_records.Records(file, COUNT, SHAPE)],
            augment=lambda image: (image, 0),
            batch_size=BATCH,
            converter=lambda pixels: pixels,
            seed=0,
        )
    )
    process = psutil.Process()
    before = process.memory_info().rss
    own = []
    for _ in range(COUNT // BATCH + 4):
        next(batches)
        own.append(process.memory_info().rss - before)
    # The shuffle buffer, two batches that are prefetched, and three that are not freed at once.
    assert max(own) < _streams._SHUFFLED_BYTES + 5 * BATCH * row_bytes, [x >> 20 for x in own]
    # One batch may be allocated while another is freed.
    assert max(own[10:]) - own[10] < 2 * BATCH * row_bytes, [x >> 20 for x in own]
