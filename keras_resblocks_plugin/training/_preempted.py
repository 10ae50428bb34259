"""The end of a run that was preempted."""

from pathlib import Path

# `EX_TEMPFAIL` of `sysexits.h`: try again later.
_START_AGAIN = 75


class Preempted(SystemExit):
    """SIGTERM ended a run, which continues when it is started again.

    Unless it is caught, the process ends with the exit code 75, `EX_TEMPFAIL`.

    Args:
        step: int. The number of finished steps.
        folder: Path. The folder of the backup.
    """

    def __init__(self, step: int, folder: Path):
        super().__init__(_START_AGAIN)
        self.step = step
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"SIGTERM ended the run after step {self.step}. Its backup is in {self.folder}. "
            f"Start it again with the same arguments to continue it (exit code {self.code})."
        )
