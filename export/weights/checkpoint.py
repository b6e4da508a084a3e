"""A row of the table enters; a checked model leaves, with weights from the hub, a file, this repository or a seed.

`locate` finds the weights as a `Source`, without importing torch. `load` returns a model with `.visual`, `.text` and
`.logit_scale`. `space` names its embedding space. The preprocessing never comes from a checkpoint, only from the table.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from export.common import files
from export.common.errors import InputError
from export.common.specs import ModelSpec, Preprocessing
from export.weights import hub
from export.weights.layouts import stored
from export.weights.models import BUNDLED, DEMO
from export.weights.random_weights import random_model

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Source", "licence_text", "load", "locate", "logit_bias", "random_model", "reparameterise", "space"]


@dataclass(frozen=True)
class Source:
    """Where the weights of a model are."""

    kind: Literal["hub", "file", "random", "bundled"]
    path: Path | None                        # None: random
    sha256: str | None                       # of the file, 64 hex digits; of shards, over their list; None: random
    key: str | None = None                   # CHECKPOINT_KEY=


def locate(spec: ModelSpec, checkpoint: Path | None = None, random: bool = False, key: str | None = None) -> Source:
    """Where the weights of `spec` are. Fetches them from the hub if necessary, and does not import torch.

    Raises InputError if the file is missing or, within 10 s, if the weights cannot be fetched.
    """
    if random and checkpoint is not None:
        raise InputError("CHECKPOINT= and WEIGHTS=random exclude each other", remedy="give one of them")
    if random:
        return Source("random", None, None)
    if checkpoint is not None:
        file = stored.located(checkpoint)
        return Source("file", file, _digest_of(stored.parts(file)), key)
    if spec.architecture in BUNDLED and spec.file is not None:
        path = files.ROOT / spec.file
        if not path.is_file():
            maker = "demo.train" if spec.architecture == DEMO else "demo.world train"
            raise InputError("the demo's weights are missing", where=path,
                             remedy=f"restore them from the repository, or run python -m {maker}")
        return Source("bundled", path, _digest(path))
    path = hub.fetch(spec)
    digest = _digest(path)
    hub.check_digest(path, digest)
    return Source("hub", path, digest)


def _digest_of(parts: list[Path]) -> str:
    """SHA-256 of one file; of an index and its shards, over the lines `name sha256\\n`."""
    if len(parts) == 1:
        return _digest(parts[0])
    return hashlib.sha256("".join(f"{part.name} {_digest(part)}\n" for part in parts).encode()).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError("checkpoint cannot be read", where=path, found=error.strerror,
                         remedy="see that the file may be read") from error


def load(spec: ModelSpec, source: Source, say: Callable[[str], None] | None = None) -> "nn.Module":
    """The model in evaluation mode, float32, not reparameterised, without gradients.

    `.visual` takes normalised pixels float32 [N, 3, S, S] and `.text` token ids [N, L], both to [N, dim];
    `.encode_image(x, normalize=True)` and `.encode_text(ids, normalize=True)` to unit length. `say` gets what the user
    should know of a file of his own. Raises InputError for a file that is not a complete checkpoint of this
    architecture.
    """
    if source.path is None:
        return random_model(spec)
    from export.weights import state
    from export.weights.networks.construct import build
    say = say if say and source.kind == "file" else _nothing
    tensors = state.read(source.path, source.key, say)
    model = build(spec)
    model.load_state_dict(state.fit(tensors, model, spec, source.path, say))
    return model


def _nothing(message: str) -> None:
    """For callers to whom nothing need be said."""


def reparameterise(model: "nn.Module") -> "nn.Module":
    """A copy of `model` that computes the same, its training-time branches folded into single convolutions."""
    import copy

    from timm.utils import reparameterize_model
    folded = copy.deepcopy(model)
    for tower in (folded.visual, folded.text):
        reparameterize_model(tower, inplace=True)
    return folded.eval().requires_grad_(False)


def logit_bias(model: "nn.Module") -> float | None:
    """What the model adds to a scaled cosine before a sigmoid; None: it has none."""
    bias = getattr(model, "logit_bias", None)
    return None if bias is None else float(bias)


def space(model: "nn.Module", preprocessing: Preprocessing, tokenizer_sha256: str,
          activation: str | None = None) -> str:
    """The name of the embedding space of `model` as `load` gives it (not reparameterised): 64 hex digits.

    SHA-256 over three parts, in this order. First, for each parameter and floating-point buffer (batch-norm statistics
    too), sorted by name: the line "name 2x3\\n", then its values as little-endian float32, row by row. Second, the
    canonical preprocessing, with ModelSpec.activation. Third, the 64 hex digits of the tokenizer asset's SHA-256.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.is_floating_point():
            digest.update(f"{name} {'x'.join(map(str, tensor.shape))}\n".encode())
            digest.update(tensor.detach().contiguous().cpu().numpy().astype("<f4", copy=False).tobytes())
    digest.update(canonical(preprocessing, activation).encode())
    digest.update(tokenizer_sha256.encode())
    return digest.hexdigest()


def canonical(preprocessing: Preprocessing, activation: str | None = None) -> str:
    """The preprocessing, and perhaps the activation, as JSON with sorted keys and no spaces, as `space` digests it."""
    settings = {"crop": preprocessing.crop, "interpolation": preprocessing.interpolation, "mean": preprocessing.mean,
                "resize": preprocessing.resize, "size": preprocessing.size, "std": preprocessing.std,
                **({} if activation is None else {"activation": activation})}
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def licence_text(spec: ModelSpec, source: Source) -> str | None:
    """The text of the licence file that comes with the weights; None if there is no such file."""
    if source.kind == "bundled":
        path = files.ROOT / "LICENSE"
        return path.read_text(encoding="utf-8") if path.is_file() else None
    return hub.licence_text(spec.hub) if source.kind == "hub" and spec.hub is not None else None
