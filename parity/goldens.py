"""The references enter; golden vectors leave, for the ports in Swift and Kotlin: `python -m parity.goldens`.

Token ids are open_clip's own, pixels Pillow's own, embeddings float32 PyTorch's. They use nothing of export/ except its
decoding of a picture to RGB8. Any list of texts and any folder of pictures gives fresh vectors.
"""

import importlib.metadata
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from export.common import command, files
from export.common.command import CommandLine
from export.common.errors import InputError
from export.common.specs import CLIP_TEXT, Preprocessing, TextSpec
from export.pictures.preprocess import load_rgb8
from export.text import families
from export.weights import checkpoint
from export.weights.lookup import find
from parity import hostile, token_goldens
from parity.gate import inputs
from parity.gate.pixels import by_pillow

OUT, COMMAND = Path(__file__).parent / "goldens", "python -m parity.goldens"
RANDOM_TEXTS = 150
# (rows, columns) of the pictures made here, size of the square: up and down, every remainder of the crop, rows or
# columns first, one pixel wide, a tall screenshot, a strip.
SHAPES = [(64, 64, 64), (63, 64, 64), (64, 65, 64), (67, 64, 64), (90, 61, 64), (33, 47, 64), (7, 100, 32),
          (100, 7, 32), (1, 1, 16), (1, 60, 32), (60, 1, 32), (2, 31, 31), (120, 160, 64), (160, 120, 48),
          (200, 90, 31), (400, 60, 64), (60, 400, 64), (320, 18, 64), (130, 97, 224), (40, 55, 256)]
# The same for squashed pictures: the square itself, one side that stays, portrait and landscape, the last shape with
# columns first and the first with rows first, up and down, long strips, and the most that a side may shrink.
SQUASHED = [(32, 32, 32), (31, 2, 31), (2, 31, 31), (65, 48, 24), (48, 65, 24), (72, 44, 16), (73, 44, 16),
            (33, 47, 64), (1, 1, 16), (7, 100, 32), (90, 40, 15), (1, 4000, 16), (4000, 1, 16), (1, 4096, 1),
            (4096, 1, 1)]
