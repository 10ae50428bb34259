"""Errors that say how a missing package is installed."""

import importlib.util


def require(extra: str, *modules: str) -> None:
    """Checks that the packages of an extra are installed, without importing them.

    Args:
        extra: str. The name of the extra in `pyproject.toml`, such as `"training"`.
        *modules: str. The top-level modules to look for.

    Raises:
        ImportError: If one is missing. The message names the extra.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"This needs {', '.join(f'`{name}`' for name in missing)}, which the extra `{extra}` "
            f"of `keras-resblocks-plugin` installs: "
            f'`pip install "<the wheel of keras-resblocks-plugin>[{extra}]"`.'
        )
