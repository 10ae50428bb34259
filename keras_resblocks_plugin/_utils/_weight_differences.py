"""Comparison of the weights that a model expects with those that a file has."""

from collections.abc import Iterable, Mapping, Sequence

Shapes = Mapping[str, Sequence[int] | None]


def weight_differences(expected: Shapes, found: Shapes) -> str:
    """Describes the difference between two sets of weights.

    Args:
        expected: The expected shapes, by weight path. `None` as a shape compares the paths alone.
        found: The shapes that were found.

    Returns:
        All weights that are missing, unexpected or of another shape, each kind as one sentence;
        an empty string where the sets are equal.
    """
    problems = {
        "Missing": expected.keys() - found.keys(),
        "Unexpected": found.keys() - expected.keys(),
        "Misshaped": [
            f"{name} {tuple(found[name])} in place of {tuple(expected[name])}"
            for name in expected.keys() & found.keys()
            if None not in (expected[name], found[name])
            and tuple(expected[name]) != tuple(found[name])
        ],
    }
    return " ".join(f"{kind}: {_listed(names)}." for kind, names in problems.items() if names)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
