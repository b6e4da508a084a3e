"""The golden site enters; a made-up bundle, statements that bring it, and what each must come to, leave.

Cases of a file that the server holds short are here, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog_builder.golden_values import packed_bytes
from catalog_builder.update_goldens import days
from catalog_builder.update_goldens.update_cases import (
    SITE,
    TUESDAY,
    GoldenSite,
    case,
    failed,
    file_name,
    updated,
)
from catalog_builder.updates import statement
from catalog_builder.updates.statement import PublishedBundle, PublishedFile, Statement
from export.artifacts import manifest
from export.artifacts.manifest import Artifact, ImageInput, Manifest, TokenizerFile
from export.common import files
from export.common.specs import Licence, TextSpec
from export.formats.table import COREML, TFLITE

FOLDER, NIGHT = "bundle", "statements/bundle.update"     # number 4, with foreign.catalog
MANIFEST = f"{FOLDER}/manifest.json"
TOP = MANIFEST.removeprefix(f"{FOLDER}/")              # in a bundle's own folder
INSIDE = ("tokenizer.safetensors", "image.mlpackage/Manifest.json", "image.mlpackage/Data/weights/weight.bin",
          "text.tflite", "LICENSE_WEIGHTS")              # in the order of the statement's `files`
LARGEST = f"{FOLDER}/{INSIDE[2]}"
UNDER_OWN = "statements/bundle-with-the-running-catalog.update"       # of the bundle's space, with base.catalog
THIRD_SPACE = "7" * 64
HERE: dict[str, Any] = {"in_force": NIGHT, "highest": 4}
TAKES: dict[str, Any] = {"bundles": True}


def write_bundle(folder: Path) -> None:
    """Writes `bundle/`: a manifest that every app reads, and files that only look like encoders."""
    bundle = folder / FOLDER
    for name in INSIDE:
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_bytes(f"made-up bytes of {name}\n".encode() * (3 if name.endswith(".bin") else 1))
    encoders = [Artifact(
        encoder, row.name, "fp16", path=name, sha256=files.sha256(bundle / name), bytes=files.size(bundle / name),
        peak_rss=None, inputs=[], outputs=[]) for encoder, row in (("image", COREML), ("text", TFLITE))
        for name in [f"{encoder}{row.suffix}"]]
    manifest.write(bundle, Manifest(
        "made-up", "made-up", {}, None, days.FOREIGN_SPACE, dim=days.DIM, logit_scale=100.0,
        image=ImageInput(32, 32, crop="centre", mode="shortest", interpolation="bilinear", antialias=True),
        text=TextSpec("clip-bpe", 8, start_token=6, end_token=7, pad_token=0, pooling="end", templates=("{}",),
                      scripts=("Latin",)),
        tokenizer=TokenizerFile(INSIDE[0], files.sha256(bundle / INSIDE[0])), licence=Licence("none", "", False),
        shippable=False, artifacts=encoders))


def listed(goldens: GoldenSite) -> dict[str, list[dict]]:
    """What answers.json holds of it, by the names of its lists. Writes the statements."""
    night = goldens.of("foreign", 4, space=days.FOREIGN_SPACE, manifest=published(goldens))
    goldens.signed(NIGHT, statement.text(night))
    return {"cases": [*brought(goldens, night), *passed_over(goldens, night), *refused(goldens, night),
                      *damaged(goldens, night), *short(goldens)],
            "malformed": list(malformed()), "starts": starts(goldens, night), "give_ups": give_ups()}


def published(goldens: GoldenSite) -> PublishedBundle:
    """The bundle as a statement names it."""
    return PublishedBundle(**goldens.file(MANIFEST), files=tuple(
        PublishedFile(**goldens.file(f"{FOLDER}/{name}")) for name in INSIDE))


def maker(goldens: GoldenSite) -> Callable[..., dict]:
    """Signs a statement and gives its case, of an app that takes bundles."""
    def made(name: str, told: Statement, expected: dict | Callable[[str], dict], **more: Any) -> dict:
        file = goldens.signed(f"statements/{file_name(name)}.update", statement.text(told))
        return case(name, file, expected(file) if callable(expected) else expected, **(TAKES | more))

    return made


def with_bundle(expected: dict) -> dict:
    """What must come, where the encoders in force are then the bundle's."""
    return expected | {"encoders": FOLDER}