SHORT = replace(CLIP_TEXT, context_length=32)    # PE-Core's


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m parity.goldens", description="Writes golden vectors from the references.")
    p.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="replaced (default: parity/goldens)")
    p.add_argument("--texts", type=Path, metavar="FILE", help="a JSON list, or lines (default: hand-made and random)")
    p.add_argument("--pictures", type=Path, metavar="DIR", help="pictures of your own (default: made here)")
    p.add_argument("--model", default="demo", help="model of the embeddings; its weights must be here (default: demo)")
    p.add_argument("--count", type=int, default=RANDOM_TEXTS, help="random texts to add (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, help="seed of random texts and pictures (default: %(default)s)")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "goldens", interrupted="nothing was written")


def work(arguments: list[str]) -> int:
    """Writes the folder that the arguments name."""
    options = parser().parse_args(arguments)
    random = [] if options.texts else hostile.generate(options.count, options.seed)

    def texts(of: TextSpec) -> list[str]:
        return inputs.texts(options.texts) if options.texts else [*hostile.listed(of.context_length), *random]

    pictures = inputs.pictures(options.pictures) if options.pictures else None
    spec = find(options.model)
    source = checkpoint.locate(spec)
    with files.whole(options.out) as partial:
        partial.mkdir(parents=True)
        squares = write_pixels(partial / "preprocess", made_pictures(options.seed, SHAPES, "shortest")
                               if pictures is None else own_pictures(pictures, spec.preprocessing), spec.preprocessing)
        write_pixels(partial / "squash", made_pictures(options.seed, SQUASHED, "squash") if pictures is None else
                     own_pictures(pictures, replace(spec.preprocessing, resize="squash")), spec.preprocessing)
        kept = write_tokens(partial / "tokens.json", texts(spec.text), spec.text)
        write_tokens(partial / f"tokens-{SHORT.context_length}.json", texts(SHORT), SHORT)
        own = inputs.texts(options.texts) if options.texts else None
        for name, content in token_goldens.written(partial, on_phones, own).items():
            write_ascii(partial / name, {"made_by": made_by(*token_goldens.TOOLS)} | content)
        write_embeddings(partial / f"embeddings-{spec.name}.json", spec, source, kept[::10], squares)
    drawn = sum(1 for _ in options.out.glob("*/*.out.rgb"))
    print(f"{options.out}: {len(kept)} texts, {drawn} pictures, {files.size(options.out) / 1e6:.1f} MB")
    return command.DONE


def made_by(*tools: str, command_: str = COMMAND) -> dict[str, str]:
    """The command and the versions that every file names."""
    return {"command": command_, **{tool: importlib.metadata.version(tool) for tool in tools}}


def write_tokens(path: Path, texts: list[str], spec: TextSpec) -> list[str]:
    """Writes the reference's ids of each text that a phone's string holds and ftfy leaves alone; returns the texts."""
    kept = on_phones(texts)
    if not kept:
        raise InputError("no text is left", expected="texts without lone surrogates that ftfy leaves as they are",
                         remedy="give others with --texts")
    rows = [{"text": text, "ids": np.trim_zeros(ids, "b").tolist()}
            for text, ids in zip(kept, families.reference_ids(spec, kept), strict=True)]
    write_ascii(path, {"made_by": made_by("open_clip_torch", "ftfy"), "context_length": spec.context_length,
                       "pad_token": spec.pad_token,
                       "note": "ids up to the last that is not padding", "texts": rows})
    return kept


def on_phones(texts: list[str]) -> list[str]:
    """The texts that a phone's string holds, and whose ids are promised: ftfy leaves their decoding alone."""
    return [text for text in texts if not any("\ud800" <= c <= "\udfff" for c in text)
            and not hostile.decoding_is_repaired(text)]


def write_ascii(path: Path, value: object) -> None:
    """Writes JSON with one list item per line, all but ASCII escaped, so that no editor changes a character's form."""
    lines = json.dumps(value, ensure_ascii=True).replace('}, {"', '},\n{"')
    path.write_text(lines + "\n", encoding="ascii")


def settings(size: int, interpolation: str, resize: str) -> Preprocessing:
    """How a picture becomes bytes; what follows them is left as it is."""
    return Preprocessing(size, (0.0,) * 3, (1.0,) * 3, interpolation, resize)


def made_pictures(seed: int, shapes: list[tuple[int, int, int]],
                  resize: str) -> list[tuple[str, np.ndarray, Preprocessing]]:
    """Name, RGB8 and preprocessing of pictures with smooth colour, hard edges and noise."""
    made = []
    for index, (rows, columns, size) in enumerate(shapes):
        rng = np.random.default_rng([seed, index])
        y, x = np.mgrid[0:rows, 0:columns]
        smooth = np.stack([127 + 120 * np.sin(rng.uniform(0.02, 0.3) * x + rng.uniform(0.02, 0.3) * y + phase)
                           for phase in rng.uniform(0, 6, 3)], axis=-1)
        noisy = rng.integers(0, 256, (rows, columns, 3))
        edges = np.repeat(((x // 5 + y // 7) % 2 * 255)[..., None], 3, axis=-1)
        picture = np.select([(x + y)[..., None] % 3 == 0, (x * 2 < columns)[..., None]], [noisy, smooth], edges)
        made += [(f"{rows}x{columns}-{size}-{name}", picture.astype(np.uint8), settings(size, name, resize))
                 for name in ("bilinear", "bicubic")]
    return made


def own_pictures(paths: list[Path], preprocessing: Preprocessing) -> list[tuple[str, np.ndarray, Preprocessing]]:
    """As `made_pictures`, but from picture files, for one model's preprocessing."""
    own = settings(preprocessing.size, preprocessing.interpolation, preprocessing.resize)
    return [(f"{index:03}-{path.stem}", load_rgb8(path), own) for index, path in enumerate(paths)]


def write_pixels(folder: Path, pictures: list[tuple[str, np.ndarray, Preprocessing]],
                 preprocessing: Preprocessing) -> dict[str, np.ndarray]:
    """Writes each picture's RGB8 in and out as raw bytes, and index.json. Returns the model's own squares, by name."""
    folder.mkdir()
    cases, fitting = [], {}
    for name, rgb, asked in pictures:
        square = by_pillow(rgb, asked)
        (folder / f"{name}.in.rgb").write_bytes(rgb.tobytes())
        (folder / f"{name}.out.rgb").write_bytes(square.tobytes())
        cases.append({"name": name, "height": rgb.shape[0], "width": rgb.shape[1], "size": asked.size,
                      "interpolation": asked.interpolation,
                      **({"resize": asked.resize} if asked.resize != "shortest" else {})})
        if asked == settings(preprocessing.size, preprocessing.interpolation, preprocessing.resize):
            fitting[name] = square
    write_ascii(folder / "index.json", {"made_by": made_by("pillow", "torchvision", "open_clip_torch"),
                                        "note": "raw RGB8, row by row: <name>.in.rgb becomes <name>.out.rgb",
                                        "cases": cases})
    return fitting


def write_embeddings(path: Path, spec, source: checkpoint.Source, texts: list[str],
                     squares: dict[str, np.ndarray], command_: str = COMMAND) -> None:
    """Float32 PyTorch's unit-length embeddings of the texts, and of the squares, which fit the model."""
    from parity.gate.reference import Reference

    reference = Reference(spec, source)
    texts = [text for text, covered in zip(texts, reference.words.covers(texts), strict=True) if covered]
    embedded = reference.texts(reference.ids(texts))
    answered = [{"text": text, "embedding": plain(row)} for text, row in zip(texts, embedded, strict=True)]
    seen = [{"preprocess": name, "embedding": plain(row)}
            for name, row in zip(squares, reference.images(np.stack(list(squares.values()))), strict=True)]
    write_ascii(path, {"made_by": made_by("torch", "open_clip_torch", "timm", command_=command_), "model": spec.name,
                       "space": reference.space, "texts": answered, "pictures": seen})


def plain(row: np.ndarray) -> list[float]:
    """Seven digits a component: more than the 1e-5 that artefacts are held to."""
    return [float(f"{value:.7g}") for value in row]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
