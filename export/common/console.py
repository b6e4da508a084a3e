"""The console on which commands print their tables."""

import sys

from rich.console import Console

MEGABYTE = 1e6
LINE = 160                                   # characters, if the output is not a terminal


def console() -> Console:
    """A console as wide as the terminal, or wide enough for every table if the output is not a terminal."""
    return Console() if sys.stdout.isatty() else Console(width=LINE)
