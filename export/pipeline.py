"""An export request enters; dist/<model>/ leaves, with every artefact, the tokenizer and the manifest.

An interrupted export leaves no half-written artefact. The next run continues from the receipts.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from export import conversion, plan
from export.artifacts import manifest, receipts
from export.artifacts.dist import SOURCE, Dist
from export.artifacts.manifest import Artifact
from export.artifacts.receipts import Receipt, job_of, of_routes
from export.common import files
from export.common.errors import InputError
from export.common.progress import Steps, library_output_to
from export.common.specs import ModelSpec
from export.formats.job import AUTO, DEFAULT, Job, jobs, lacking, order, routed
from export.formats.table import FORMATS, LITERT_TORCH
from export.weights import checkpoint
from export.weights.lookup import find

LOG, LICENCE = "export.log", "LICENSE_WEIGHTS"


@dataclass(frozen=True)
class ExportRequest:
    """What the user asks for."""

    model: str
    formats: str = ",".join(FORMATS)
    precision: str = DEFAULT
    pretrained: str | None = None
    checkpoint: Path | None = None
    random: bool = False
    out: Path = Path("dist")
    workers: int = 2                         # processes that convert; each needs its own memory
    tflite_route: str = LITERT_TORCH


def export(request: ExportRequest, say: Callable[[str], None]) -> Path:
    """Makes what is missing in dist/<model>/ and returns that folder. Raises InputError on bad input."""
    spec = find(request.model, request.pretrained)
    wanted = routed(jobs(request.formats, request.precision), request.tflite_route)
    say(licence_notice(spec, request.random))
    source = checkpoint.locate(spec, request.checkpoint, request.random)
    dist = Dist(request.out / spec.name)
    base = plan.base_recipe(spec, source)
    kept = of_routes(plan.valid_receipts(dist, base), wanted)
    manifest.created()                       # reports a bad SOURCE_DATE_EPOCH now, not after the work
    if request.precision == AUTO:            # any artefact of an earlier choice is enough to start from
        wanted = [job for job in wanted if not any(path.startswith(job.stem) for path in kept)]
    for lack in lacking(wanted):
        say(f"left out: {lack}")
    if all(job.path in kept for job in wanted) and is_complete(dist, kept):
        say(f"nothing changed: {len(kept)} artefacts in {dist.folder} are whole and made by this recipe")
    else:
        dist.folder.mkdir(parents=True, exist_ok=True)
        make(dist, Work(spec, source, base, wanted, request.workers), kept)
    note = dist.path(SOURCE)
    if not note.is_file() or note.read_bytes() != files.json_bytes(describe(request, source)):
        files.write_json(note, describe(request, source))
    return dist.folder


def licence_notice(spec: ModelSpec, random: bool) -> str:
    """What the user must know about the licence of the weights, in one line."""
    if random:
        return f"{spec.name}: random weights, for trying the pipeline; the manifest says that they must not ship"
    terms = {True: "commercial use permitted", False: "RESEARCH ONLY: a shop may not ship these weights",
             None: "unknown to this tool: read the model card before shipping"}[spec.licence.commercial_use]
    return f"{spec.name}: weights under {spec.licence.name} ({terms}); {spec.licence.url}"


def describe(request: ExportRequest, source: checkpoint.Source) -> dict:
    """Where the weights came from. source.json keeps it, because the gate loads the weights again."""
    return {"model": request.model, "pretrained": request.pretrained, "kind": source.kind, "sha256": source.sha256,
            "checkpoint": str(request.checkpoint.resolve()) if request.checkpoint else None}


@dataclass(frozen=True)
class Work:
    """The input of `make`: the artefacts to make, and the model and weights to make them from."""

    spec: ModelSpec
    source: checkpoint.Source
    base: str                                # plan.base_recipe
    wanted: list[Job]
    workers: int


def is_complete(dist: Dist, kept: dict[str, Receipt]) -> bool:
    """Whether the manifest exists, its files are undamaged, and it lists exactly the artefacts of the receipts."""
    try:
        dist.check()
    except InputError:
        return False
    return ({a.path: a.sha256 for a in dist.manifest.artifacts}
            == {path: receipt.sha256 for path, receipt in kept.items()})


def clear(dist: Dist, kept: dict[str, Receipt]) -> None:
    """Removes manifest, verdicts, and each artefact without a valid receipt (another recipe, damaged, cut off)."""
    dist.withdraw()
    receipts.write(dist.folder, kept)
    files.remove(dist.path(conversion.WEIGHTS))
    for format_ in FORMATS:
        for path in dist.path(format_).glob("*"):
            name = path.relative_to(dist.folder).as_posix()
            if name not in kept:
                files.remove(path)
                dist.forget([name])


def make(dist: Dist, work: Work, kept: dict[str, Receipt]) -> None:
    """Loads the weights, converts what has no receipt yet, and writes tokenizer, licence and manifest."""
    spec, missing = work.spec, [job for job in work.wanted if job.path not in kept]
    refuse_missing_environments(missing)     # fails now, not after the work
    with Steps(len(missing) + 2) as steps, library_output_to(dist.path(LOG)):
        steps.begin("load the weights")
        from export.text import families
        from export.weights import encoders

        model = checkpoint.load(spec, work.source)
        clear(dist, kept)                    # only after the new weights have loaded
        dist.forget([manifest.TOKENIZER])
        tokenizer_sha256 = families.write_asset(spec.text, dist.path(manifest.TOKENIZER))
        identity = manifest.Identity(checkpoint.space(model, spec.preprocessing, tokenizer_sha256),
                                     float(model.logit_scale.exp()), shippable=work.source.kind != "random")
        parts = encoders.split(checkpoint.reparameterise(model), spec)
        del model
        keep_licence(dist, spec, work.source)

        def keep(job: Job, receipt: Receipt) -> None:
            kept[job.path] = receipt
            dist.forget([job.path])
            receipts.write(dist.folder, kept)

        if missing:
            todo = conversion.tasks(spec, dist.folder, work.base, identity.space, missing)
            conversion.run(todo, parts, work.workers,
                           lambda job: steps.begin(f"{job.format} {job.encoder} encoder, {job.precision}"), keep)
        steps.begin("write the manifest")
        dist.write(manifest.build(spec, identity, tokenizer_sha256, entries(spec, kept), plan.tool_versions()))


def refuse_missing_environments(missing: list[Job]) -> None:
    """Raises InputError if a route needs its own Python environment and that environment is missing."""
    for converter in {job.converter for job in missing if job.route in job.row.locks}:
        importlib.import_module(converter).environment()


def entries(spec: ModelSpec, kept: dict[str, Receipt]) -> list[Artifact]:
    """The entries of the manifest's `artifacts`, in order: one for each receipt."""
    ordered = sorted((order(job), job) for path, receipt in kept.items() if (job := job_of(path, receipt)))
    return [manifest.artifact(spec, job, kept[job.path]) for _, job in ordered]


def keep_licence(dist: Dist, spec: ModelSpec, source: checkpoint.Source) -> None:
    """Writes the licence file that comes with the weights beside the artefacts, if there is one."""
    text = checkpoint.licence_text(spec, source)
    files.remove(dist.path(LICENCE))
    if text is not None:
        with files.whole(dist.path(LICENCE)) as partial:
            partial.write_text(text, encoding="utf-8")