def brought(goldens: GoldenSite, night: Statement) -> Iterator[dict]:
    """Encoders that come, and the nights after."""
    made, whole = maker(goldens), [MANIFEST, *(f"{FOLDER}/{name}" for name in INSIDE)]
    came = with_bundle(updated(goldens, NIGHT, 4, "whole", *(*whole, "foreign.catalog")))
    yield case("bundle", NIGHT, came, **TAKES)
    yield case("bundle after an update", NIGHT, came, in_force=TUESDAY, highest=2, **TAKES)
    yield case("bundle, current", NIGHT, with_bundle({"answer": "current", "in_force": 4, "highest": 4}), **HERE,
               **TAKES)
    following = goldens.of("foreign-2", 5, space=days.FOREIGN_SPACE, manifest=night.manifest)
    after = made("bundle, the night after", following, lambda file: with_bundle(updated(
        goldens, file, 5, "delta", "deltas/foreign-2.delta")), **HERE)
    file = after["file"]
    yield after
    yield case("bundle with the night after", file, with_bundle(updated(
        goldens, file, 5, "whole", *(*whole, "foreign-2.catalog"))), **TAKES)
    yield case("bundle, the night after it was given up", file, with_bundle(updated(
        goldens, file, 5, "whole", *(*whole, "foreign-2.catalog"))), highest=5, **TAKES)
    yield case("bundle again, which was given up", NIGHT, failed("REFUSED", 0, 5), highest=5, **TAKES)
    yield made("bundle, the same catalog", replace(night, number=5), lambda file: with_bundle(updated(
        goldens, file, 5, "same")), **HERE)
    yield made("back to the app's own encoders", goldens.of("wednesday", 6), lambda file: updated(
        goldens, file, 6, "whole", "wednesday.catalog"), **HERE)


def passed_over(goldens: GoldenSite, night: Statement) -> Iterator[dict]:
    """Manifests beside a catalog of the app's own space: apps take the statement, whether they take bundles or not."""
    made, tuesday, listed_ = maker(goldens), goldens.of("tuesday", 2), published(goldens)
    many = tuple(PublishedFile(f"b/{number}", "a" * 64, 1) for number in range(statement.MOST_FILES))
    for name, named in (("own space, with a bundle", listed_), ("own space, with a manifest alone",
                        replace(listed_, files=())), ("own space, with a hundred files",
                        PublishedBundle("b/manifest.json", "a" * 64, 1, many)), ("own space, a manifest at the top",
                        PublishedBundle(TOP, "a" * 64, 1, (PublishedFile("a/b", "a" * 64, 1),)))):
        taken = made(name, replace(tuesday, manifest=named), lambda file: updated(
            goldens, file, 2, "delta", "tuesday.delta"))
        yield taken
        if named is listed_:
            yield taken | {"name": f"{name}, which the app does not take", "bundles": False}
    text = statement.text(replace(tuesday, manifest=replace(listed_, files=())))
    file = goldens.signed("statements/files-null.update", text.replace(
        b'"manifest":{', b'"manifest":{"files":null,'))
    yield case("own space, files null", file, updated(goldens, file, 2, "delta", "tuesday.delta"), **TAKES)


def refused(goldens: GoldenSite, night: Statement) -> Iterator[dict]:
    """What an app does not take."""
    made, alone = maker(goldens), replace(published(goldens), files=())
    yield case("bundle, which the app does not take", NIGHT, failed("REFUSED"))
    yield made("bundle without files", replace(night, manifest=alone), failed("REFUSED"))
    yield made("bundle's space without a manifest", replace(night, number=5, manifest=None),
               with_bundle(failed("REFUSED", 4, 4)), **HERE)
    yield case("bundle, replayed", TUESDAY, with_bundle(failed("REFUSED", 4, 4)), **HERE, **TAKES)


def damaged(goldens: GoldenSite, night: Statement) -> Iterator[dict]:
    """Files of a bundle, and catalogs beside one, that are not what the statement says."""
    made, size = maker(goldens), (goldens.folder / LARGEST).stat().st_size
    for what, edit, kind in (("flipped", {"flip": 30, "bit": 2}, "DAMAGED"), ("longer", {"append": 1}, "DAMAGED"),
                             ("cut", {"cut": size - 1}, "NETWORK"), ("lacks", None, "NETWORK")):
        yield case(f"bundle's file {what}", NIGHT, failed(kind), serve={LARGEST: edit}, **TAKES)
    yield case("bundle's manifest flipped", NIGHT, failed("DAMAGED"), serve={MANIFEST: {"flip": 9, "bit": 0}}, **TAKES)
    yield made("bundle of a third space", replace(night, space=THIRD_SPACE), failed("DAMAGED"))
    nothing = PublishedBundle(**goldens.file(f"{FOLDER}/{INSIDE[3]}"), files=published(goldens).files[:1])
    yield made("bundle without a manifest that is one", replace(night, manifest=nothing), failed("DAMAGED"))
    yield made("bundle with a catalog of the app's own space", replace(
        night, catalog=goldens.of("tuesday", 4).catalog), failed("DAMAGED"))
    yield made("bundle with the running catalog", replace(
        night, catalog=goldens.of("base", 4).catalog), failed("DAMAGED"))


