"""Pushes to branches and as pull requests."""

import numpy as np

import keras_resblocks_plugin as krp
from tests.hub.outcomes import contents, logits, on_hub


def test_branches_and_pull_requests(hub, preset):
    krp.push_to_hub(preset, "hf://user/name", revision="experiments/lr")
    assert on_hub(hub, "user/name") == {}
    assert on_hub(hub, "user/name", "experiments/lr") == contents(preset)
    pushed = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    assert pushed.url == f"{hub.url}/user/name/discussions/1"
    assert on_hub(hub, "user/name") == {}
    assert on_hub(hub, "user/name", "refs/pr/1") == contents(preset)
    assert pushed.load_line.endswith('from_preset("hf://user/name@refs/pr/1")')
    proposed = eval(pushed.load_line, {"krp": krp})
    np.testing.assert_array_equal(logits(proposed), logits(type(proposed).from_preset(str(preset))))
    loaded = krp.ResBlockBackbone.from_preset("hf://user/name@experiments/lr")
    assert loaded.count_params() == krp.ResBlockBackbone.from_preset(str(preset)).count_params()


def test_an_equal_pull_request_is_reused(hub, preset):
    first = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    again = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    assert (again.url, again.commit, again.load_line) == (first.url, first.commit, first.load_line)
    assert again.changed == ()
    planned = krp.push_to_hub(preset, "hf://user/name", create_pr=True, dry_run=True)
    assert planned.changed == ()
    # A changed preset opens a second pull request, and each is found again.
    training = (preset / "training.json").read_text()
    (preset / "training.json").write_text(training.replace("0.5", "0.75"))
    for _ in range(2):
        second = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
        assert second.url == f"{hub.url}/user/name/discussions/2"
    (preset / "training.json").write_text(training)
    assert krp.push_to_hub(preset, "hf://user/name", create_pr=True).url == first.url
    assert len(hub.repo().pull_requests) == 2


def test_a_closed_pull_request_is_not_reused(hub, preset):
    krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    hub.repo().closed.add(1)
    pushed = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    assert pushed.url == f"{hub.url}/user/name/discussions/2"


def test_an_edited_pull_request_is_not_reused(hub, preset):
    krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    hub.repo().edit({"model.py": b"print()"}, "refs/pr/1")
    pushed = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    assert pushed.url == f"{hub.url}/user/name/discussions/2"


def test_nothing_is_proposed_if_main_is_equal(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    pushed = krp.push_to_hub(preset, "hf://user/name", create_pr=True)
    assert pushed.url == f"{hub.url}/user/name/commit/{hub.repo().find().id}"
    assert hub.repo().pull_requests == {}
