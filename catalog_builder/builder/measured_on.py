"""Products, their pictures, queries and a model enter; a digest of all that the figures of a catalog depend on leaves.

Figures that hold the same digest need not be measured again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from catalog_builder.builder import embed
from catalog_builder.engines import Engine, Model
from catalog_builder.lists import queries
from catalog_builder.lists.products import Product
from export.common import files

# The code that figures depend on: lists, pixels and tokens; catalogs, written and searched.
CODE = [files.ROOT / folder for folder in ("catalog_builder", "export/pictures", "export/text")]


def digest(products: Sequence[Product], pictures: Mapping[Path, str], asked: Path | None, model: Model,
           engine: Engine, *, parent: str = "") -> str:
    """64 hex digits. `pictures`: the digest of each picture of the list. `asked`: the labelled queries, if any.
    `parent`: of the catalog that this one follows, if any.
    """
    listed = [[product.id, product.name, product.category, [pictures[path] for path in product.pictures]]
              for product in products]
    every = [listed, _queries(asked, products) if asked else None, model.space, model.text_encoder, engine.identity,
             _code(), *([parent] if parent else [])]
    return hashlib.sha256(json.dumps(every).encode()).hexdigest()


def picture_digests(paths: Iterable[Path]) -> dict[Path, str]:
    """The digest of each picture, as embed.run gives it."""
    return {path: _picture(path) for path in dict.fromkeys(paths)}


def _picture(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return embed.unreadable(path)


def _queries(asked: Path, products: Sequence[Product]) -> list[str]:
    """Digests of the file and of its pictures."""
    named = queries.labelled(asked, list(products)).image.queries
    return [files.sha256(asked), *(files.sha256(path) for path in named)]


def _code() -> list[str]:
    return [files.sha256(path) for folder in CODE for path in sorted(folder.rglob("*"))
            if path.suffix in (".py", ".toml")]
