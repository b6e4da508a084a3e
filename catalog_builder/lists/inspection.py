"""A listing enters; what was recognised leaves, in words for shop staff, and whether too many products were lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_builder.fields.prices import UNIT
from catalog_builder.lists import indexed
from catalog_builder.lists.listing import Listing
from catalog_builder.lists.problems import PRODUCT, Problem, causes
from catalog_builder.lists.products import Product
from export.common.errors import InputError

LOST_SHARE, LOST_COUNT = 0.01, 3             # products lost without --allow-loss: so many, or such a share of all
EXAMPLES = 3                                 # products shown
MOST_WORDS = 1000                            # characters of one line
LONGEST_NAME = 24                            # characters of a picture's name


@dataclass(frozen=True)
class Fact:
    """One line of an inspection."""

    what: str
    words: str


def facts(listing: Listing) -> list[Fact]:
    """What was recognised: the kind of list, its rows, columns, pictures, and what does not ship."""
    seen, table = listing.recognition, listing.recognition.table
    rows = f"{_count(len(table.rows), 'row')}: {_count(len(listing.products), 'product')}"
    parts = [f"{count:,} left out: {why}" for why, count in seen.left_out.most_common()]
    if seen.joined:
        parts.insert(0, f"{seen.joined:,} rows are variants or further pictures")
    if listing.lost:
        parts.append(f"{listing.lost:,} lost, see the problems")
    found = [Fact("list", f"{seen.columns.preset.title}: {', '.join((table.format, *table.details))}"),
             Fact("rows", f"{rows}{'; ' if parts else ''}{'; '.join(parts)}"),
             Fact("columns", ", ".join(f"{kind} = {' or '.join(names)}" for kind in seen.columns.columns
                                       if (names := seen.columns.of(kind)))),
             Fact("prices", seen.prices), Fact("pictures", f"{seen.named:,} named, {seen.found:,} found")]
    if seen.kept:
        found.append(Fact("also shipped", ", ".join(seen.kept)))
    found += _found_by(listing)
    if seen.not_shipped:
        found.append(Fact("not shipped", _cut(", ".join(seen.not_shipped), MOST_WORDS)))
    return found


def _found_by(listing: Listing) -> list[Fact]:
    """What customers find products by beside pictures and meaning, and which columns they could."""
    by, kept = listing.recognition.indexed, listing.recognition.kept
    said = {"whole": by.keys, "words of": by.words, "filters": by.filters}
    found = [Fact("found by", "; ".join(f"{how} {', '.join(names)}" for how, names in said.items() if names))]
    return [fact for fact in found if fact.words] + [
        Fact("barcodes", f"{name}: {right:,} of {filled:,}; --keys {name} lets customers find them")
        for name, (right, filled) in indexed.barcode_columns(listing.recognition.table).items() if name not in kept
        and listing.recognition.columns.of("id") != (name,)]


def examples(listing: Listing) -> list[Fact]:
    """The first products."""
    return [Fact(f"product {i}", _words(product)) for i, product in enumerate(listing.products[:EXAMPLES], 1)]


def troubles(problems: Sequence[Problem]) -> list[Fact]:
    """The problems by cause, each with its number and one example."""
    return [Fact(_count(cause.count, cause.skipped or "notice"), _example(cause.example)) for cause in causes(problems)]


def refusal(kept: int, problems: Sequence[Problem], allowed: float) -> InputError | None:
    """The error for a list without products, or of which more than a share of `allowed` was lost; None if few were."""
    lost = [problem for problem in problems if problem.skipped == PRODUCT]
    total, most = kept + len(lost), max(LOST_SHARE, allowed)
    worst = causes(lost)[0] if lost else None
    found = f"{worst.count:,} times: {_example(worst.example)}" if worst else "none that shoppers may see"
    if not kept:
        return InputError("no product is left", found=found)
    if len(lost) <= LOST_COUNT or len(lost) <= most * total:
        return None
    return InputError(f"{len(lost):,} of {total:,} products would be lost", expected=f"at most {100 * most:g}%",
                      found=found, remedy=f"mend the list, or --allow-loss {_share(len(lost), total)}")


def _example(problem: Problem) -> str:
    if not problem.line and not problem.row:
        return problem.what                  # of the whole list
    where = f"line {problem.line}" if problem.line else f"row {problem.row}"
    return f"{problem.what} ({where}{', ' + problem.product if problem.product else ''})"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _share(lost: int, total: int) -> str:
    return f"{-(-100 * lost // total)}%"


def _words(product: Product) -> str:
    price = "no price" if product.price is None else f"{product.price / UNIT:,.2f} {product.currency}".strip()
    pictures = f"{_count(len(product.pictures), 'picture')} from {_cut(product.pictures[0].name, LONGEST_NAME)} on"
    words = f"{product.id}: {product.name}; {price}; {product.category or 'no category'}; {pictures}"
    return _cut(words, MOST_WORDS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most - 1] + "…"
