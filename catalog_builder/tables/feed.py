"""An XML feed enters: RSS, Atom, or any XML with a repeated element. A table leaves, one row an element."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from catalog_builder.tables.encodings import DecodedText
from catalog_builder.tables.headers import LEAST_KNOWN, known_in, name_of
from catalog_builder.tables.table_types import Table, TableRow
from export.common.errors import InputError

GOOGLE = "http://base.google.com/ns/1.0"             # its names win over others of an item
ENTRIES = {"rss": "item", "RDF": "item", "feed": "entry"}        # by the root's name
MOST_NESTED = 64                         # elements within one another
CHUNK = 1 << 16                          # characters given to the parser at a time


@dataclass
class _Element:
    """An element that is open."""

    name: str                            # without its namespace
    google: bool                         # whether it is in Google's namespace
    attributes: dict[str, str]
    own: list[str] = field(default_factory=list)         # its own texts
    full: list[str] = field(default_factory=list)        # with those of the elements inside
    found: list[tuple[str, str, bool]] = field(default_factory=list)     # (column, text, Google's) of those inside


@dataclass(frozen=True)
class _Kind:
    """All elements of one path."""

    columns: set[str] = field(default_factory=set)       # names of elements and attributes right inside
    inside: set[str] = field(default_factory=set)        # names of elements alone


def read(content: DecodedText, where: Path, known: Callable[[str], bool]) -> Table:
    """The table of a feed. Raises InputError if it is no well-formed XML, declares an entity, or repeats no element."""
    survey = _Survey()
    _parse(content.text, survey, where)
    path = survey.product(known)
    if path is None:
        raise InputError("the XML holds no list of products", where=where, found=f"<{survey.root}>",
                         expected="an element that is there once a product, with the values inside")
    items = _Items(path, survey.kinds[path].inside)
    _parse(content.text, items, where)
    columns = dict.fromkeys(name for row in items.rows if isinstance(row.values, dict) for name in row.values)
    return Table("XML feed", (content.encoding, f"one row an element <{path[-1]}>"), tuple(columns), frozenset(),
                 rows=items.rows, notices=content.notices)


def _parse(text: str, target: "_Survey | _Items", where: Path) -> None:
    """Gives the events of the text to `target`, whose `line` tells where they are."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, XMLParser

    body = text.lstrip()
    before = text[:len(text) - len(body)].count("\n")
    try:
        parser = XMLParser(target=target)
        target.line = lambda: parser.parser.CurrentLineNumber + before
        for start in range(0, len(body), CHUNK):
            parser.feed(body[start:start + CHUNK])
        parser.close()
    except ParseError as error:
        line, column = error.position
        raise InputError("the XML is damaged", where=f"{where}, line {line + before}, column {column + 1}",
                         found=str(error).split(": line")[0], remedy="export it again") from error
    except DefusedXmlException as error:
        raise InputError("the XML declares an entity or refers to another file", where=where, found=error,
                         remedy="write the text itself in its place") from error
    except RecursionError as error:
        raise InputError("the XML is nested too deeply", where=where, found=error) from error


def _split(tag: str) -> tuple[str, str]:
    """Namespace and name."""
    space, _, name = tag.rpartition("}")
    return space[1:], name


class _Survey:
    """What elements there are: the first pass over a feed."""

    def __init__(self) -> None:
        self.line: Callable[[], int] = int
        self.root = ""
        self.open: list[tuple[tuple[str, ...], Counter[str]]] = []       # path, and how often each name is inside
        self.kinds: dict[tuple[str, ...], _Kind] = defaultdict(_Kind)
        self.siblings: Counter[tuple[str, ...]] = Counter()              # the most in one place

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        _, name = _split(tag)
        if len(self.open) == MOST_NESTED:
            raise RecursionError(f"more than {MOST_NESTED} elements within one another in line {self.line()}")
        path = (*self.open[-1][0], name) if self.open else (name,)
        if self.open:
            parent, inside = self.open[-1]
            inside[name] += 1
            self.kinds[parent].columns.add(name)
            self.kinds[parent].inside.add(name)
        self.root = self.root or name
        self.kinds[path].columns.update(_split(attribute)[1] for attribute in attributes)
        self.open.append((path, Counter()))

    def end(self, tag: str) -> None:
        path, inside = self.open.pop()
        for name, count in inside.items():
            self.siblings[(*path, name)] = max(count, self.siblings[(*path, name)])

    def product(self, known: Callable[[str], bool]) -> tuple[str, ...] | None:
        """The path of the elements that are products: a feed's entries, or those with the most known columns, or else
        the most siblings.
        """
        paths = [path for path, kind in self.kinds.items() if len(path) > 1 and kind.columns]
        entries = [path for path in paths if path[-1] == ENTRIES.get(self.root)]

        def rank(path: tuple[str, ...]) -> tuple[int, int, int]:
            count = known_in(sorted(self.kinds[path].columns), known)
            return count if count >= LEAST_KNOWN else 0, self.siblings[path], -len(path)

        return max(entries or paths, key=rank, default=None)


class _Items:
    """The rows: the second pass over a feed."""

    def __init__(self, path: tuple[str, ...], inside: set[str]) -> None:
        self.line: Callable[[], int] = int
        self.path = path
        self.inside = inside             # names of elements in an item: its attributes have others
        self.above: list[str] = []       # names of the open elements that are in no item
        self.open: list[_Element] = []   # the item and what is open in it
        self.at = 0                      # the item's line
        self.rows: list[TableRow] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        space, name = _split(tag)
        if not self.open and (*self.above, name) != self.path:
            self.above.append(name)
            return
        if not self.open:
            self.at = self.line()
        named = {_split(attribute)[1]: text for attribute, text in attributes.items()}
        self.open.append(_Element(name, space == GOOGLE, named))

    def data(self, text: str) -> None:
        if self.open:
            self.open[-1].own.append(text)
            self.open[-1].full.append(text)

    def end(self, tag: str) -> None:
        if not self.open:
            self.above.pop()
            return
        element = self.open.pop()
        if self.open:
            parent = self.open[-1]
            parent.full += element.full
            parent.found += [(f"{element.name}{column}", text, element.google) for column, text in _fields(element)]
        else:
            self.rows.append(TableRow(self.at, len(self.rows) + 1, self._values(element)))

    def _values(self, item: _Element) -> dict[str, object]:
        """The columns of an item: its attributes, and what is inside."""
        found = [(f"{item.name}@{name}" if name in self.inside else name, text, False)
                 for name, text in item.attributes.items()]
        texts: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for column, text, google in found + item.found:
            texts[name_of(column)].append((text, google))
        own = "".join(item.own).strip()
        return ({item.name: own} if own else {}) | {column: _value(those) for column, those in texts.items()}


def _fields(element: _Element) -> list[tuple[str, str]]:
    """What an element gives, as pairs of a column's end and a text: its attributes; its text, or else its elements."""
    attributes = [(f"@{name}", text.strip()) for name, text in element.attributes.items()]
    if "".join(element.own).strip():
        return [("", "".join(element.full).strip()), *attributes]
    return attributes + [(f"/{column}", text) for column, text, _ in element.found] or [("", "")]


def _value(found: Iterable[tuple[str, bool]]) -> str | list[str]:
    """The text of a column, or its texts; Google's alone if there are any."""
    those = list(found)
    texts = [text for text, google in those if google] or [text for text, _ in those]
    some = [text for text in texts if text]
    return some if len(some) > 1 else "".join(some)
