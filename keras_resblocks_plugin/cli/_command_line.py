"""The command lines of this package: one style, `--debug` everywhere, one way to run them."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Group, Parameter

from keras_resblocks_plugin.cli._errors import USAGE, in_one_line, line


def new_app(name: str | None = None, help: str | None = None, example: str | None = None) -> App:
    """A command line whose every command has `--debug`.

    Args:
        name: str or None. The name that users type. Defaults to the name of the running file.
        help: str or None. The first lines of `--help`.
        example: str or None. A command that users can copy, shown under the help.
    """
    app = App(
        name=name,
        help=help,
        help_format="markdown",
        help_epilogue=example and f"example: {example}",
        version=_version,
        # Lists are given after one option. Flags have no negative form unless they say so.
        # Of an option that is given twice, the last value counts.
        default_parameter=Parameter(consume_multiple=1, negative=(), allow_repeating=True),
        group_parameters=Group("Options"),
        result_action="return_none",
        # `run` prints them.
        print_error=False,
        exit_on_error=False,
    )

    @app.meta.default
    def with_debug(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        debug: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    ) -> None:
        """Runs a command.

        Args:
            tokens: The command and its arguments.
            debug: Show the traceback of an error.
        """
        with in_one_line(debug):
            app(tokens)

    return app


def script(name: str, command: Callable[..., Any], example: str) -> App:
    """The command line of a script that runs one command.

    Args:
        name: str. The name of its file.
        command: Callable. The function of the command.
        example: str. The arguments of an example.
    """
    app = new_app(name, example=f"python scripts/{name} {example}")
    app.default(command)
    return app


def run(app: App, tokens: Sequence[str] | None = None) -> None:
    """Runs a command line, and ends the process with 0, 1 (failure) or 2 (usage).

    Args:
        app: App. A command line of `new_app`.
        tokens: list of str or None. The arguments. Defaults to those of the process.
    """
    try:
        app.meta(sys.argv[1:] if tokens is None else list(tokens))
    except CycloptsError as error:
        print(line(error), file=sys.stderr)
        sys.exit(USAGE)


def _version() -> str:
    from importlib.metadata import version

    return version("keras-resblocks-plugin")
