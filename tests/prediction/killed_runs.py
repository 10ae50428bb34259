"""Runs a command, kills it at random moments, and runs it to its end.

Arguments: the number of kills, and the words of the command. Prints the number of complete parts
after each kill, and then what the command prints.
"""

import os
import pathlib
import random
import signal
import sys
import time

import datasets  # noqa: F401
import grain  # noqa: F401
import pyarrow.parquet  # noqa: F401

from keras_resblocks_plugin.cli import main

kills, *words = sys.argv[1:]
parts = pathlib.Path(f"{words[words.index('--out') + 1]}.parts")
wait = random.Random(0)


def complete() -> int:
    return len(list(parts.glob("part-*.parquet")))


for _ in range(int(kills)):
    # A fork has imported everything, so that most of the time it predicts.
    process, before = os.fork(), complete()
    if not process:
        main(words)
        os._exit(0)
    while complete() == before:
        assert os.waitpid(process, os.WNOHANG) == (0, 0), "The run ended by itself."
        time.sleep(0.001)
    time.sleep(wait.uniform(0, 0.05))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    print(complete(), flush=True)
main(words)
