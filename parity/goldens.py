"""The references enter; golden vectors leave, for the ports in Swift and Kotlin: `python -m parity.goldens`.

Token ids are open_clip's own, pixels Pillow's own, embeddings float32 PyTorch's: nothing of export/ is in them but the
decoding of a picture to RGB8. Any list of texts and any folder of pictures gives fresh vectors.
"""

import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np

from export.common import command, files
from export.common.command import CommandLine
from export.common.errors import InputError
from export.common.specs import Preprocessing, TextSpec
from export.pictures.preprocess import load_rgb8
from export.text import families
from export.weights import checkpoint
from export.weights.lookup import find
from parity import hostile
from parity.gate import inputs
from parity.gate.pixels import by_pillow

OUT = Path(__file__).parent / "goldens"
RANDOM_TEXTS = 150
# (rows, columns) of the pictures made here, size of the square: up and down, every remainder of the crop, rows or
# columns first, one pixel wide, a tall screenshot, a strip.
SHAPES = [(64, 64, 64), (63, 64, 64), (64, 65, 64), (67, 64, 64), (90, 61, 64), (33, 47, 64), (7, 100, 32),
          (100, 7, 32), (1, 1, 16), (1, 60, 32), (60, 1, 32), (2, 31, 31), (120, 160, 64), (160, 120, 48),
          (200, 90, 31), (400, 60, 64), (60, 400, 64), (320, 18, 64), (130, 97, 224), (40, 55, 256)]


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m parity.goldens", description="Writes golden vectors from the references.")
    p.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="replaced (default: parity/goldens)")
    p.add_argument("--texts", type=Path, metavar="FILE", help="a JSON list, or lines (default: hand-made and random)")
    p.add_argument("--pictures", type=Path, metavar="DIR", help="pictures of your own (default: made here)")
    p.add_argument("--model", default="demo", help="whose embeddings; its weights must be at hand (default: demo)")
    p.add_argument("--count", type=int, default=RANDOM_TEXTS, help="random texts to add (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, help="of the random texts and pictures (default: %(default)s)")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "goldens", interrupted="nothing was written")


def work(arguments: list[str]) -> int:
    """Writes the folder that the arguments name."""
    given = parser().parse_args(arguments)
    texts = inputs.texts(given.texts) if given.texts else [*hostile.listed(),
                                                           *hostile.generate(given.count, given.seed)]
    pictures = inputs.pictures(given.pictures) if given.pictures else None
    spec = find(given.model)
    source = checkpoint.locate(spec)
    with files.whole(given.out) as partial:
        partial.mkdir(parents=True)
        squares = write_pixels(partial / "preprocess", made_pictures(given.seed) if pictures is None else
                               own_pictures(pictures, spec.preprocessing), spec.preprocessing)
        kept = write_tokens(partial / "tokens.json", texts, spec.text)
        write_embeddings(partial / f"embeddings-{spec.name}.json", spec, source, kept, squares)
    print(f"{given.out}: {len(kept)} texts, {sum(1 for _ in (given.out / 'preprocess').glob('*.out.rgb'))} pictures, "
          f"{files.size(given.out) / 1e6:.1f} MB")
    return command.DONE


def made_by(*tools: str) -> dict[str, str]:
    """What every file says of its making."""
    return {"command": "python -m parity.goldens", **{tool: importlib.metadata.version(tool) for tool in tools}}


def write_tokens(path: Path, texts: list[str], spec: TextSpec) -> list[str]:
    """Writes the reference's ids of each text that a phone's string can hold and ftfy leaves alone; answers these."""
    kept = [text for text in texts if not any("\ud800" <= c <= "\udfff" for c in text)
            and not hostile.decoding_is_repaired(text)]
    if not kept:
        raise InputError("no text is left", expected="texts without lone surrogates that ftfy leaves as they are",
                         remedy="give others with --texts")
    rows = [{"text": text, "ids": np.trim_zeros(ids, "b").tolist()}
            for text, ids in zip(kept, families.reference_ids(spec.family, kept), strict=True)]
    write_ascii(path, {"made_by": made_by("open_clip_torch", "ftfy"), "context_length": spec.context_length,
                       "pad_token": spec.pad_token,
                       "note": "ids up to the last that is not padding", "texts": rows})
    return kept


def write_ascii(path: Path, value: object) -> None:
    """JSON with one item of a list a line, every other character than ASCII escaped: no editor can change its form."""
    lines = json.dumps(value, ensure_ascii=True).replace('}, {"', '},\n{"')
    path.write_text(lines + "\n", encoding="ascii")


def made_pictures(seed: int) -> list[tuple[str, np.ndarray, int, str]]:
    """Name, RGB8, size and interpolation of pictures with smooth colour, hard edges and noise."""
    made = []
    for index, (rows, columns, size) in enumerate(SHAPES):
        rng = np.random.default_rng([seed, index])
        y, x = np.mgrid[0:rows, 0:columns]
        smooth = np.stack([127 + 120 * np.sin(rng.uniform(0.02, 0.3) * x + rng.uniform(0.02, 0.3) * y + phase)
                           for phase in rng.uniform(0, 6, 3)], axis=-1)
        noisy = rng.integers(0, 256, (rows, columns, 3))
        edges = np.repeat(((x // 5 + y // 7) % 2 * 255)[..., None], 3, axis=-1)
        picture = np.select([(x + y)[..., None] % 3 == 0, (x * 2 < columns)[..., None]], [noisy, smooth], edges)
        made += [(f"{rows}x{columns}-{size}-{name}", picture.astype(np.uint8), size, name)
                 for name in ("bilinear", "bicubic")]
    return made


def own_pictures(paths: list[Path], preprocessing: Preprocessing) -> list[tuple[str, np.ndarray, int, str]]:
    """The same of picture files, for one model's preprocessing."""
    return [(f"{index:03}-{path.stem}", load_rgb8(path), preprocessing.size, preprocessing.interpolation)
            for index, path in enumerate(paths)]


def write_pixels(folder: Path, pictures: list[tuple[str, np.ndarray, int, str]],
                 preprocessing: Preprocessing) -> dict[str, np.ndarray]:
    """RGB8 in and out of each picture as raw bytes, and index.json; answers the squares that fit the model, by name."""
    folder.mkdir()
    cases, fitting = [], {}
    for name, rgb, size, interpolation in pictures:
        square = by_pillow(rgb, size, interpolation)
        (folder / f"{name}.in.rgb").write_bytes(rgb.tobytes())
        (folder / f"{name}.out.rgb").write_bytes(square.tobytes())
        cases.append({"name": name, "height": rgb.shape[0], "width": rgb.shape[1], "size": size,
                      "interpolation": interpolation})
        if (size, interpolation) == (preprocessing.size, preprocessing.interpolation):
            fitting[name] = square
    write_ascii(folder / "index.json", {"made_by": made_by("pillow", "torchvision", "open_clip_torch"),
                                        "note": "raw RGB8, row by row: <name>.in.rgb becomes <name>.out.rgb",
                                        "cases": cases})
    return fitting


def write_embeddings(path: Path, spec, source: checkpoint.Source, texts: list[str],
                     squares: dict[str, np.ndarray]) -> None:
    """Float32 PyTorch's unit-length embeddings of every tenth text, and of the squares that fit the model."""
    from parity.gate.reference import Reference

    reference, some = Reference(spec, source), texts[::10]
    asset = path.with_name("tokenizer.partial")
    space = reference.space(families.write_asset(spec.text.family, asset))
    asset.unlink()
    embedded = reference.texts(families.reference_ids(spec.text.family, some))
    answered = [{"text": text, "embedding": plain(row)} for text, row in zip(some, embedded, strict=True)]
    seen = [{"preprocess": name, "embedding": plain(row)}
            for name, row in zip(squares, reference.images(np.stack(list(squares.values()))), strict=True)]
    write_ascii(path, {"made_by": made_by("torch", "open_clip_torch", "timm"), "model": spec.name, "space": space,
                       "texts": answered, "pictures": seen})


def plain(row: np.ndarray) -> list[float]:
    """Seven digits a component: more than the 1e-5 that artefacts are held to."""
    return [float(f"{value:.7g}") for value in row]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
