"""Cleaning a text as open_clip 3.3.0 does before it tokenizes, in steps that Swift and Kotlin can repeat.

Enters: any string and the asset's tables. Leaves: ftfy 6.3.1's fix_text without its repair of wrong decoding
(fix_encoding), HTML unescaped twice, white space folded, lower case. Every character class and map is a table.
"""

from export.text.entities import unescape_html_leniently, unescape_html_strictly
from export.text.tables import TextTables

SEGMENT = 1_000_000                      # ftfy's max_decode_length, in code points
ESCAPE = "\x1b"
REPLACEMENT = "\ufffd"
FIRST_MARK = "\u0300"                    # no character below it composes or has a combining class
SIGMA, SMALL_SIGMA, FINAL_SIGMA = "\u03a3", "\u03c3", "\u03c2"
# Hangul syllables compose by arithmetic: The Unicode Standard, section 3.12.
L_BASE, V_BASE, T_BASE, S_BASE = 0x1100, 0x1161, 0x11A7, 0xAC00
L_COUNT, V_COUNT, T_COUNT = 19, 21, 28
S_COUNT = L_COUNT * V_COUNT * T_COUNT


def clean(text: str, tables: TextTables) -> str:
    """The cleaned text, ready to be split into words: the steps of this module in order."""
    text = fix_text(text, tables)
    text = unescape_html_leniently(text, tables)
    text = unescape_html_leniently(text, tables)
    return lower(fold_white_space(text, tables), tables)


def fix_text(text: str, tables: TextTables) -> str:
    """ftfy's fix_text, line by line; from the first line with a "<" on, HTML references stay as they are."""
    fixed = []
    html = True
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        end = min(end, start + SEGMENT)
        segment = text[start:end]
        html = html and "<" not in segment
        fixed.append(_fix_segment(segment, tables, html))
        start = end
    return "".join(fixed)


def _fix_segment(text: str, tables: TextTables, html: bool) -> str:
    """Repeats the fixes until a round changes nothing, because one fix can make another fix necessary."""
    while True:
        before = text
        if html:
            text = unescape_html_strictly(text, tables)
        text = text.translate(tables.fold)                       # character by character, by the table
        text = join_surrogates(text)
        text = remove_terminal_escapes(text, tables)
        text = text.translate(tables.removed)
        text = compose(text, tables)
        if text == before:
            return text


def join_surrogates(text: str) -> str:
    """A high and a low surrogate become the character that they encode; a single surrogate becomes U+FFFD.

    Only strings of UTF-16 units can hold surrogates. On the JVM, reading code points joins the pairs; in Swift, the
    runtime has already done both.
    """
    if max(text, default="") < "\ud800":
        return text
    joined: list[str] = []
    for character in text:
        if joined and "\udc00" <= character <= "\udfff" and "\ud800" <= joined[-1] <= "\udbff":
            joined[-1] = chr(0x10000 + (ord(joined[-1]) - 0xD800) * 0x400 + ord(character) - 0xDC00)
        else:
            joined.append(character)
    return "".join(REPLACEMENT if "\ud800" <= character <= "\udfff" else character for character in joined)


def remove_terminal_escapes(text: str, tables: TextTables) -> str:
    """Drop ESC [, any decimal digits and semicolons, and one ASCII letter."""
    if ESCAPE not in text:
        return text
    kept = []
    position = 0
    while position < len(text):
        end = _escape_end(text, position, tables) if text[position] == ESCAPE else position
        if end == position:
            kept.append(text[position])
            end += 1
        position = end
    return "".join(kept)


def _escape_end(text: str, start: int, tables: TextTables) -> int:
    """Where the escape sequence that begins at `start` ends, or `start` if there is none."""
    end = start + 1
    if text[end:end + 1] != "[":
        return start
    end += 1
    while end < len(text) and (text[end] == ";" or text[end] in tables.decimals):
        end += 1
    return end + 1 if end < len(text) and ("a" <= text[end] <= "z" or "A" <= text[end] <= "Z") else start


