"""`keras-resblocks presets`."""

from typing import Annotated

from cyclopts import Parameter


def presets(
    *,
    published: Annotated[bool, Parameter(show_default=False)] = False,
    as_json: Annotated[bool, Parameter(name="--json", show_default=False)] = False,
) -> None:
    """List the names that `from_preset()` knows, with their parameters.

    Args:
        published: List instead the published weights of timm that load by their handle, with their
            image size and license. No network is needed.
        as_json: Print JSON, for a program to read.
    """
    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils._jsonfile import to_json

    known = krp.list_presets(published=published)
    if as_json:
        print(to_json(known, indent=2, default=str))
        return
    width = max(map(len, known), default=0)
    for name, preset in known.items():
        # Unknown for a preset that is only on the Hub.
        count = f"{preset['parameters']:,}" if "parameters" in preset else "?"
        if published:
            size = "×".join(map(str, preset["image_size"]))
            where = f"{size:>7}  {preset['license'] or 'unknown license'}"
        else:
            where = f"{preset['source']}, {preset['handle']}"
        print(f"{name:{width}}  {count:>13} parameters  {where}")
