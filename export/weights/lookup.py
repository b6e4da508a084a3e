"""A name as MODEL= takes it enters; a `ModelSpec` leaves: a row of the table, or a model of open_clip's own lists.

    >>> find("s2").pretrained, find("s2").dim
    ('datacompdr', 512)
"""

from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights import architectures
from export.weights.models import TABLE


def find(name: str, pretrained: str | None = None) -> ModelSpec:
    """The model called `name`: a row of the table, or an open_clip architecture together with a tag of its weights.

    Raises InputError for an unknown name, an architecture without CLIP's tokenizer, and a missing or unknown tag.
    """
    if name in TABLE:
        return _check_tag(TABLE[name], pretrained)
    for spec in TABLE.values():
        if pretrained and (spec.architecture, spec.pretrained) == (name, pretrained):
            return spec
    return architectures.find(name, pretrained, names=tuple(TABLE))


def _check_tag(spec: ModelSpec, pretrained: str | None) -> ModelSpec:
    if pretrained and pretrained != spec.pretrained:
        raise InputError(f"PRETRAINED={pretrained} does not go with MODEL={spec.name}",
                         expected=spec.pretrained or "none", remedy="leave PRETRAINED out for the models of the table")
    return spec