def compose(text: str, tables: TextTables) -> str:
    """Unicode's normal form C: decompose, order the marks, compose."""
    if max(text, default="") < FIRST_MARK:
        return text                      # a shortcut: the steps below would change nothing
    whole: list[str] = []
    starter = -1                         # index in `whole` of the last character of class 0
    between = -1                         # class of the last mark kept after that character; -1: none
    for character in decompose(text, tables):
        rank = tables.combining.get(character, 0)
        if starter >= 0 and between < rank:                         # no mark between, or only lower classes
            pair = _compose_pair(whole[starter], character, tables)
            if pair:
                whole[starter] = pair
                continue
        if rank == 0:
            starter, between = len(whole), -1
        else:
            between = rank
        whole.append(character)
    return "".join(whole)


def decompose(text: str, tables: TextTables) -> str:
    """Unicode's normal form D: decompose, order the marks."""
    return "".join(_order_marks(_parts(text, tables), tables))


def _parts(text: str, tables: TextTables) -> str:
    parts = []
    for character in text:
        syllable = ord(character) - S_BASE
        if 0 <= syllable < S_COUNT:
            rest, tail = divmod(syllable, T_COUNT)
            lead, vowel = divmod(rest, V_COUNT)
            parts += [chr(L_BASE + lead), chr(V_BASE + vowel)] + ([chr(T_BASE + tail)] if tail else [])
        else:
            parts.append(tables.decompositions.get(character, character))
    return "".join(parts)


def _order_marks(text: str, tables: TextTables) -> list[str]:
    """Each run of marks (combining class above 0) sorted by class; marks of one class keep their order."""
    ordered: list[str] = []
    marks: list[tuple[int, str]] = []
    for character in text:
        rank = tables.combining.get(character, 0)
        if rank:
            marks.append((rank, character))
            continue
        ordered += [mark for _, mark in sorted(marks, key=lambda mark: mark[0])]
        ordered.append(character)
        marks = []
    return ordered + [mark for _, mark in sorted(marks, key=lambda mark: mark[0])]


def _compose_pair(first: str, second: str, tables: TextTables) -> str | None:
    """The character that the two compose to, or None."""
    lead, vowel = ord(first) - L_BASE, ord(second) - V_BASE
    if 0 <= lead < L_COUNT and 0 <= vowel < V_COUNT:
        return chr(S_BASE + (lead * V_COUNT + vowel) * T_COUNT)
    syllable, tail = ord(first) - S_BASE, ord(second) - T_BASE
    if 0 <= syllable < S_COUNT and syllable % T_COUNT == 0 and 0 < tail < T_COUNT:
        return chr(ord(first) + tail)
    return tables.compositions.get(first + second)


def fold_white_space(text: str, tables: TextTables) -> str:
    """Each run of white space becomes one space; none is left at either end."""
    spaced = "".join(" " if character in tables.spaces else character for character in text)
    return " ".join(word for word in spaced.split(" ") if word)


def lower(text: str, tables: TextTables) -> str:
    """Lower case by the table, character by character; only the result for a capital sigma depends on neighbours."""
    if SIGMA in text:
        text = "".join(_lower_sigma(text, index, tables) if character == SIGMA else character
                       for index, character in enumerate(text))
    return text.translate(tables.lower)


def _lower_sigma(text: str, index: int, tables: TextTables) -> str:
    """Final sigma if a cased letter stands before and none after; `case_ignorable` characters between are skipped."""
    before, after = index - 1, index + 1
    while before >= 0 and text[before] in tables.case_ignorable:
        before -= 1
    while after < len(text) and text[after] in tables.case_ignorable:
        after += 1
    follows = before >= 0 and text[before] in tables.cased
    precedes = after < len(text) and text[after] in tables.cased
    return FINAL_SIGMA if follows and not precedes else SMALL_SIGMA
