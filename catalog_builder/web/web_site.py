"""The page's sources, a runtime and an app's files enter; a site leaves: what any static web host serves as it is."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from catalog_builder import apps
from catalog_builder.apps import WEB, Filled, Selection
from catalog_builder.web import litert_files, site_updates
from catalog_builder.web.site_updates import SiteUpdates
from export.artifacts.shipping import Accepted
from export.common import files
from export.common.errors import InputError

NAME = "web"                                 # of the folder in dist/<model>/, if no other is named
PAGE = WEB.folder.parent                     # web_sample/
SOURCES = ("app", "shop", "search", "runtimes", "runtime")       # folders that the page loads from
UPDATE = "update"                            # the folder of a page that takes updates
MODEL = WEB.folder.name
LISTED, START, README = Path("app", "files.json"), "index.html", "README.md"
LICENCE = Path("runtime", "litert", litert_files.LICENCE)
VERSION = 1                                  # of files.json
ON_REQUEST = "litert_wasm_jspi_internal.*"
TITLE = "# Image search for a web page"      # a README that begins so is a site's
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".json": "application/json",
         ".wasm": "application/wasm", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml",
         ".png": "image/png", ".webp": "image/webp", ".ico": "image/x-icon"}     # of what a page loads; all else: BYTES
BYTES = "application/octet-stream"
POLICY = ("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; object-src 'none'; "
          "base-uri 'none'")                 # Content-Security-Policy: both runtimes run under it
REDIRECT = ('<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>'
            '<meta http-equiv="refresh" content="0; url=app/"><a href="app/">Shop</a></html>\n')


def policy(updates: SiteUpdates | None) -> str:
    """The Content-Security-Policy of a page: the host of its updates is the only other one that it may ask."""
    return f"{POLICY}; connect-src 'self' {updates.origin}" if updates and updates.origin else POLICY


def changed(root: Path, updates: SiteUpdates | None) -> dict[str, bytes]:
    """What a page that takes updates has otherwise than its folder, by path. Raises InputError for another page."""
    if updates is None:
        return {}
    start = root / "app" / START
    html = start.read_text(encoding="utf-8")
    for old, new in ((f'content="{POLICY}"', f'content="{policy(updates)}"'),
                     ("<html ", f'<html data-updates="{site_updates.NAME}" ')):
        if html.count(old) != 1:
            raise InputError("the page cannot be made to take updates", where=start, expected=f"one {old}",
                             found=html.count(old))
        html = html.replace(old, new)
    return {f"app/{START}": html.encode(), f"app/{site_updates.NAME}": updates.settings}


def listing(root: Path, other: Mapping[str, bytes] | None = None) -> dict:
    """What a service worker keeps for offline use, as files.json has it: all that the page loads but the app's files.

    The app's files have digests of their own, in the manifest. The runtime for a GPU is only loaded on request.
    other: the contents of files that are not those of `root`, or not there.
    """
    there = [path for path in sources(root, bool(other)) if not path.match(ON_REQUEST)]
    facts = {path.relative_to(root).as_posix(): (files.sha256(path), path.stat().st_size) for path in there} | {
        name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in (other or {}).items()}
    return {"version": VERSION, "files": [{"path": name, "sha256": digest, "bytes": size}
                                          for name, (digest, size) in sorted(facts.items())]}


def sources(root: Path, with_updates: bool = False) -> list[Path]:
    """All files that the page can load, without the app's."""
    folders = (*SOURCES, UPDATE) if with_updates else SOURCES
    return [path for folder in folders for path in files.files_of(root / folder)
            if path.suffix in TYPES and path != root / LISTED]


def prepare() -> None:
    """Fetches the runtime into the page's own folder, and writes its files.json. Raises InputError if it cannot."""
    litert_files.fetch(PAGE)
    files.write_json(PAGE / LISTED, listing(PAGE))


