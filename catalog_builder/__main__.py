"""`python -m catalog_builder`: arguments enter; the exit status leaves. This module only parses and calls."""

import datetime
import sys
from argparse import Namespace
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from catalog_builder import commands, engines, list_arguments, vectors
from catalog_builder.apps import APPS
from catalog_builder.builder.build import BuildRequest
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.builder.store import EMBEDDINGS
from catalog_builder.bundle import NAME
from catalog_builder.catalog.search import Filter
from catalog_builder.catalog.search_request import SearchRequest
from catalog_builder.compare.figures import CompareRequest
from catalog_builder.machines import cluster
from catalog_builder.machines.cluster import ClusterRequest
from catalog_builder.machines.parts import Part, PartRequest, parts_beside
from catalog_builder.updates import signing
from catalog_builder.updates.publish import KEEP_LAST, PublishRequest
from catalog_builder.web import preview_server, site_updates, web_site
from export.artifacts import lock, manifest
from export.artifacts.dist import exported
from export.artifacts.shipping import Accepted
from export.common import command
from export.common.command import CommandLine
from export.common.errors import InputError

THUMBNAIL = Thumbnail(160, 60)               # of a catalog, where nothing else is said
UPDATE = "shop"                              # an update's name, where nothing else is said: that of the apps' catalog
NO_BUNDLE = "none"                           # of `publish`: those of earlier updates come no more
SHIP = ("apps", "bundle", "preview", "web")  # commands that put a catalog into an app


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m catalog_builder", description="Builds a shop's catalog file, and searches it.")
    subparsers = p.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=CommandLine)

    build = subparsers.add_parser("build", help="turn a product list and dist/<model>/ into a .catalog file")
    compare = subparsers.add_parser("compare", help="compare exported models on a product list: one table, one page")
    compare.add_argument("--models", default="", metavar="NAME,…", help="in --dist (default: every export there)")
    embed = subparsers.add_parser("embed", help="compute a list's vectors on several machines")
    share = embed.add_mutually_exclusive_group(required=True)
    share.add_argument("--part", metavar="3/16", help="the third of sixteen parts of the pictures")
    share.add_argument("--ray", nargs="?", const="", metavar="ADDRESS", help="all parts, on the Ray cluster of this "
                       "address, host:port or auto (default: $RAY_ADDRESS, or else Ray is started on this machine)")
    embed.add_argument("--workers", type=int, metavar="N", help="of --ray (default: one a GPU, or else one a core)")
    embed.add_argument("--worker-cpus", type=int, metavar="N", help="cores of each (default: the machine's share of a "
                       "GPU, or else 1)")
    embed.add_argument("--out", type=command.path, metavar="PATH", help="default: <product list>.3-16.embeddings in "
                       "dist/<model>/, with --ray <product list>.embeddings")
    merge = subparsers.add_parser("merge", help="put the parts' vectors together; `build` then computes nothing")
    merge.add_argument("parts", type=command.path, nargs="*", metavar="PART", help="default: all beside --out")
    merge.add_argument("--out", type=command.path, metavar="PATH", help="default: <product list>.embeddings in "
                       "dist/<model>/")
    vector = subparsers.add_parser("vectors", help="write every picture's vector to Parquet, for search on a server")
    vector.add_argument("--out", type=command.path, metavar="PATH", help="default: <product list>.parquet in "
                        "dist/<model>/")
    for subparser in (build, compare, embed, merge, vector):
        subparser.add_argument("--products", type=command.path, default=Path("demo/shop/products.csv"), metavar="PATH",
                               help="a shop system's export, or any list: CSV, Excel, JSON, XML, Parquet (default: the "
                               "sample shop)")
    for subparser in (build, compare, vector):
        subparser.add_argument("--allow-loss", default="0", metavar="50%%", help="share of the products that may be "
                               "lost (default: 1 %%, or three products)")
    for subparser in (build, compare):
        subparser.add_argument("--queries", type=command.path, metavar="PATH",
                               help="CSV of labelled queries: kind,query,product")
    build.add_argument("--base", type=command.path, metavar="PATH", help="the shop's catalog of before: what did not "
                       "change keeps its place, so that an update is small (default: a catalog of its own)")
    build.add_argument("--first-pass", action="store_true", help="let a search score only promising rows exactly "
                       "(default: from 100,000 pictures on)")
    build.add_argument("--strict", action="store_true", help="refuse a list with problems (default: skip and report)")
    build.add_argument("--force", action="store_true", help="write the catalog even if it fails its gate")
    for subparser in (build, embed, vector):
        subparser.add_argument("--engine", choices=engines.ENGINES, default="auto",
                               help="default: the fastest exact one here")
        subparser.add_argument("--thumbnails", type=int, default=THUMBNAIL.side, metavar="PIXELS",
                               help="longer side of the small pictures in the file; 0 for none (default: %(default)s)")
        subparser.add_argument("--thumbnail-quality", type=int, default=THUMBNAIL.quality, metavar="Q",
                               choices=range(1, 101), help="of WebP, 1 to 100 (default: %(default)s)")

    inspect = subparsers.add_parser("inspect", help="say what a product list is taken for, and what is wrong with it")
    fetch = subparsers.add_parser("fetch", help="download the pictures of a list that gives web addresses")
    for subparser in (inspect, fetch):
        subparser.add_argument("products", type=command.path, metavar="LIST")
    fetch.add_argument("--refresh", action="store_true", help="ask again for what is there, and take what changed")
    fetch.add_argument("--allow-private", action="store_true", help="allow addresses of the local network")
    for subparser in (build, compare, embed, vector, inspect, fetch):
        list_arguments.add(subparser)

    search = subparsers.add_parser("search", help="search by text, by picture, by both, or by a product")
    search.add_argument("--text")
    search.add_argument("--image", type=command.path, metavar="PATH")
    search.add_argument("--like", metavar="ID", help="more like this product")
    search.add_argument("--slider", type=float, default=0.5, help="with both: 0 is the text, 1 the picture")
    search.add_argument("-k", type=int, default=10, help="results (default: %(default)s); 1: the best match only")
    search.add_argument("--category", action="append", metavar="NAME", help="only this category; may be repeated")
    search.add_argument("--filter", action="append", default=[], metavar="COLUMN=TEXT|…", help="only products with one "
                        "of the texts in a column that `build --filter` named; may be repeated")
    search.add_argument("--price-from", metavar="PRICE")
    search.add_argument("--price-to", metavar="PRICE")
    search.add_argument("--exact", action="store_true",
                        help="score every row, also where the catalog has a first pass")
    search.add_argument("--threshold", type=float, default=float("-inf"), help="least score of a result")
    search.add_argument("--confidence", type=float, default=0.0, help="least confidence of a result, 0 to 1")

    labels = subparsers.add_parser("labels", help="tell which of the given names fits a picture")
    labels.add_argument("--image", type=command.path, required=True, metavar="PATH")
    labels.add_argument("--names", required=True, help="names, separated by commas")

    duplicates = subparsers.add_parser("duplicates", help="list shared pictures and near-duplicates")
    duplicates.add_argument("--over", type=float, default=0.95, help="cosine (default: %(default)s)")
    duplicates.add_argument("-k", type=int, default=20, help="shared pictures and pairs (default: %(default)s)")

    verify = subparsers.add_parser("verify", help="check structure and digest of a catalog file")

    apps = subparsers.add_parser("apps", help="copy encoders, tokenizer and catalog into the sample apps")
    bundle = subparsers.add_parser("bundle", help="write one folder with all that each platform's app needs")
    bundle.add_argument("--out", type=command.path, metavar="DIR", help=f"default: {NAME} in dist/<model>/")
    bundle.add_argument("--platforms", metavar="LIST", help="some of " + ", ".join(app.part for app in APPS)
                        + " (default: those whose format was exported)")
    preview = subparsers.add_parser("preview", help="serve the sample web page with a catalog, to this machine")
    preview.add_argument("--port", type=int, default=preview_server.PORT, help="default: %(default)s; 0: any free one")
    web = subparsers.add_parser("web", help="write the sample web page with a catalog, for a static web host")
    web.add_argument("--out", type=command.path, metavar="DIR", help=f"default: {web_site.NAME} in dist/<model>/")
    for subparser in (preview, web):
        subparser.add_argument("--updates", metavar="ADDRESS", help="of the statement of updates that the page takes, "
                               "https://host/folder/shop.update (default: it takes none)")
        subparser.add_argument("--public-key", metavar="KEY", help="who may sign them: base64, or a file of keys")
    lacking = subparsers.add_parser("lacking", help="print the commands that make what `preview` and `web` lack")
    for subparser in (preview, web, lacking):
        subparser.add_argument("--products", type=command.path, metavar="PATH", help="the list whose catalog it takes, "
                               "unless --catalog names one (default: the only one there)")
    for subparser in (apps, bundle, preview, web, lacking):
        subparser.add_argument("--precision", default="default", help="of the encoders (default: the model's default, "
                               "or else the smallest that passed the gate)")
        subparser.add_argument("--accept-research-licence", action="store_true",
                               help="allow weights that a shop may not ship, for research")
        subparser.add_argument("--accept-unknown-licence", action="store_true",
                               help="allow weights whose licence nobody has named")
    publish = subparsers.add_parser("publish", help="write a catalog and deltas for a static web host")
    publish.add_argument("--keep-last", type=int, default=KEEP_LAST, metavar="N",
                         help="older catalogs from which deltas lead to the new one (default: %(default)s)")
    publish.add_argument("--number", type=int, metavar="N", help="of this update (default: one more than the last)")
    publish.add_argument("--valid-days", type=int, metavar="N", help="how long prices are to be trusted (default: "
                         "they have no last day)")
    publish.add_argument("--bundle", metavar="DIR", help="a platform's part of `bundle`, whose encoders come with this "
                         "update; `none`: those of earlier updates come with it no more (default: they do, where the "
                         "catalog is of their embedding space)")
    sign = subparsers.add_parser("sign", help="sign what `publish` wrote, and put it in force")
    sign.add_argument("--key", type=command.path, metavar="PATH", help="a private key, as `key` makes it")
    sign.add_argument("--command", dest="signing_command", metavar="COMMAND",
                      help="or what signs: gets the message on stdin, answers DER or 64 bytes")
    for subparser in (publish, sign):
        subparser.add_argument("--out", type=command.path, required=True, metavar="DIR", help="what the host serves")
        subparser.add_argument("--name", default=UPDATE, help="of the catalog in its app (default: %(default)s)")
        subparser.add_argument("--public-key", metavar="KEY", help="hold signatures to it: base64, or a file of keys")
    key = subparsers.add_parser("key", help="make a key pair that signs updates, and print its public half")
    key.add_argument("key", type=command.path, metavar="PATH", help="of the private half; never written over")
    key.add_argument("--public", action="store_true", help="only print the public half of a key that is there")

    exports = (build, embed, merge, vector, search, labels, duplicates, verify, apps, bundle, preview, web, lacking,
               publish)
    for subparser in exports:
        subparser.add_argument("--model", default="demo", help="a model in --dist (default: %(default)s)")
        subparser.add_argument("--pretrained", metavar="TAG", help="that the model was exported with, if several were")
    for subparser in (compare, *exports):
        subparser.add_argument("--dist", type=command.path, default=Path("dist"), metavar="DIR",
                               help="default: %(default)s")
    for subparser in (build, vector, search, duplicates, verify, apps, bundle, preview, web, lacking, publish):
        subparser.add_argument("--catalog", type=command.path, metavar="PATH",
                               help="default: build: <product list>.catalog in dist/<model>/; else the newest there")
    for subparser in (search, labels, duplicates):
        subparser.add_argument("--json", action="store_true", help="print JSON, for machines")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    if arguments[:1] in (["bundle"], ["web"]):
        return command.run(lambda: work(arguments), "catalog_builder", interrupted="what was there before stays")
    return command.run(lambda: work(arguments), "catalog_builder", interrupted="the next run goes on from here",
                       option="--catalog")


