"""sentencepiece's character map enters; its tensors leave, and the sets that tell which characters are one cluster.

The sets are found by asking the `tokenizers` library about each code point, through the map itself: U+00B2 with a mark
loses the mark where both are one cluster of four bytes, and keeps it where the cluster is longer or ends between them.
"""

from functools import cache

import numpy as np

from export.common.errors import InputError
from export.text.assets.unicode_tables import CODE_POINTS, SURROGATES, ranges

MARK, MARKED = "\u0301", "\u00b2\u0301"  # a mark without a key; a cluster of four bytes that begins with a key
KEYED = "\u0344"                         # a mark with a key, of which the map makes two
BOTH, THREE = "\u0308\u0301", "\u0308\u0301\u0301"              # of KEYED and MARK: as a cluster; one by one
PROBES = {MARKED: "2", MARK: MARK, KEYED: BOTH, KEYED + MARK: BOTH, "\u00e9" + KEYED + MARK: "\u00e9" + THREE}


@cache                                   # asking takes seconds
def map_tensors(charsmap: bytes) -> dict[str, np.ndarray]:
    """The units, the texts and the three sets. Raises InputError for a map that cannot be asked, or a damaged one."""
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) < 8 or size % 4 or not 0 < size < len(charsmap) - 4:
        raise InputError("the character map is damaged", found=f"{len(charsmap)} bytes, {size} of them units",
                         remedy="take the vocabulary that belongs to the model")
    text = np.frombuffer(charsmap, np.uint8, offset=4 + size)
    ended = text if text[-1] == 0 else np.append(text, np.uint8(0))
    return {"charsmap_units": np.frombuffer(charsmap, "<u4", size // 4, 4), "charsmap_text": ended,
            **_sets(charsmap)}


def _sets(charsmap: bytes) -> dict[str, np.ndarray]:
    from tokenizers.normalizers import Precompiled

    normalized = Precompiled(charsmap).normalize_str
    if wrong := [text for text, answer in PROBES.items() if normalized(text) != answer]:
        raise InputError("the character map lacks a key that shows which characters are one cluster",
                         expected=ascii(PROBES[wrong[0]]), found=f"{ascii(normalized(wrong[0]))} for {ascii(wrong[0])}",
                         remedy="this map needs another probe in export/text/assets/clusters.py")
    extends, prepends, unmarked = np.zeros((3, CODE_POINTS), bool)
    for code in range(CODE_POINTS):
        if code not in SURROGATES:
            extends[code] = normalized(MARKED + chr(code)).startswith("2" + MARK)
            prepends[code] = normalized(chr(code) + MARKED).endswith("2" + MARK)
            unmarked[code] = not normalized(chr(code) + KEYED + MARK).endswith(THREE)
    return {"extends": ranges(extends), "prepends": ranges(prepends), "unmarked": ranges(unmarked)}
