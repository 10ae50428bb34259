"""`keras-resblocks push`."""

from typing import Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import MutuallyExclusive

_TARGET = Group("Target", show=False, validator=MutuallyExclusive())


def push(
    preset: str,
    handle: str,
    /,
    *,
    private: Annotated[bool | None, Parameter(negative="--public", allow_repeating=False)] = None,
    revision: Annotated[str | None, Parameter(group=("Options", _TARGET))] = None,
    create_pr: Annotated[bool, Parameter(group=("Options", _TARGET), show_default=False)] = False,
    overwrite_card: Annotated[bool, Parameter(show_default=False)] = False,
    dry_run: Annotated[bool, Parameter(show_default=False)] = False,
) -> None:
    """Push a preset to the Hugging Face Hub.

    It is one commit, and the digests of what arrived are compared with what was sent. Log in with
    `hf auth login` first, or set the environment variable `HF_TOKEN`.

    Args:
        preset: The folder or the name of a preset.
        handle: Where to push it: `hf://user/name`.
        private: Make a new repository private or public. Defaults to the user's setting.
        revision: The branch to push to. It is created if it does not exist.
        create_pr: Open a pull request.
        overwrite_card: Replace the model card, even if it was edited on the Hub.
        dry_run: Show what would be pushed, and stop.
    """
    import keras_resblocks_plugin as krp

    pushed = krp.push_to_hub(
        preset,
        handle,
        private=private,
        revision=revision,
        create_pr=create_pr,
        overwrite_card=overwrite_card,
        dry_run=dry_run,
    )
    if not pushed.changed:
        print(f"{pushed.url} has all of it already.")
    elif dry_run:
        print(f"Would change {len(pushed.changed)} files of {pushed.url}:")
    else:
        print(f"Pushed {len(pushed.changed)} files: {pushed.url}")
    for path in pushed.changed:
        print(f"  {path}")
    if not dry_run:
        print(f"Load it with: {pushed.load_line}")
