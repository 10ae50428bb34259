"""`benchmark.py` compares equal networks, and its tables show the measurements."""

import _architectures
import _benchmark_report
import pytest

from keras_resblocks_plugin._utils import _timing


@pytest.mark.parametrize("depth", [18, 50])
def test_both_libraries_build_the_same_architecture(depth):
    ours, theirs = (_architectures.build(depth, name) for name in _architectures.LIBRARIES)
    assert ours.count_params() == theirs.count_params()
    assert ours.output_shape == theirs.output_shape
    assert ours.pyramid_outputs.keys() >= {"P2", "P3", "P4", "P5"}


def test_actions_take_turns_after_a_warm_up():
    order = []
    seconds = _timing.alternate({name: lambda n=name: order.append(n) for name in "ab"}, runs=2)
    assert "".join(order) == "ababab"
    assert [len(values) for values in seconds.values()] == [2, 2]


def test_a_ratio_is_of_the_same_round():
    # A machine that is twice as slow in the second round is no slower in one than the other.
    assert _timing.ratios([1.0, 2.0], [2.0, 4.0]) == [0.5, 0.5]
    assert _timing.spread([3.0, 1.0, 2.0], " s") == "2.00 s [1.00, 3.00]"


def made_measurement() -> dict:
    """A record of `benchmark.py` with round numbers."""

    def load(depth):
        return {
            "seconds": {
                "krp": [0.01 * depth],
                "keras_hub": [0.02 * depth],
                **{"read": [0.001 * depth], "draw": [0.001 * depth]},
                **{"create": [0.002 * depth], "assign": [0.001 * depth]},
            },
            "variables": 5 * depth,
            "mebibytes": 90.0,
            "largest_mebibytes": 10.0,
            "peak_mebibytes": {"krp": 105.0, "keras_hub": 150.0},
        }

    forward = {"krp": [0.04], "keras_hub": [0.05], "folded": [0.025]}
    return {
        **{"backend": "tensorflow", "hardware": "2 cores", "runs": 1, "import": [0.1]},
        "limits": {"flops": [3e11], "bytes": [1e10]},
        "load": {depth: load(depth) for depth in (50, 101, 152)},
        "forward": {50: {"1 image of 224 px": forward}},
        "step": {50: {"krp": [0.5], "keras_hub": [0.5]}},
        "pipeline": {
            **{"recipe": "resblock_bn_small", "batch_size": 128},
            "seconds": {"input": [0.04], "step": [0.16]},
        },
    }


@pytest.fixture
def measured():
    return made_measurement()


def test_the_tables_say_what_was_measured(measured):
    text = _benchmark_report.markdown(measured)
    assert "| 50: `from_preset` | 0.50 s [0.50, 0.50] | 1.00 s [1.00, 1.00] | 0.50" in text
    assert "weights and 1.5 × the largest | 105 MiB | 150 MiB | 0.70" in text
    assert "| 50, 1 image of 224 px | folded | 25.0 ms [25.0, 25.0] | 2.00" in text
    assert "3200 [3200, 3200] images a second" in text
    assert "800 [800, 800]. The ratio is 4.00 [4.00, 4.00]." in text
    assert "with 10.0 ms a layer and an intercept of 0.00 s explains 100.0%" in text
    assert "300 Gflop/s, and one large copy moves 10.0 GB/s" in text


def test_the_picture_shows_every_library_and_depth(measured, tmp_path):
    figure = _benchmark_report.picture(measured)
    (left, right) = figure.axes
    assert [len(line.get_xdata()) for line in left.lines] == [3, 3, 3]
    assert len(right.patches) == 2
    figure.savefig(tmp_path / "benchmark.png")
