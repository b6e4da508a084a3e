"""A model and its weights enter; the file with the vocabulary of its tokenizer leaves.

CLIP's vocabulary comes with open_clip, that of demo-world lies in this repository. All others are files in a repository
on the hub: `tokenizer.json`, `vocab.txt`.
"""

from pathlib import Path

from export.common import files
from export.common.specs import ModelSpec
from export.text.families import FAMILIES
from export.weights import hub
from export.weights.checkpoint import Source
from export.weights.models import WORLD, WORLD_VOCABULARY


def located(spec: ModelSpec, source: Source) -> Path | None:
    """The vocabulary beside the user's own weights, or else this repository's or the hub's.

    None if the reference library has it. Raises InputError if it is not there and cannot be fetched.
    """
    name = FAMILIES[spec.text.family].vocabulary
    if name is None:
        return None
    beside = source.path.parent / name if source.kind == "file" and source.path else None
    if beside is not None and beside.is_file():
        return beside
    if spec.architecture == WORLD:
        return files.ROOT / WORLD_VOCABULARY
    return hub.file(spec.vocabulary_hub or spec.hub or "", name, f"put {name} beside the weights, CHECKPOINT=")