def short(goldens: GoldenSite) -> Iterator[dict]:
    """Files of which the server holds as many bytes as a part has already: fewer than the statement says."""
    whole, small, of = "wednesday.catalog", "tuesday.delta", "statements/whole.update"
    came = updated(goldens, TUESDAY, 2, "whole", "tuesday.catalog")
    yield case("delta held short", TUESDAY, came, parts={small: 700}, serve={small: {"cut": 700}})
    yield case("catalog held short", of, failed("DAMAGED"), parts={whole: 700}, serve={whole: {"cut": 700}})
    yield case("bundle's file held short", NIGHT, failed("DAMAGED"), parts={LARGEST: 70}, serve={LARGEST: {"cut": 70}},
               **TAKES)
    for name, edit, kind in (("a part that goes on", {}, None), ("a part that goes on and is cut", {"cut": 701},
                                                                 "NETWORK")):
        came = updated(goldens, of, 3, "whole", whole)
        yield case(name, of, failed(kind) if kind else came | {"fetched": came["fetched"] - 700}, parts={whole: 700},
                   serve={whole: edit})


def malformed() -> Iterator[dict]:
    """Manifests that no statement may hold, as changes of tuesday's text."""
    def one(path: str) -> str:
        return f'{{"path":"{path}","sha256":"{"a" * 64}","bytes":1}}'

    def many(*paths: str) -> str:
        return "[" + ",".join(map(one, paths)) + "]"

    lists = {
        "empty": "[]", "as an object": "{}", "as a text": '"b/x"', "of texts": '["b/x"]',
        "more than 100": many(*(f"b/{number}" for number in range(statement.MOST_FILES + 1))),
        "outside the folder": many("b/x", "x"), "in a folder that begins alike": many("b2/x"),
        "the folder itself": many("b"), "a file twice": many("b/x", "b/y", "b/x"),
        "the manifest itself": many("b/x", "b/manifest.json"), "out of the folder and back": many("b/../b/x"),
        "without a digest": '[{"path":"b/x","bytes":1}]', "of no bytes": many("b/x").replace(":1}", ":0}")}
    for name, listed_ in lists.items():
        named = one("b/manifest.json")[:-1] + f',"files":{listed_}}}'
        yield {"name": f"files {name}", "old": packed_bytes(b"}]}"), "new": packed_bytes(
            f'}}],"manifest":{named}}}'.encode())}


def starts(goldens: GoldenSite, night: Statement) -> list[dict]:
    """What lies in the state folder at a start, a bundle's folder too; number 4 is in force, or 0."""
    folder, catalog = f"{files.sha256(goldens.folder / MANIFEST)}.bundle", f"{goldens.digest('foreign')}.catalog"
    state = {SITE: NIGHT, catalog: "foreign.catalog"} | {
        f"{folder}/{name}": f"{FOLDER}/{name}" for name in (TOP, *INSIDE)}
    own = {SITE: TUESDAY, f"{goldens.digest('tuesday')}.catalog": "tuesday.catalog"}

    def start(name: str, in_force: int, given: dict, edit: dict | None = None, **more: Any) -> dict:
        return {"name": name, "state": given, "edit": edit or {}, "keys": [0], "bundled": None, "highest": None,
                **TAKES, **more, "in_force": in_force, "highest_after": in_force} | (
                    {"encoders": FOLDER} if in_force == 4 else {})

    def without(path: str) -> dict:
        return {name: file for name, file in state.items() if name != path}

    name = (goldens.folder / MANIFEST).read_bytes().index(b"made-up")
    alone = statement.text(replace(night, manifest=replace(published(goldens), files=())))
    goldens.signed("statements/bundle-in-force-without-files.update", alone)
    return [
        start("bundle", 4, state), start("bundle, which the app does not take", 0, state, bundles=False),
        *(start(f"bundle without {name}", 0, without(f"{folder}/{name}")) for name in (TOP, INSIDE[2])),
        start("bundle with a file cut", 0, state, {f"{folder}/{INSIDE[2]}": {"cut": 50}}),
        start("bundle with a file longer", 0, state, {f"{folder}/{INSIDE[3]}": {"append": 1}}),
        start("bundle with another manifest that reads", 0, state, {f"{folder}/{TOP}": {"flip": name, "bit": 0}}),
        start("bundle without its catalog", 0, without(catalog)),
        start("bundle without its folder", 0, {SITE: NIGHT, catalog: "foreign.catalog"}),
        start("bundle whose statement names no files", 0,
              state | {SITE: "statements/bundle-in-force-without-files.update"}),
        start("bundle under the app's own catalog", 0, without(catalog) | {SITE: UNDER_OWN}),
        start("bundle that is no longer in force", 2, without(catalog) | own)]


def give_ups() -> list[dict]:
    """States in which an app gives the bundle up."""
    states = (("given up", 4, 5), ("without a highest", None, 5), ("below the highest", 9, 9))
    return [{"name": name, "in_force": NIGHT, "highest": highest, **TAKES, "in_force_after": 0, "highest_after": after}
            for name, highest, after in states]
