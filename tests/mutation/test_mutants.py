"""Each of 300 mutants of a preset loads as before, or is refused quickly and in little memory."""

import numpy as np
import pytest

from tests.mutation.mutants import copy_mutant
from tests.mutation.worker import LOADERS, Worker
from tests.tiny import tiny_classifier

_COUNT = 300
# A mutant may take these seconds, and twice the memory of the preset itself plus these bytes.
_SECONDS, _BYTES = 5, 20e6
# Changes that may alter the outputs of a preset that loads: no digest protects the weights against
# their author, and another way to resize images is as valid.
_MAY_DIFFER = {
    "flip": ("model.safetensors", "task.weights.h5"),
    "head": ("",),
    "header": ("",),
    "edit": ("preprocessor.json", "image_converter.json", "config.json", "task.json"),
}


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    tiny_classifier().save_to_preset(folder)
    (folder / "training.json").write_text('{"results": {"validation_top1": 0.5}, "epochs": 2}')
    return folder


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.close()


@pytest.mark.slow
@pytest.mark.parametrize(("first", "loader"), list(enumerate(LOADERS)))
def test_mutants(preset, worker, first, loader, tmp_path):
    # The first loads import and compile code, so the last one is measured.
    true = [worker.load(preset, loader) for _ in range(3)][-1]
    assert true.kind == "loaded", true.text
    kinds = set()
    for seed in range(first, _COUNT, len(LOADERS)):
        folder = tmp_path / str(seed)
        change = copy_mutant(preset, folder, seed)
        outcome = worker.load(folder, loader)
        told = f"Seed {seed}, {change}: {outcome.kind} {outcome.text}"
        assert outcome.kind in ("loaded", "refused"), told
        assert outcome.seconds < _SECONDS, told
        assert outcome.grown < 2 * true.grown + _BYTES, told
        if outcome.kind == "refused":
            assert str(folder) in outcome.text, told
        elif not np.array_equal(outcome.outputs, true.outputs):
            kind, _, where = change.partition(": ")
            assert any(name in where for name in _MAY_DIFFER.get(kind, ())), told
        kinds.add(outcome.kind)
    assert kinds == {"loaded", "refused"}
