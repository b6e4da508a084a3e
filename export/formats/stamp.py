"""What every artefact carries in its own metadata, whatever its format."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stamp:
    """The identity of an artefact: written by the converters, read back by the runners and the apps."""

    model: str
    encoder: str                             # "image" or "text"
    space: str                               # 64 hex digits naming the embedding space
    licence: str
    takes: str                               # what the encoder takes, in words
    author: str = "MobileCLIP in a shop"

    def metadata(self) -> dict[str, str]:
        """The key-value pairs for formats that hold free metadata."""
        return {"space": self.space, "model": self.model, "encoder": self.encoder, "licence": self.licence}

    def description(self) -> str:
        """One sentence for formats that hold a description."""
        return f"{self.encoder} encoder of {self.model}: {self.takes} in, an embedding of unit length out"


INPUT = {"image": "image", "text": "token_ids"}
OUTPUT = "embedding"