def work(arguments: list[str]) -> int:
    """Runs the command that the arguments name."""
    options = parser().parse_args(arguments)
    if options.command == "inspect":
        return commands.inspect(options.products, list_arguments.options(options))
    if options.command == "fetch":
        return commands.fetch(options.products, list_arguments.options(options), options.refresh, options.allow_private)
    if options.command == "compare":
        return commands.compare(compare_request(options))
    if options.command == "sign":
        return commands.sign(options.out, options.name, options.key, options.signing_command, options.public_key)
    if options.command == "key":
        return commands.key(options.key, options.public)
    if options.command == "publish":
        return commands.publish(publish_request(options))
    dist = exported(options.dist, options.model, options.pretrained)
    if options.command == "lacking":
        return commands.lacking(dist, options.precision, options.catalog, options.products is not None)
    if options.command == "merge":
        store = options.out or dist / f"{list_name(options.products)}{EMBEDDINGS}"
        return commands.merge(options.parts or parts_beside(store), store)
    with lock.to_read(dist) if options.command in ("build", "embed", "vectors", *SHIP) else nullcontext():
        status = work_on(dist, options)
    if options.command == "preview":         # which holds the export no longer
        commands.serve(options.port, site_updates.read(options.updates, options.public_key))
    return status


def work_on(dist: Path, options: Namespace) -> int:
    """Runs a command that needs an exported model, or a catalog."""
    if options.command == "labels":
        return commands.labels(dist, options.image, options.names.split(","), options.json)
    if options.command == "build":
        return commands.build(build_request(options, dist))
    if options.command == "vectors":
        out = options.out or dist / f"{list_name(options.products)}{vectors.SUFFIX}"
        return commands.vectors(vectors_request(options, dist), out)
    if options.command == "embed":
        if options.ray is not None:
            return commands.embed_on_cluster(cluster_request(options, dist))
        return commands.embed(part_request(options, dist))
    catalog = asked(dist, options)
    if options.command == "search":
        return commands.search(catalog, dist, search_request(options), options.json)
    if options.command == "duplicates":
        return commands.duplicates(catalog, options.over, options.k, options.json)
    if options.command in SHIP:
        accepted = Accepted(options.accept_research_licence, options.accept_unknown_licence)
        if options.command in ("apps", "preview"):
            return commands.apps(dist, catalog, options.precision, accepted, options.command == "preview")
        if options.command == "web":
            return commands.web(dist, catalog, options.precision, accepted, out=options.out or dist / web_site.NAME,
                                updates=site_updates.read(options.updates, options.public_key))
        return commands.bundle(dist, catalog, options.precision, accepted, out=options.out or dist / NAME,
                               platforms=options.platforms)
    return commands.verify(catalog)


