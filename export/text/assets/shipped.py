"""A text side, its vocabulary and the scripts to keep enter; the tokenizer asset that ships leaves, whole and pruned.

What no cleaned text can reach is left out always, where the family allows it, and what no text in the kept scripts can
reach, where scripts are named. If no token goes, the asset is the whole one, byte for byte.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from export.common.container import parsed
from export.common.specs import ModelSpec, TextSpec
from export.text import families
from export.text.assets.pruning import Pruned, inside, pruned, said_in
from export.text.cleaning import Cleaner, cleaner


@dataclass(frozen=True)
class Shipped:
    """The asset of a model's tokenizer, and what pruning did to it."""

    whole: bytes                         # the asset before pruning
    text: TextSpec                       # the text side as it ships: its tokens, rows, scripts and templates
    scripts: tuple[str, ...] | None      # kept alone; None: of all scripts
    pruned: Pruned | None                # None: no token goes

    @property
    def content(self) -> bytes:
        """The bytes of the asset."""
        return self.whole if self.pruned is None else self.pruned.content

    @cached_property
    def sha256(self) -> str:
        """Of the asset, 64 hex digits."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def whole_sha256(self) -> str:
        """Of the asset before pruning, on which `space` depends."""
        return hashlib.sha256(self.whole).hexdigest()

    def ids(self, whole: np.ndarray) -> np.ndarray:
        """The ids that an encoder takes, for those of the whole vocabulary."""
        return whole if self.pruned is None else self.pruned.ids(whole)

    def covers(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text, once cleaned, lies in the kept scripts, so that its ids are only renamed."""
        return [self.scripts is None or inside(self._cleaner.cleaned(text), self.scripts) for text in texts]

    @cached_property
    def _cleaner(self) -> Cleaner:
        return cleaner(*parsed(memoryview(self.whole)))


def shipped(spec: ModelSpec, vocabulary: Path | None) -> Shipped:
    """The asset of a model, pruned to `spec.keep`. `vocabulary`: the tokenizer's file, where it has one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asset"
        families.write_asset(spec.text, path, vocabulary)
        whole = path.read_bytes()
    if not families.FAMILIES[spec.text.family].prunes:
        return Shipped(whole, spec.text, None, None)
    smaller = pruned(whole, spec.keep)
    text = spec.text if spec.keep is None else said_in(spec.text, spec.keep)
    if smaller.gone == 0:
        return Shipped(whole, text, spec.keep, None)
    return Shipped(whole, smaller.text(text), spec.keep, smaller)
