"""A text of a product list enters; without its HTML it leaves, and unchanged if it has none.

A tag counts only under a name that HTML has, and an entity only with its semicolon: `Pan < 12 cm`, `a<b`, `R&D;` and
Markdown stay. The text is read once, so that the time grows with its length, whatever it holds.
"""

import html
import re
from html.entities import html5

BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head",
    "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul"))
CELLS = frozenset(("td", "th"))
DROPPED = frozenset(("script", "style"))     # with what is between the tags
INLINE = frozenset((
    "a", "abbr", "acronym", "applet", "area", "audio", "b", "base", "basefont", "bdi", "bdo", "big", "blink",
    "button", "canvas", "cite", "code", "col", "colgroup", "data", "datalist", "del", "dfn", "em", "embed", "font",
    "frame", "frameset", "i", "iframe", "img", "input", "ins", "kbd", "label", "link", "map", "mark", "marquee",
    "meta", "meter", "noframes", "noscript", "object", "output", "param", "picture", "progress", "q", "rp", "rt",
    "ruby", "s", "samp", "select", "slot", "small", "source", "span", "strike", "strong", "sub", "sup", "svg",
    "template", "textarea", "time", "track", "tt", "u", "var", "video", "wbr"))
KNOWN = BLOCKS | CELLS | DROPPED | INLINE | {"br"}
BARE = frozenset((
    "async", "autofocus", "autoplay", "checked", "controls", "default", "defer", "disabled", "hidden", "inert",
    "ismap", "itemscope", "loop", "multiple", "muted", "nomodule", "noshade", "novalidate", "nowrap", "open",
    "playsinline", "readonly", "required", "reversed", "selected"))
TAG = re.compile(r"""</?+([A-Za-z][A-Za-z0-9:-]*+)((?:=\s*+"[^"]*+"|=\s*+'[^']*+'|[^<>])*+)>""")
OTHER = re.compile(r"<!doctype[^<>]*+>|<\?[a-z]++[^<>]*+>|<!\[[^<>]*+>", re.IGNORECASE)
ESCAPED = re.compile(r"\s*&lt;(p|div|ul|ol|h[1-6]|table|section)\b.*&lt;/\1&gt;", re.IGNORECASE | re.DOTALL)
ENTITY = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
OFFICE = re.compile("(?:m|o|p|st1|v|w|x):[a-z][a-z0-9]*")
END = {name: re.compile(f"</{name}[^>]*+>", re.IGNORECASE) for name in DROPPED}
COMMENT, COMMENT_END = "<!--", "-->"
CDATA, CDATA_END = "<![CDATA[", "]]>"
BLOCK, BREAK = "\u2028", "\u2029"            # stand for tags until the blanks are folded
SEPARATORS = str.maketrans({BLOCK: "\n", BREAK: "\n"})
RUN = re.compile(r"\s+")
ONE_LINE_END = re.compile(r"[ \t]*+\r?\n")


def plain_text(text: str) -> str:
    """The text as a browser shows it: tags become nothing, a blank or a line break; entities are decoded once.

    A text that begins with an escaped block, to its end, was escaped once too often.

    >>> plain_text("<p>Made &amp; packed</p><ul><li>here</li></ul>"), plain_text("Pan < 12 cm")
    ('Made & packed\\nhere', 'Pan < 12 cm')
    """
    if "<" not in text and "&" not in text:
        return text
    if ESCAPED.match(text):
        text = ENTITY.sub(_decoded, text)
    pieces = _Pieces(text)
    if not pieces.marked:
        decoded = ENTITY.sub(_decoded, text)
        return text if decoded == text else decoded.replace("\u00a0", " ")
    return RUN.sub(pieces.fold, "".join(pieces.found)).strip()


class _Pieces:
    """A text's parts: texts without markup, and a character for each tag that separates."""

    def __init__(self, text: str):
        self.text = text
        self.found: list[str] = []
        self.marked = False                  # a tag, a comment or the like is there
        self.blocks = False                  # there is a paragraph or the like: line ends are blanks, as in HTML
        self.cdata = CDATA in text
        self.endless = False                 # no comment ends any more
        start = position = 0
        while (position := text.find("<", position)) >= 0:
            end, piece = self._markup(position)
            if end == position:
                position += 1
                continue
            self.found += [self._shown(text[start:position]), piece]
            self.marked = True
            start = position = end
        self.found.append(self._shown(text[start:]))

    def fold(self, run: re.Match[str]) -> str:
        """Blanks, line ends and the characters of tags as a blank, a line break, or an empty line."""
        blanks = run[0]
        breaks = blanks.count(BREAK) + (0 if self.blocks else blanks.count("\n"))
        return "\n\n" if breaks > 1 else "\n" if breaks or BLOCK in blanks else " "

    def _shown(self, text: str) -> str:
        return ENTITY.sub(_decoded, text.replace(CDATA_END, "") if self.cdata else text).translate(SEPARATORS)

    def _markup(self, position: int) -> tuple[int, str]:
        """Where the markup at `position` ends, and what stands for it; `position` itself if there is none."""
        text = self.text
        if text.startswith(CDATA, position):
            return position + len(CDATA), ""
        if text.startswith(COMMENT, position):
            return self._comment_end(position + len(COMMENT)), ""
        tag = TAG.match(text, position)
        if tag and _is_tag(tag[1].lower(), tag[2]):
            return self._tag(tag, tag[1].lower())
        other = OTHER.match(text, position)
        return (other.end() if other else position), ""

    def _tag(self, tag: re.Match[str], name: str) -> tuple[int, str]:
        opening = not tag[0].startswith("</")
        if name in DROPPED and opening and not tag[2].endswith("/"):
            end = END[name].search(self.text, tag.end())
            return (end.end() if end else len(self.text)), ""
        if name == "br":
            line_end = ONE_LINE_END.match(self.text, tag.end())
            return (line_end or tag).end(), BREAK
        self.blocks |= name in BLOCKS
        return tag.end(), BLOCK if name in BLOCKS else " " if name in CELLS else ""

    def _comment_end(self, position: int) -> int:
        """Where the comment ends; `position` if it never does. The text's end is sought only once."""
        found = -1 if self.endless else self.text.find(COMMENT_END, position)
        self.endless = found < 0
        return position if self.endless else found + len(COMMENT_END)


def _is_tag(name: str, attributes: str) -> bool:
    """Whether `<name attributes>` is a tag of HTML or of an office program."""
    if name not in KNOWN and not OFFICE.fullmatch(name):
        return False
    words = attributes.strip().rstrip("/").split() if "=" not in attributes else []
    return (not attributes or attributes[0] in "/ \t\r\n\f") and all(word.lower() in BARE for word in words)


def _decoded(entity: re.Match[str]) -> str:
    known = entity[0][1] == "#" or entity[0][1:] in html5
    return html.unescape(entity[0]).translate(SEPARATORS) if known else entity[0]
