"""A catalog just built enters; one self-contained HTML page leaves, to look at before shipping."""

import base64
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from catalog_builder.builder.built import Built, EmbeddedQueries
from catalog_builder.builder.duplicates import ALIKE
from catalog_builder.builder.recall import RECALL_TOLERANCE
from catalog_builder.catalog import calibration, search
from catalog_builder.catalog.reader import NO_PRICE, UNITS, Catalog
from catalog_builder.engines import Model
from catalog_builder.lists import inspection
from export.common import files, rankings
from export.pictures.preprocess import load_rgb8

HERE = Path(__file__).parent
WALL, SHOWN = 12, 5                          # sample queries of each kind, results of each
MOST_PAIRS, MOST_SHARED, MOST_PROBLEMS, SIDE = 40, 12, 60, 96


@dataclass(frozen=True)
class Card:
    """A product as the page shows it."""

    picture: str                             # a data: address, "" if the catalog has no thumbnails
    name: str
    price: str
    score: float
    percent: int | None                      # None: not measured
    right: bool | None                       # None: unknown


@dataclass(frozen=True)
class Sample:
    """One query and its results."""

    kind: str
    words: str                               # of a text
    picture: str                             # of a picture: a data: address
    cards: list[Card]


def write(built: Built, made: Catalog, model: Model, asked: EmbeddedQueries) -> None:
    """Writes <name>.html beside the catalog, whole or not at all."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    page = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True).get_template("catalog_page.html.j2")
    pairs = None if built.pairs is None else [
        (card(made, p.first, p.score), card(made, p.second, p.score)) for p in built.pairs.best[:MOST_PAIRS]]
    html = page.render(
        built=built, made=made, model=model.manifest, samples=wall(made, asked), pairs=pairs, parts=parts(made),
        categories=Counter(made.category_names[c] for c in made.categories).most_common(),
        priced=int((made.prices > NO_PRICE).sum()), prices=prices(made), troubles=inspection.troubles(built.problems),
        first=[card(made, product) for product in range(min(inspection.EXAMPLES, made.products))],
        words=calibration.described(made.calibration),
        problems=built.problems[:MOST_PROBLEMS], top=rankings.TOP, recall_tolerance=RECALL_TOLERANCE,
        recall_name=rankings.named(RECALL_TOLERANCE), alike=ALIKE,
        shared=[(card(made, one.products[0], 1.0), len(one.products)) for one in built.shared[:MOST_SHARED]])
    with files.whole(built.page) as partial:
        partial.write_text(html, encoding="utf-8")


def prices(made: Catalog) -> str:
    """What follows the number of products with a price."""
    if made.currency or not (made.prices > NO_PRICE).any():
        return f" in {made.currency}" if made.currency else ""
    codes = {made.record(int(product))["currency"] for product in np.flatnonzero(made.prices > NO_PRICE)}
    return ", of which the list states no currency" if codes == {""} else ", several currencies: no filter by price"


def wall(made: Catalog, asked: EmbeddedQueries) -> list[Sample]:
    """Sample queries with their results, evenly spread over the queries that measured the catalog."""
    samples = []
    for kind, known in (("text", asked.queries.text), ("image", asked.queries.image)):
        total = len(known.queries)
        for i in [i * total // min(WALL, total) for i in range(min(WALL, total))]:
            curve = getattr(made.calibration, kind)
            hits = search.search(made, asked.vectors[kind][i], SHOWN)
            cards = [card(made, hit.product, hit.score, calibration.confidence(curve, hit.score),
                          bool(asked.right[kind][i, hit.product])) for hit in hits]
            query = known.queries[i]
            samples.append(Sample(kind, query if kind == "text" else "", "" if kind == "text" else shown(query), cards))
    return samples


def card(made: Catalog, product: int, score: float = 0.0, share: float | None = None,
         right: bool | None = None) -> Card:
    """One product, as the page shows it."""
    record, webp = made.record(product), made.thumbnail(product)
    picture = f"data:image/webp;base64,{base64.b64encode(webp).decode()}" if webp else ""
    price = int(made.prices[product])
    words = "" if price == NO_PRICE else f"{price / UNITS:,.2f} {record['currency']}"
    return Card(picture=picture, name=record["name"], price=words, score=score,
                percent=None if share is None else round(100 * share), right=right)


def shown(query: Path | np.ndarray) -> str:
    """A small WebP of a query picture, as a data: address."""
    picture, out = Image.fromarray(load_rgb8(query) if isinstance(query, Path) else query), io.BytesIO()
    picture.thumbnail((SIDE, SIDE))
    picture.save(out, "WEBP", quality=60)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def parts(made: Catalog) -> list[tuple[str, int]]:
    """Bytes of the file by what they hold, the largest first."""
    sizes = {"codes": made.codes.nbytes, "scales and offset": made.scales.nbytes + made.offset.nbytes,
             "records": made.records.nbytes + made.record_offsets.nbytes,
             "columns for filters": made.prices.nbytes + made.categories.nbytes + made.owners.nbytes}
    if made.thumbnails is not None:
        sizes["thumbnails"] = made.thumbnails.content.nbytes + made.thumbnails.offsets.nbytes
    if made.first_pass is not None:
        sizes["first pass"] = sum(one.nbytes for one in (made.first_pass.axes, made.first_pass.codes,
                                                         made.first_pass.scales))
    sizes["header"] = len(made.content) - sum(sizes.values())
    return sorted(sizes.items(), key=lambda item: -item[1])
