"""300 mutants of a tiny preset: each loads as before, or is refused clearly, soon and cheaply."""

import numpy as np
import pytest

from tests.mutation.mutants import copy_mutant
from tests.mutation.worker import LOADERS, Worker
from tests.tiny import tiny_classifier

_COUNT = 300
# As the issue has them: seconds, and bytes beside twice what the preset itself takes.
_SECONDS, _BYTES = 5, 20e6
# The changes after which a preset may compute something else: weights have no digest that a
# stranger could not change, and a preset may well resize images in another way.
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
@pytest.mark.parametrize(("loader", "first"), zip(LOADERS, (0, 1), strict=True))
def test_mutants(preset, worker, loader, first, tmp_path):
    # The first loads import, compile and allocate what the later ones find there.
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
