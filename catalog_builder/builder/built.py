"""Results of a build's steps enter; values for the later steps, the page and the command line leave."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog_builder.builder.calibrate import Fitted
from catalog_builder.builder.duplicates import NearDuplicates, SharedPicture
from catalog_builder.builder.quantize import Vectors
from catalog_builder.builder.recall import FirstPassRecall, Recall
from catalog_builder.lists.inspection import Fact
from catalog_builder.lists.problems import PRODUCT, Problem
from catalog_builder.lists.products import Product
from catalog_builder.lists.queries import Queries


@dataclass(frozen=True)
class EmbeddedProducts:
    """What the catalog will hold: the products with a sound picture, and what their pictures gave."""

    products: list[Product]
    owners: np.ndarray                       # uint32 [rows]: the product of each picture
    pictures: list[str]                      # the digest of each row's picture
    vectors: Vectors                         # float32 [rows, dim]
    shared: list[SharedPicture]              # pictures of several products, the most shared first
    thumbnails: list[bytes] | None           # of each product; None for a catalog without thumbnails
    problems: list[Problem]                  # of the list and of its pictures, by line
    computed: int                            # pictures that were not known from an earlier run
    measured_on: str                         # see catalog_builder.builder.measured_on


@dataclass(frozen=True)
class EmbeddedQueries:
    """The queries that calibrate and measure the catalog."""

    queries: Queries
    right: dict[str, np.ndarray]             # "text" and "image": bool [Q, products], those asked for and their like
    asked_for: dict[str, np.ndarray]         # the same without their like, so that it is the same for every model
    vectors: dict[str, np.ndarray]           # "text" and "image": float32 [Q, dim]
    fitted: list[Fitted]


@dataclass(frozen=True)
class Built:
    """A catalog, and what was measured. <name>.json holds the figures, too."""

    out: Path
    page: Path
    written: bool                            # False: the catalog is below its gate
    products: int
    rows: int
    bytes: int
    facts: list[Fact]                        # what the list was taken for
    problems: list[Problem]
    computed: int                            # pictures that were not known from an earlier run
    recalls: list[Recall]
    first_pass: FirstPassRecall | None       # None: the catalog was written without one, and none was tried
    fitted: list[Fitted]
    shared: list[SharedPicture]              # pictures of several products, the most shared first
    pairs: NearDuplicates | None             # None if there are too many pictures to compare
    note: str
    measured_on: str                         # see catalog_builder.builder.measured_on

    @property
    def lost(self) -> int:
        """Products of the list that a problem left out."""
        return sum(problem.skipped == PRODUCT for problem in self.problems)
