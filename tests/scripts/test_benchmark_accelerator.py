"""The accelerator benchmark runs in small on a CPU, and its page says what was measured."""

import importlib.util
import json
import shutil

import benchmark_accelerator
import pytest

IN_SMALL = ("--depth", 18, "--batch-size", 2, "--image-size", 32, "--calls", 1)
# `timm_import` declares what PyTorch's CPU build lacks.
RUN = """
import runpy, sys
if "timm" in sys.argv:
    from tests.convert.timm_import import import_timm
    import_timm()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("framework", "networks", "modules"),
    [("jax", ["krp", "folded"], ["jax"]), ("torch", ["krp", "timm"], ["torch", "timm"])],
)
def test_a_framework_is_measured_and_added(framework, networks, modules, tmp_path, fresh_process):
    if not all(map(importlib.util.find_spec, modules)):
        pytest.skip("`.ci/run` runs this file again once JAX, PyTorch and timm are installed.")
    out = tmp_path / "accelerator.json"
    shutil.copy(benchmark_accelerator.RESULTS, out)
    before = json.loads(out.read_text())
    options = "--framework", framework, "--networks", *networks, *IN_SMALL, "--out", out
    output = fresh_process(RUN, benchmark_accelerator.__file__, *options)
    records = json.loads(out.read_text())
    measured = records.pop(framework)
    del before[framework]
    assert records == before
    assert list(measured["milliseconds"]) == networks
    for name, times in measured["milliseconds"].items():
        assert set(times) == {"all", "one"} | ({"step"} if name != "folded" else set())
        assert min(times.values()) > 0
    assert framework in measured["software"]
    assert f"ResNet-18, 2 images of 32 px, bfloat16, on {measured['hardware']}, keras" in output


def test_the_page_has_the_stored_figures():
    records = json.loads(benchmark_accelerator.RESULTS.read_text())
    text = benchmark_accelerator.report(records)
    page = benchmark_accelerator.RESULTS.parents[1] / "README.md"
    assert text in page.read_text()
    times = records["jax"]["milliseconds"]
    assert f"flax, written by hand: step {times['krp']['step'] / times['flax']['step']:.2f}" in text
    step = times["krp"]["step"]
    assert f"| this package | {step:.1f} | {256_000 / step:,.0f} | " in text
