"""The packages of npm enter; the runtime's files as a page loads them leave: a few of LiteRT.js, in one folder.

LiteRT.js is under the Apache License 2.0, which wants its text beside the files, and a word in a file that was changed.
npm's packages have no copy of it: web_sample/runtimes/LICENSE-LITERT is one.
"""

from pathlib import Path

from export.common import files, node
from export.common.errors import InputError

CORE, UTILS = "@litertjs/core", "@litertjs/wasm-utils"
PLAIN = {f"{CORE}/wasm/litert_wasm{kind}_internal.{end}" for kind in ("", "_compat", "_jspi") for end in ("js", "wasm")}
ENTRY, HELPER, LICENCE = "index.js", "wasm-utils.js", "LICENSE"
TEXT = files.ROOT / "web_sample" / "runtimes" / "LICENSE-LITERT"
# Workers take no import map, so that the one bare name becomes a path.
BARE, BESIDE = f'from "{UTILS}"', f'from "./{HELPER}"'
CHANGED = f"// Changed for this page: {UTILS} is imported from ./{HELPER}.\n"


def fetch(page: Path) -> Path:
    """Has npm fetch the packages of the page's folder, and writes its `runtime/litert/`. Both only where they lack.

    Raises InputError if npm cannot fetch them, or if they are other than what this module knows.
    """
    node.fetch(page, development=False)
    target, source = page / "runtime" / "litert", page / "node_modules"
    wanted = contents(source)
    if not target.is_dir() or {path.name: path.read_bytes() for path in target.iterdir()} != wanted:
        with files.whole(target) as partial:
            partial.mkdir()
            for name, content in wanted.items():
                (partial / name).write_bytes(content)
    return target


def contents(modules: Path) -> dict[str, bytes]:
    """The runtime's files by name. Raises InputError for another LiteRT.js than this module knows."""
    try:
        made = {Path(name).name: (modules / name).read_bytes() for name in sorted(PLAIN)}
        entry = (modules / CORE / "dist" / "index.js").read_text(encoding="utf-8")
        made[HELPER] = (modules / UTILS / "dist" / "index.js").read_bytes()
    except OSError as error:
        raise InputError("LiteRT.js lacks a file", where=modules, found=error.filename,
                         remedy=f"rm -rf {modules}, and again") from error
    if entry.count(BARE) != 1:
        raise InputError("LiteRT.js is another than the page knows", where=modules / CORE, expected=f"one {BARE}",
                         found=entry.count(BARE), remedy="rm -rf node_modules, and again")
    changed = CHANGED + entry.replace(BARE, BESIDE)
    return made | {ENTRY: changed.encode(), LICENCE: TEXT.read_bytes()}
