"""A query enters; the writing systems in it that the model was not trained on leave."""

from collections.abc import Collection

import regex

from export.common.specs import SCRIPTS

_LETTERS = regex.compile(r"(?![\p{Script=Common}\p{Script=Inherited}])\p{L}")      # the micro sign is of no script
_PATTERNS = {name: regex.compile(rf"\p{{Script={name}}}") for name in SCRIPTS}


def unknown(text: str, known: Collection[str]) -> list[str]:
    """The scripts of the letters of `text` that are not among `known` (the manifest's), each once, in their order."""
    names = [_script(letter) for letter in _LETTERS.findall(text)]
    return [name for name in dict.fromkeys(names) if name not in known]


def _script(letter: str) -> str:
    """One of SCRIPTS, or "another script"."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.match(letter)), "another script")


def warning(text: str, known: Collection[str]) -> str | None:
    """One line for the user if the query is in a script that the model does not know; otherwise None."""
    names = unknown(text, known)
    return names and (f"the query holds {', '.join(names)} letters, and this model was trained on "
                      f"{', '.join(known)} alone: the results mean little") or None