def asked(dist: Path, options: Namespace) -> Path:
    """The catalog that the user names, or that of the list that he gives, or the newest. Errors: those of `newest`."""
    if products := vars(options).get("products"):
        return options.catalog or listed(dist, products)
    return options.catalog or newest(dist, options.command if options.command in SHIP else None)


def listed(dist: Path, products: Path) -> Path:
    """Where a list's catalog is, unless the user names a place."""
    return dist / f"{list_name(products)}.catalog"


def newest(dist: Path, ships: str | None) -> Path:
    """The newest catalog of a model. Raises InputError if there is none, or if there are several and a command `ships`
    one of them.
    """
    found = sorted(dist.glob("*.catalog"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        manifest.read(dist)                  # without an export, its remedy comes first
        raise InputError("no catalog", where=dist, remedy=f"make catalog MODEL={dist.name} PRODUCTS=your list")
    if ships and len(found) > 1:
        raise InputError("several catalogs", where=dist, found=", ".join(path.name for path in found),
                         remedy=f"name one: make {ships} MODEL={dist.name} CATALOG={found[-1]}")
    return found[-1]


def build_request(options: Namespace, dist: Path) -> BuildRequest:
    """What `build` was asked for."""
    return replace(vectors_request(options, dist), queries=options.queries, strict=options.strict, force=options.force,
                   base=options.base, first_pass=options.first_pass)


def vectors_request(options: Namespace, dist: Path) -> BuildRequest:
    """The build whose vectors `vectors` was asked for: it uses what the catalog's build computed."""
    return BuildRequest(
        products=options.products, model=dist, out=options.catalog or listed(dist, options.products),
        options=list_arguments.options(options), allow_loss=list_arguments.share(options.allow_loss),
        engine=options.engine, thumbnail=commands.thumbnail(options.thumbnails, options.thumbnail_quality))


def part_request(options: Namespace, dist: Path) -> PartRequest:
    """What `embed --part` was asked for."""
    if options.workers or options.worker_cpus:
        raise InputError("--workers and --worker-cpus without --ray", where="the command line",
                         remedy="leave --part out, or these")
    part = Part.of(options.part)
    return PartRequest(
        products=options.products, model=dist, part=part,
        out=options.out or part.beside(dist / f"{list_name(options.products)}{EMBEDDINGS}"),
        options=list_arguments.options(options), engine=options.engine,
        thumbnail=commands.thumbnail(options.thumbnails, options.thumbnail_quality))


def cluster_request(options: Namespace, dist: Path) -> ClusterRequest:
    """What `embed --ray` was asked for."""
    return ClusterRequest(
        products=options.products, model=dist, address=cluster.address(options.ray), workers=options.workers,
        out=options.out or dist / f"{list_name(options.products)}{EMBEDDINGS}", cpus=options.worker_cpus,
        options=list_arguments.options(options), engine=options.engine,
        thumbnail=commands.thumbnail(options.thumbnails, options.thumbnail_quality))


def compare_request(options: Namespace) -> CompareRequest:
    """What `compare` was asked for."""
    return CompareRequest(
        dist=options.dist, models=options.models.replace(",", " ").split(), products=options.products,
        name=list_name(options.products), queries=options.queries, options=list_arguments.options(options),
        allow_loss=list_arguments.share(options.allow_loss), thumbnail=THUMBNAIL)


def publish_request(options: Namespace) -> PublishRequest:
    """What `publish` was asked for."""
    catalog = options.catalog or newest(exported(options.dist, options.model, options.pretrained), options.command)
    given = options.bundle not in (None, NO_BUNDLE)
    return PublishRequest(
        catalog=catalog, out=options.out, today=datetime.datetime.now(datetime.UTC).date(), name=options.name,
        keep_last=options.keep_last, number=options.number, valid_days=options.valid_days,
        bundle=command.path(options.bundle) if given else None, carry_on=options.bundle != NO_BUNDLE,
        public_keys=signing.public_keys(options.public_key) if options.public_key else ())


def list_name(products: Path) -> str:
    """A list's name without what kind of file it is: products.csv.gz is products."""
    return Path(products.stem).stem if products.suffix.lower() == ".gz" else products.stem


def search_request(options: Namespace) -> SearchRequest:
    """What `search` was asked for."""
    return SearchRequest(
        text=options.text, picture=options.image, slider=options.slider, like=options.like, k=options.k,
        where=Filter(options.category, commands.price(options.price_from), commands.price(options.price_to),
                     list_arguments.asked_filters(options.filter)),
        threshold=options.threshold, least_confidence=options.confidence, exact=options.exact)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