def write(dist: Path, catalog: Path, precision: str | None, accepted: Accepted, out: Path,
          updates: SiteUpdates | None = None) -> Filled:
    """Writes the site to `out`, whole or not at all.

    The arguments and the errors are those of `apps.choose`; InputError also for an `out` that holds anything else, and
    where the runtime cannot be fetched.
    """
    choice = apps.choose(dist, catalog, precision, accepted, [WEB], each=True)
    out = out.resolve()
    if found := foreign(out):
        raise InputError("the folder would be replaced, and holds what is not of a site", where=out, found=found,
                         remedy="OUT=another folder")
    prepare()
    with files.whole(out) as partial:
        partial.mkdir()
        for path in (PAGE / LICENCE, *sources(PAGE, updates is not None)):
            target = partial / path.relative_to(PAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        other = changed(PAGE, updates)
        for name, content in other.items():
            (partial / name).write_bytes(content)
        files.write_json(partial / LISTED, listing(PAGE, other))
        apps.put(partial / MODEL, choice, WEB)
        (partial / START).write_text(REDIRECT, encoding="utf-8")
        (partial / README).write_text(readme(choice, partial, updates), encoding="utf-8")
    return apps.filled(choice, WEB, out / MODEL)


def foreign(out: Path) -> str | None:
    """The name of what lies in a site's place and is not a site's; None if there is nothing such."""
    if not os.path.lexists(out):
        return None
    if not out.is_dir():
        return out.name
    there = {path.name for path in out.iterdir()} - {apps.OF_THE_SYSTEM}
    if others := sorted(there - {*SOURCES, UPDATE, MODEL, START, README}):
        return others[0]
    title = out / README
    is_ours = title.is_file() and title.read_bytes().startswith(TITLE.encode())
    return None if is_ours or not there else README if README in there else sorted(there)[0]


def readme(choice: Selection, folder: Path, updates: SiteUpdates | None) -> str:
    """What the site's host must do, for somebody who runs one and knows nothing of the export."""
    made, catalog = choice.model.manifest, choice.catalog
    link = f", {made.licence.url}" if made.licence.url else ""
    rows = [f"| `{name}/` | {files.size(folder / name) / 1e6:.2f} | {what} |" for name, what in (
        ("app", "the page, its service worker, and `files.json`: what it keeps for offline use"),
        ("shop", "the shop behind the page, on a worker"), ("search", "tokenizer, pictures, catalog and scores"),
        ("runtimes", "how the page calls a runtime"),
        ("runtime", f"LiteRT.js (Apache-2.0, see `{LICENCE.as_posix()}`); a browser takes one of its `.wasm` files"),
        *([(UPDATE, "updates of the catalog")] if updates else []), (MODEL, "encoders, tokenizer, catalog, manifest"))]
    fetched = [] if updates is None else [
        f"The page takes updates, `{updates.address}`, signed by a key in `app/{site_updates.NAME}`. Another host than "
        "the site's must send `Access-Control-Allow-Origin: *`.", ""]
    return "\n".join([
        TITLE, "",
        f"Products are found by words, by a picture, or by both, in the browser alone: {catalog.products:,} products "
        f"({catalog.rows:,} pictures), model `{made.model}`. No server answers a query, and after the first visit no "
        "network is needed. Put the whole folder on any static web host, unchanged, and open `app/`.", "",
        "| folder | MB | is |", "|---|---|---|", *rows, "",
        "The host", "",
        "- serves it over https, or on localhost: elsewhere browsers have no service worker, no Cache API and no "
        "`crypto.subtle`;",
        "- sends `.wasm` as `application/wasm`, `.js` as `text/javascript`, and `.tflite`, `.catalog` and "
        "`.safetensors` unchanged;",
        f"- should send `Content-Security-Policy: {policy(updates)}`, and `Cache-Control: no-cache` for `app/` and "
        f"`{MODEL}/manifest.json`, so that a new version is seen at the next visit;",
        "- may compress `.js` and `.wasm` (brotli makes LiteRT.js a quarter), and needs no other header: there are no "
        "threads, and so no COOP or COEP.", "",
        *fetched, f"Licence of the weights: {made.licence.name}{link}.", "",
        "`make web` wrote this folder, and replaces it as a whole.", ""])
