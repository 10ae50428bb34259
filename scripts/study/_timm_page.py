"""The page on timm's networks: which load, why others do not, and the largest differences."""

import importlib.metadata
import platform
import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_resblocks_plugin._utils._markdown import table

# Of the logits' range. Weight standardization sums more numbers.
ALLOWED, ALLOWED_BIT = 1e-5, 5e-5
_PACKAGES = ("timm", "torch", "keras")
_INTRODUCTION = """\
# timm's networks

timm {timm} publishes {all} weights of residual networks, and `krp.convert.from_timm` and
`from_preset("hf://timm/…")` read {loads} of them. `scripts/study/count_timm.py` counted and
measured it, with {versions} on the {backend} backend.

Each architecture was built by timm with random weights, scales, shifts and statistics, converted,
and given an image of an odd and one of an even size. The difference is the largest of any logit, as
a part of the logits' range: at most 1e-5 (5e-5 for BiT), or twice timm's own difference between
float32 and float64. `krp.convert.to_timm` gave back the same tensors under the same names, which
timm loaded strictly.
"""


def versions() -> dict[str, str]:
    """Returns the versions of what the results depend on."""
    return {
        **{package: importlib.metadata.version(package) for package in _PACKAGES},
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
    }


def family(name: str) -> str:
    """Returns the family of an architecture: its name up to the first number."""
    if name.startswith("resnetv2"):
        return "resnetv2, BiT" if name.endswith("_bit") else "resnetv2"
    return re.match(r"[a-z_]+?(?=_?\d|light|$)", name).group()


def equal(name: str, result: Mapping[str, Any]) -> bool:
    """Returns whether the logits are equal, within what is allowed."""
    if "difference" not in result or "error" in result:
        return False
    allowed = ALLOWED_BIT if name.endswith("_bit") else ALLOWED
    return result["difference"] <= max(allowed, 2 * result["timm_difference"])


def line(name: str, result: Mapping[str, Any]) -> str:
    """Returns a result in one line."""
    if "error" in result:
        return f"{name}: {result['error']}"
    verdict = "equal" if equal(name, result) else "DIFFERENT"
    return (
        f"{name}: {verdict}, {result['difference']:.1e} "
        f"(timm itself {result['timm_difference']:.1e}), back as {result['back']}"
    )


def summary(architectures: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns a table of the tags that load, by family."""
    families: dict[str, list[str]] = {}
    for name in architectures:
        families.setdefault(family(name), []).append(name)
    rows = []
    for kind, names in families.items():
        loads = [name for name in names if equal(name, architectures[name])]
        if not loads:
            continue
        difference = max(architectures[name]["difference"] for name in loads)
        rows.append([kind, *_counts(architectures, loads, names), f"{difference:.1e}"])
    loads = [name for name in architectures if equal(name, architectures[name])]
    rows.append(["all", *_counts(architectures, loads, architectures), ""])
    return table(["family", "tags that load", "published", "largest difference"], rows)


def _counts(architectures: Mapping[str, Any], *names: Any) -> list[int]:
    return [sum(len(architectures[name]["tags"]) for name in some) for some in names]


def page(results: Mapping[str, Any]) -> str:
    """Returns the whole page."""
    architectures = results["architectures"]
    loads = [name for name in architectures if equal(name, architectures[name])]
    refused = {name: result for name, result in architectures.items() if "refused" in result}
    others = [name for name in architectures if name not in loads and name not in refused]
    versions = dict(results["versions"])
    backend = versions.pop("backend")
    introduction = _INTRODUCTION.format(
        timm=versions["timm"],
        all=_counts(architectures, architectures)[0],
        loads=_counts(architectures, loads)[0],
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        backend=backend,
    )
    sections = [introduction, "## By family\n", summary(architectures), "\n## What loads\n"]
    rows = (
        [
            f"`{name}`",
            ", ".join(result["tags"]),
            f"{result['parameters'] / 1e6:.1f} M",
            f"{result['difference']:.1e}",
            # The largest are not computed in float64.
            f"{result['timm_difference']:.1e}" if result["timm_difference"] else "",
        ]
        for name, result in ((name, architectures[name]) for name in loads)
    )
    header = ["architecture", "tags", "parameters", "difference", "timm's own"]
    sections += [table(header, rows), "\n## What does not\n"]
    rows = [
        [f"`{name}`", len(architectures[name]["tags"]), _why(architectures[name])]
        for name in [*others, *refused]
    ]
    sections.append(table(["architecture", "tags", "why not"], rows))
    return "\n".join(sections) + "\n"


def _why(result: Mapping[str, Any]) -> str:
    """Returns the reason in a few words."""
    if "refused" in result:
        _, _, why = result["refused"].partition("Received: ")[2].partition(", ")
        return why or "another kind of network"
    if "error" in result:
        return result["error"]
    if "difference" in result:
        return f"its logits differ by {result['difference']:.1e} of their range"
    return "not compared"
