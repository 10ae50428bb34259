"""The command `keras-resblocks`, run in this process."""

import pytest

from keras_resblocks_plugin.cli import main


@pytest.fixture
def command(capsys):
    """`command(*args)` → exit code, output, errors."""

    def run(*args):
        capsys.readouterr()
        code = 0
        try:
            main([*map(str, args)])
        except SystemExit as end:
            code = end.code
        output, errors = capsys.readouterr()
        if isinstance(code, str):
            # The interpreter prints a message that a process exits with.
            code, errors = 1, f"{errors}{code}\n"
        return code or 0, output, errors

    return run
