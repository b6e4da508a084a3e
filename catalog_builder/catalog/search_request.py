"""A shopper's question enters, in parts; one value for the search leaves. Twin of the apps' SearchRequest."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog_builder.catalog.search import ANY, Filter


@dataclass(frozen=True)
class SearchRequest:
    """A text, a picture, or both; or one product, for products like it. The rest is as for Searcher.find."""

    text: str | None = None
    picture: Path | bytes | None = None
    slider: float = 0.5                      # with both: 0 is the text alone, 1 the picture alone
    like: str | None = None                  # a product's id
    k: int = 10
    where: Filter = ANY
    threshold: float = -np.inf               # of the score
    least_confidence: float = 0.0            # of the calibrated share
    exact: bool = False                      # every row is scored, also where the catalog has a first pass
