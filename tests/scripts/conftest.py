"""A comparison and a study that a test can afford."""

import pytest


@pytest.fixture
def small_comparison(monkeypatch):
    """A comparison of two strategies with few candidates and steps."""
    import compare_finetuning

    for name, value in {
        "STRATEGIES": ("scratch", "linear"),
        "STEPS": {5: 2, 10: 3},
        "BATCH_SIZE": 10,
        # Nothing is learnt at the second of the rates.
        "CANDIDATES": {"scratch": (1e-3, 1e-12), "linear": (1e-2, 1e-12)},
        "CHOICE": {"seed": 100, "held_out": 5},
        "MOST_TO_CHOOSE": 5,
    }.items():
        monkeypatch.setattr(compare_finetuning, name, value)


@pytest.fixture
def small_study(monkeypatch):
    """A study that a test can afford."""
    import _study_nets
    import study

    monkeypatch.setitem(_study_nets.NETS, "bn", _study_nets.Net("bn", blocks=1, widths=(4,)))
    monkeypatch.setattr(study, "CLASSES", 2)
    monkeypatch.setattr(study, "EPOCHS", 2)
    monkeypatch.setattr(study, "BATCH_SIZE", 16)
