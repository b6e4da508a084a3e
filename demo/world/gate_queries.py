"""The names and the first kept-back sentences enter; `queries.csv` leaves: what the gate asks the sample shop.

A product is asked for once in each language, by a sentence that chance takes. The first set is taken, so that nobody
looks at the second. English queries are the shop's own.
"""

import csv
import random
from pathlib import Path

from demo.evaluate import read_rows
from demo.shop import SHOP_FOLDER
from demo.world.data import FOLDER, LANGUAGES, REPORTED, read_names, read_sentences, sentence_text
from export.common import files

QUERIES = FOLDER / "queries.csv"
SEED = 78
ENGLISH = "en"


def rows(shop: Path = SHOP_FOLDER) -> list[dict[str, str]]:
    """A row a query: the language of the report, the text, and the product's id."""
    reported = {language: name for name, joined in REPORTED.items() for language in joined}
    products, glyphs, sentences = read_rows(shop / "products.csv"), read_names(), read_sentences("first")
    made = []
    for product, glyph in zip(products, glyphs, strict=False):
        for language in LANGUAGES:
            if language != ENGLISH:
                chosen = random.Random(f"{SEED} {language} {product['id']}").choice(sentences[language])
                made.append({"language": reported[language], "query": sentence_text(chosen, glyph.names[language][0]),
                             "product": product["id"]})
    return made


def write_queries(path: Path = QUERIES) -> None:
    """Writes the file, whole or not at all."""
    with files.whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("language", "query", "product"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows())
