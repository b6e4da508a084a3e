"""Where the tables for people go."""

import sys

from rich.console import Console

MEGABYTE = 1e6
LINE = 160                                   # characters, where the output is no terminal


def console() -> Console:
    """As wide as the terminal, or wide enough for every table."""
    return Console() if sys.stdout.isatty() else Console(width=LINE)
