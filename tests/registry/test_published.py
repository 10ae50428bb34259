"""The list of published weights that load by their handle."""

import json

import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.convert._timm_published import describe
from tests.cli.without_extras import run_without_extras
from tests.convert.timm_import import import_timm


def test_the_list_needs_no_network(fresh_process):
    code = """
import json
import socket
import keras_resblocks_plugin as krp
def refuse(*args, **kwargs):
    raise OSError("The network was asked for.")
socket.socket.connect = socket.getaddrinfo = refuse
print(json.dumps(krp.list_presets(published=True)))
"""
    published = json.loads(fresh_process(code))
    assert published["hf://timm/resnet18.a1_in1k"] == {
        "source": "timm",
        "handle": "hf://timm/resnet18.a1_in1k",
        # As `count_params()` counts them: timm's 11,689,512 and the statistics of batch norm.
        "parameters": 11_699_112,
        "image_size": [224, 224],
        "num_classes": 1000,
        "license": "apache-2.0",
    }
    wsl = published["hf://timm/resnext101_32x8d.fb_wsl_ig1b_ft_in1k"]
    assert wsl["license"] == "cc-by-nc-4.0"
    assert not set(published) & set(krp.list_presets())


@pytest.mark.slow
def test_every_entry_is_that_of_the_network():
    seen = {}
    for handle, entry in krp.list_presets(published=True).items():
        architecture = handle.removeprefix("hf://timm/").split(".")[0]
        classes = entry["num_classes"]
        if (architecture, classes) not in seen:
            settings = {"num_classes": classes, "input_size": (3, *entry["image_size"])}
            seen[architecture, classes] = describe(architecture, settings)
        assert seen[architecture, classes]["parameters"] == entry["parameters"], handle


def test_callers_may_change_the_list():
    handle = "hf://timm/resnet18.a1_in1k"
    krp.list_presets(published=True)[handle]["parameters"] = 0
    assert krp.list_presets(published=True)[handle]["parameters"]


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "seresnext50_32x4d.racm_in1k"])
def test_parameters_are_those_of_timm(name):
    network = import_timm().create_model(name)
    counts = [value.numel() for key, value in network.state_dict().items() if "tracked" not in key]
    published = krp.list_presets(published=True)
    assert published[f"hf://timm/{name}"]["parameters"] == sum(counts)


@pytest.mark.slow
def test_the_command(fresh_process):
    plain, as_json = run_without_extras(
        fresh_process, ["presets", "--published"], ["presets", "--published", "--json"]
    )
    (line,) = [x for x in plain[1].splitlines() if x.startswith("hf://timm/resnet18.a1_in1k ")]
    assert line.split()[1:] == ["11,699,112", "parameters", "224×224", "apache-2.0"]
    assert len(json.loads(as_json[1])) == len(plain[1].splitlines())
