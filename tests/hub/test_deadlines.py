"""Requests to a silent or slow Hub end."""

import contextlib
import time

import huggingface_hub
import pytest
from huggingface_hub import constants

import keras_resblocks_plugin as krp
from tests.hub import test_faults_push
from tests.hub.outcomes import assert_fails, contents, on_hub
from tests.hub.server import Fault

HANDLE = "hf://user/tiny"
SECONDS = 1.0
UNHEARD = r"cannot be reached for `hf://user/tiny[^`]*` \((no answer within [\d.]+ s|timed out)\)"


@contextlib.contextmanager
def deadlines(seconds=SECONDS):
    """Sets how long the Hub has for an answer and for the next bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", seconds)
        patch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", seconds)
        yield


def assert_gives_up(hub, endpoint, action, *args, most=2, **kwargs):
    """The action fails after at most `most` requests without an answer.

    On an idle machine it is one. On a busy one a second was seen.
    """
    hub.inject(Fault(endpoint, times=99, silent=True))
    with deadlines():
        assert_fails(hub, UNHEARD, action, *args, **kwargs)
    assert 0 < 99 - hub.faults[0].times <= most
    hub.faults.clear()


@pytest.mark.parametrize("endpoint", test_faults_push.ENDPOINTS)
def test_a_push(hub, preset, endpoint):
    if endpoint == "resolve":
        # Only a second push reads the card on the Hub.
        krp.push_to_hub(preset, HANDLE)
        (preset / "training.json").write_text('{"epochs": 3}')
    assert_gives_up(hub, endpoint, krp.push_to_hub, preset, HANDLE)
    krp.push_to_hub(preset, HANDLE)
    assert on_hub(hub, "user/tiny") == contents(preset)


@pytest.mark.parametrize(
    ("endpoint", "options"),
    [
        ("create_branch", {"revision": "dev"}),
        ("discussions", {"create_pr": True}),
        ("model_info", {"dry_run": True}),
        ("tree", {"dry_run": True}),
    ],
)
def test_a_push_to_a_branch_a_pull_request_and_a_dry_run(hub, preset, endpoint, options):
    hub.repo("user/tiny")
    assert_gives_up(hub, endpoint, krp.push_to_hub, preset, HANDLE, **options)
    assert krp.push_to_hub(preset, HANDLE, **options).changed


@pytest.mark.parametrize("endpoint", ["model_info", "tree"])
def test_every_function_that_downloads(hub, preset, endpoint):
    hub.repo("user/tiny").edit(contents(preset))
    model = krp.ResBlockImageClassifier.from_preset(preset)
    for action in (
        lambda: krp.pull_from_hub(HANDLE),
        lambda: krp.pull_from_hub(HANDLE, dry_run=True),
        lambda: krp.ResBlockBackbone.from_preset(HANDLE),
        lambda: krp.ResBlockImageClassifier.from_preset(f"{HANDLE}@main"),
        lambda: model.load_lora_weights(HANDLE),
        lambda: model.backbone.load_lora_weights(HANDLE),
        lambda: krp.convert.from_timm(HANDLE),
    ):
        assert_gives_up(hub, endpoint, action)


@pytest.mark.parametrize("endpoint", ["resolve", "download"])
def test_a_silent_download_is_repeated(hub, preset, endpoint):
    hub.repo("user/tiny").edit(contents(preset))
    hub.inject(Fault(endpoint, silent=True))
    with deadlines():
        assert krp.pull_from_hub(HANDLE, name=f"again_{endpoint}").fresh
    assert hub.faults == []


def test_but_not_without_end(hub, preset):
    hub.repo("user/tiny").edit(contents(preset))
    # The Hub's client asks six times for each of the two large files.
    assert_gives_up(hub, "download", krp.pull_from_hub, HANDLE, name="endless", most=12)


def test_a_slow_download_succeeds(hub, preset):
    hub.repo("user/tiny").edit(contents(preset))
    # Bytes arrive every 0.3 s, and the whole takes longer than a deadline.
    hub.inject(Fault("download", slow=3.0))
    start = time.monotonic()
    with deadlines(2.0):
        assert krp.pull_from_hub(HANDLE, name="slowly").fresh
    assert time.monotonic() - start > 3
    assert len(hub.sent("download")) == 2  # The weights and the head: once each.


def test_a_slow_upload_succeeds(hub, preset):
    krp.push_to_hub(preset, HANDLE)
    # Many times what the sockets' buffers hold (about 4 MB), so that sending takes a while. The
    # answer may take as long again beyond its deadline, since the buffers still have to empty.
    (preset / "samples").mkdir()
    (preset / "samples" / "large.png").write_bytes(bytes(range(256)) * 2**17)
    hub.inject(Fault("upload", slow=3.0, delay=2.1))
    start = time.monotonic()
    with deadlines(2.0):
        krp.push_to_hub(preset, HANDLE)
    assert time.monotonic() - start > 5
    assert on_hub(hub, "user/tiny") == contents(preset)
    assert len(hub.sent("upload")) == 3


def test_the_users_own_requests_have_no_deadline(hub, preset):
    krp.push_to_hub(preset, HANDLE)
    hub.inject(Fault("model_info", delay=1.5))
    with deadlines(0.5):
        info = huggingface_hub.HfApi(token=hub.users_token).model_info("user/tiny")
    assert info.sha == hub.repo("user/tiny").find().id


def test_uploads_have_deadlines_with_hf_xet_installed(hub, preset, fresh_process):
    hub.inject(Fault("upload", times=99, silent=True))
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "sys.stderr = sys.stdout\n"
        "import hf_xet\n"
        "import keras_resblocks_plugin as krp\n"
        "start = time.monotonic()\n"
        "try:\n"
        "    krp.push_to_hub(sys.argv[1], sys.argv[2])\n"
        "except krp.hub.HubError as error:\n"
        "    print(time.monotonic() - start < 60, error)\n"
    )
    env = {"HF_HUB_DISABLE_XET": "0", "HF_HUB_DOWNLOAD_TIMEOUT": "1"}
    output = fresh_process(code, preset, HANDLE, **env)
    assert "True The Hub at" in output
    assert "HTTP upload" not in output
    assert "no answer within 1" in output


def test_a_background_push_does_not_keep_a_process_alive(hub, preset, fresh_process):
    asked = preset.parent / "asked"
    hub.inject(Fault("create_repo", times=99, silent=True, call=asked.touch))
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from keras_resblocks_plugin.hub._background import BackgroundPush\n"
        "from keras_resblocks_plugin._hub_client import Handle\n"
        "push = BackgroundPush(sys.argv[1], Handle.parse(sys.argv[2]), None)\n"
        "push.offer(Path(sys.argv[3]))\n"
        "push.start()\n"
        "while not Path(sys.argv[4]).exists():\n"
        "    time.sleep(0.01)\n"
        "print(time.time())\n"
    )
    env = {"HF_HUB_ETAG_TIMEOUT": "60", "TMPDIR": str(preset.parent)}
    ended = float(fresh_process(code, hub.users_token, HANDLE, preset, asked, **env))
    assert time.time() - ended < 20
    # Its temporary copy is deleted.
    assert [path.name for path in preset.parent.iterdir() if "plugin" in path.name] == []
