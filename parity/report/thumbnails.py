"""Paths of pictures enter; each small picture leaves once, inside the page, which draws it by reference."""

import base64
import io

from markupsafe import Markup

from export.common.errors import InputError
from export.common.files import ROOT
from export.pictures.preprocess import load_rgb8

SIDE = 88                                    # pixels, sharp at 44 on a phone


class Thumbnails:
    """Collects the pictures that a page shows. Ask with `show`, then put `definitions` into the page."""

    def __init__(self):
        self._numbers: dict[str, int] = {}

    def show(self, path: str) -> Markup:
        """The picture, by reference."""
        number = self._numbers.setdefault(path, len(self._numbers))
        return Markup('<svg class="thumb" viewBox="0 0 {0} {0}" role="img" aria-label="{1}"><title>{1}</title>'
                      '<use href="#t{2}"/></svg>').format(SIDE, path.rsplit("/", 1)[-1], number)

    def definitions(self) -> Markup:
        """Every picture that was shown, as JPEG inside the page."""
        symbols = [Markup('<image id="t{0}" width="{1}" height="{1}" href="data:image/jpeg;base64,{2}"/>').format(
            number, SIDE, _jpeg(path)) for path, number in self._numbers.items()]
        return Markup('<svg class="definitions" aria-hidden="true"><defs>{}</defs></svg>').format(
            Markup("").join(symbols))


def _jpeg(path: str) -> str:
    """Base64 of the whole picture, small; a grey square if the picture can no longer be read."""
    from PIL import Image

    try:
        picture = Image.fromarray(load_rgb8(ROOT / path))
    except InputError:
        picture = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=78)
    return base64.b64encode(buffer.getvalue()).decode()
