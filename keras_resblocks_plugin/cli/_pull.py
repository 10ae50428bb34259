"""`keras-resblocks pull`."""

from typing import Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import LimitedChoice

_ACTION = Group("HANDLE, --list, --remove", show=False, validator=LimitedChoice(1, 1))


def pull(
    handle: Annotated[str | None, Parameter(group=("Arguments", _ACTION))] = None,
    /,
    *,
    name: str | None = None,
    dry_run: Annotated[bool, Parameter(show_default=False)] = False,
    list_: Annotated[
        bool, Parameter(name="--list", group=("Options", _ACTION), show_default=False)
    ] = False,
    remove: Annotated[str | None, Parameter(group=("Options", _ACTION), metavar="NAME")] = None,
) -> None:
    """Pull a preset from the Hugging Face Hub and give it a name.

    All of it is checked. The name then works in every `from_preset()`, in later processes, and
    offline. Pull again to update it. For a private repository, log in with `hf auth login` or set
    the environment variable `HF_TOKEN`.

    Args:
        handle: `hf://user/name` or `hf://user/name@revision`.
        name: The name to load it by. Defaults to the repository's.
        dry_run: Show what would be pulled, and stop.
        list_: Show the known names, and stop.
        remove: Forget a name, and stop.
    """
    import keras_resblocks_plugin as krp

    if list_:
        for known, preset in krp.list_presets().items():
            commit = f" at {preset['commit'][:12]}" if "commit" in preset else ""
            print(f"{known}: {preset['source']}, {preset['handle']}{commit}")
    elif remove is not None:
        krp.unregister_preset(remove)
        print(f"Forgot {remove!r}. Its files stay in the Hub's cache: see `hf cache`.")
    else:
        pulled = krp.pull_from_hub(handle, name, dry_run=dry_run)
        if dry_run:
            print(f"Would pull commit {pulled.commit} of {pulled.handle} as {pulled.name!r}:")
            print("\n".join(f"  {path}" for path in pulled.files))
            return
        print(f"Pulled commit {pulled.commit} of {pulled.handle} to {pulled.folder}")
        print(f'Load it with: keras_hub.models.Backbone.from_preset("{pulled.name}")')
