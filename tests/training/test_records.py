"""Records in a file larger than what a stream of them may keep in memory."""

import psutil

from keras_resblocks_plugin.training.data import _records

# 1.5 GB that the file system need not even store.
SHAPE, COUNT, BATCH = (512, 512, 3), 2000, 50


def test_memory_of_a_shuffled_stream_stays_flat_over_an_epoch(tmp_path):
    row_bytes = SHAPE[0] * SHAPE[1] * SHAPE[2]
    file = tmp_path / "images.bin"
    with file.open("wb") as stream:
        stream.truncate(COUNT * row_bytes)
    rows = _records.Records(file, COUNT, SHAPE).stream()
    batches = iter(_records.shuffled(rows, COUNT, row_bytes, seed=0).batch(BATCH))
    process = psutil.Process()
    before = process.memory_info().rss
    own = []
    for _ in range(COUNT // BATCH + 4):
        next(batches)
        own.append(process.memory_info().rss - before)
    # The rows to choose from, and what of three batches is not given back at once.
    assert max(own) < _records._SHUFFLED_BYTES + 3 * BATCH * row_bytes, [x >> 20 for x in own]
    # One batch may come while another goes.
    assert max(own[10:]) - own[10] < 2 * BATCH * row_bytes, [x >> 20 for x in own]
