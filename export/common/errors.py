"""The one error for bad input: raised anywhere, printed as one line by export.common.command, with exit status 2."""


LOGGED = "log: "                             # begins the note on an error that says where its traceback is


class InputError(Exception):
    """What is wrong, where, what was expected, what was found, and the remedy, as one line without a traceback.

    >>> print(InputError("unknown model 's9'", expected="demo or s2", remedy="did you mean s2?"))
    unknown model 's9'; expected demo or s2; remedy: did you mean s2?
    """

    def __init__(self, what: str, *, where: object = None, expected: object = None, found: object = None,
                 remedy: str | None = None):
        parts = [("", what), (" in ", where), ("; expected ", expected), ("; found ", found), ("; remedy: ", remedy)]
        text = "".join(label + str(value) for label, value in parts if value is not None)
        super().__init__(" ".join(text.split()))
