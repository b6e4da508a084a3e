"""The one error for bad input: raised anywhere, printed as one line by a `__main__`, which then exits with status 2."""

import argparse


class InputError(Exception):
    """What is wrong, where, what was expected, what was found, and the remedy, as one line without a traceback."""

    def __init__(self, what: str, *, where: object = None, expected: object = None, found: object = None,
                 remedy: str | None = None):
        parts = [("", what), (" in ", where), ("; expected ", expected), ("; found ", found), ("; remedy: ", remedy)]
        text = "".join(label + str(value) for label, value in parts if value is not None)
        super().__init__(" ".join(text.split()))


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints are InputErrors, too: one line, no usage text."""

    def error(self, message: str) -> None:
        """Raises InputError instead of printing the usage and exiting."""
        raise InputError(message, where="the command line", remedy=f"see {self.prog} --help")
