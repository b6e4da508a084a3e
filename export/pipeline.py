"""An export request enters; dist/<model>/ leaves, with every artefact, the tokenizer and the manifest.

An interrupted export leaves no half-written artefact. The next run continues from the receipts.
"""

import importlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from export import conversion, plan
from export.artifacts import lock, manifest, receipts
from export.artifacts.dist import LICENCE, SOURCE, Dist
from export.artifacts.manifest import Artifact, WeightsFile
from export.artifacts.receipts import Receipt, job_of, of_routes
from export.common import files
from export.common.errors import InputError
from export.common.progress import Steps, library_output_to
from export.common.specs import Given, Licence, ModelSpec
from export.formats.job import DEFAULT, Job, is_auto, jobs, lacking, order, routed
from export.formats.table import FORMATS, LITERT_TORCH
from export.weights import checkpoint, licences, vocabulary_file
from export.weights.licences import GivenLicence
from export.weights.lookup import explained, lasting, own_file
from export.weights.settings import stated

LOG = "export.log"


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
    licence: GivenLicence | None = None      # what the user says of the weights
    given: Given = Given()                   # and of the model
    replace: bool = False                    # an export of other weights, even beside its catalog


def export(request: ExportRequest, say: Callable[[str], None]) -> Path:
    """Makes what is missing in dist/<model>/ and returns that folder. Raises InputError on bad input."""
    for path in (request.checkpoint, Path(request.model)):
        refuse_bytes(path)
    found = explained(request.model, request.pretrained, request.checkpoint, request.given)
    row = found.spec
    wanted = routed(jobs(request.formats, request.precision, row.text.vocabulary), request.tflite_route)
    own = own_file(request.model, request.checkpoint, request.random)
    source = checkpoint.locate(row, own, request.random, request.given.checkpoint_key)
    spec = licences.of_weights(row, source, request.licence.licence if request.licence else None)
    words = vocabulary_file.located(spec, source)
    dist = Dist(request.out / spec.name)
    for line in found.notes + licence_notices(row, spec, source, dist):
        say(line)
    manifest.created()                       # reports a bad SOURCE_DATE_EPOCH now, not after the work
    dist.folder.mkdir(parents=True, exist_ok=True)
    with lock.to_write(dist.folder) as claim:
        if other := replaced(dist, spec, source, request):
            say(other)
        work = Work(spec, source, plan.base_recipe(spec, source, words), wanted, request.workers, request.licence,
                    words)
        fill(dist, work, claim, auto=is_auto(request.precision), say=say)
        note, content = dist.path(SOURCE), describe(request, source, spec)
        if not note.is_file() or note.read_bytes() != files.json_bytes(content):
            files.write_json(note, content)
    return dist.folder


def fill(dist: Dist, work: "Work", claim: lock.Claim, auto: bool, say: Callable[[str], None]) -> None:
    """Makes what is missing of the wanted artefacts, or says that nothing is."""
    kept = asked_for(of_routes(plan.valid_receipts(dist, work.base), work.wanted), work.wanted)
    if auto:                                 # any artefact of an earlier choice is enough to start from
        work = replace(work, wanted=[job for job in work.wanted if not any(p.startswith(job.stem) for p in kept)])
    for lack in lacking(work.wanted):
        say(f"left out: {lack}")
    if not all(job.path in kept for job in work.wanted) or not is_complete(dist, kept):
        claim.sign()
        for line in make(dist, work, kept):
            say(line)
        return
    say(f"nothing changed: {len(kept)} artefacts in {dist.folder} are whole and made by this recipe")
    if work.source.kind != "hub" or work.licence:            # without a need, the hub is not asked
        keep_licence(dist, licences.text(work.spec, work.source, work.licence))


def asked_for(kept: dict[str, Receipt], wanted: list[Job]) -> dict[str, Receipt]:
    """The receipts; of those that are wanted again, whether something may take their place is as it is wanted now."""
    again = {job.path: job for job in wanted if job.path in kept}
    return kept | {path: replace(kept[path], fallback=job.fallback) for path, job in again.items()}


def replaced(dist: Dist, spec: ModelSpec, source: checkpoint.Source, request: ExportRequest) -> str | None:
    """A line on the export of other weights that this one replaces; None if there is none.

    Raises InputError if a catalog of these other weights lies there, unless REPLACE=1 allows it.
    """
    try:
        made, before = dist.manifest, dist.note()
    except InputError:
        return None
    # What is assumed counts only where both say it.
    ours = {"assumed": before.get("assumed"), **describe(request, source, spec), "architecture": spec.architecture}
    theirs = {"assumed": ours["assumed"], **before, "architecture": made.architecture}
    decisive = ("sha256", "architecture", "assumed",
                *(f.name for f in fields(Given) if f.name not in ("name", "scripts")))
    if all(as_json(ours.get(key)) == theirs.get(key) for key in decisive):
        return None
    catalogs = sorted(path.name for path in dist.folder.glob("*.catalog"))
    if catalogs and not request.replace:
        raise InputError("a catalog of other weights lies in the folder of this export", where=dist.folder,
                         found=", ".join(catalogs), remedy="NAME=another name for the folder, or REPLACE=1")
    return f"replaces {len(made.artifacts)} artefacts of other weights (space {made.space[:8]}…) in {dist.folder}"


def as_json(value: object) -> object:
    """A value as source.json gives it back."""
    return list(value) if isinstance(value, tuple) else value


def licence_notices(row: ModelSpec, spec: ModelSpec, source: checkpoint.Source, dist: Dist) -> list[str]:
    """What the user must know about the licence of the weights, line by line."""
    notices = [licence_notice(spec, source)]
    known = licences.of_weights(row, source).licence
    if spec.licence.source == licences.GIVEN and known.commercial_use not in (None, spec.licence.commercial_use):
        notices.append(f"{spec.name}: LICENCE= takes the place of {known.words}")
    earlier = licence_before(dist, source)
    if earlier and earlier != spec.licence:
        notices.append(f"the licence was {earlier.words} and is now {spec.licence.words}: "
                       "the artefacts carry it, and are made again")
    return notices


def licence_notice(spec: ModelSpec, source: checkpoint.Source) -> str:
    """The licence of the weights and what it means for a shop, in one line."""
    licence = spec.licence
    if source.kind == "random":
        return f"{spec.name}: random weights, for trying the pipeline; the manifest says that they must not ship"
    if licence.commercial_use is None:
        card = f" {licence.url}" if licence.url else ""
        return (f"{spec.name}: licence of the weights {licence.name}{card}; no app gets them before you say "
                f"{licences.SAID}")
    forbidden = "NO COMMERCIAL USE" if licence.source == licences.GIVEN else "RESEARCH ONLY"
    terms = "commercial use permitted" if licence.commercial_use else f"{forbidden}: a shop may not ship these weights"
    how = {licences.DIGEST: ", known by their SHA-256", licences.GIVEN: ", as given"}.get(licence.source, "")
    own = f"; for weights of your own {licences.SAID}" if (licence.source, source.kind) == ("row", "file") else ""
    return f"{spec.name}: weights under {licence.name} ({terms}{how}){'; ' if licence.url else ''}{licence.url}{own}"


def licence_before(dist: Dist, source: checkpoint.Source) -> Licence | None:
    """The licence that the artefacts of these weights carry so far; None if there are none."""
    try:
        made = dist.manifest
    except InputError:
        return None
    return made.licence if made.weights == origin(source) else None


def origin(source: checkpoint.Source) -> WeightsFile:
    """What the manifest says of the weights."""
    return WeightsFile(source.kind, source.sha256)


def refuse_bytes(path: Path | None) -> None:
    """Raises InputError for a path that no JSON can hold: source.json must name the checkpoint."""
    try:
        os.fsencode(path or "").decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("a path with bytes that are no UTF-8", where=ascii(os.fsencode(path or ""))[1:],
                         remedy="rename the file, or the folder that it is in") from error


def describe(request: ExportRequest, source: checkpoint.Source, spec: ModelSpec) -> dict:
    """Where the weights came from, and for a file what it does not hold itself: the gate loads the weights again.

    This is the content of source.json.
    """
    return {"model": lasting(request.model), "pretrained": request.pretrained, "kind": source.kind,
            "sha256": source.sha256, "checkpoint": str(request.checkpoint.resolve()) if request.checkpoint else None,
            "licence": asdict(request.licence.licence) if request.licence else None, **request.given.json(),
            **({"assumed": stated.settings_of(spec)} if source.kind == "file" else {})}


@dataclass(frozen=True)
class Work:
    """The input of `make`: the artefacts to make, and the model and weights to make them from."""

    spec: ModelSpec
    source: checkpoint.Source
    base: str                                # plan.base_recipe
    wanted: list[Job]
    workers: int
    licence: GivenLicence | None
    vocabulary: Path | None = None           # of the tokenizer, where no library has it


def is_complete(dist: Dist, kept: dict[str, Receipt]) -> bool:
    """Whether the manifest exists, its files are undamaged, and it lists exactly the artefacts of the receipts."""
    try:
        dist.check()
    except InputError:
        return False
    return ({a.path: (a.sha256, a.fallback) for a in dist.manifest.artifacts}
            == {path: (receipt.sha256, receipt.fallback) for path, receipt in kept.items()})


def outdated(dist: Dist, kept: dict[str, Receipt]) -> list[str]:
    """Each artefact without a valid receipt (another recipe, damaged, cut off), and what a killed export left."""
    artefacts = [path.relative_to(dist.folder).as_posix() for row in FORMATS for path in dist.path(row).glob("*")]
    left = [name for name in (conversion.WEIGHTS, conversion.TEMPORARY) if dist.path(name).exists()]
    return left + [name for name in artefacts if name not in kept]


def clear(dist: Dist, kept: dict[str, Receipt]) -> None:
    """Removes manifest, verdicts and what is outdated."""
    dist.withdraw()
    receipts.write(dist.folder, kept)
    for name in outdated(dist, kept):
        files.remove(dist.path(name))
        dist.forget([name])


def make(dist: Dist, work: Work, kept: dict[str, Receipt]) -> list[str]:
    """Loads the weights, converts what has no receipt yet, and writes tokenizer, licence and manifest.

    Returns what the user should know of the checkpoint.
    """
    spec, missing = work.spec, [job for job in work.wanted if job.path not in kept]
    notes: list[str] = []
    refuse_missing_environments(missing)     # fails now, not after the work
    with Steps(len(missing) + 2) as steps, library_output_to(dist.path(LOG)):
        steps.begin("load the weights")
        if missing:
            conversion.prepare(missing)
        from export.text.assets.shipped import shipped
        from export.weights import encoders, token_table

        words = shipped(spec, work.vocabulary)
        model = checkpoint.load(spec, work.source, notes.append)
        space = checkpoint.space(model, spec.preprocessing, words.whole_sha256, spec.activation)
        spec = replace(spec, text=words.text)
        if words.pruned:
            model.text = token_table.with_rows(model.text, words.pruned.kept)
        sizes = encoders.sizes(model)
        conversion.refuse_too_large(sizes, missing)
        freed = sum(files.size(dist.path(name)) for name in outdated(dist, kept))
        conversion.refuse_full_disk(dist.folder, sizes, missing, work.workers, freed)
        clear(dist, kept)                    # only after the new weights have loaded
        dist.forget([manifest.TOKENIZER])
        with files.whole(dist.path(manifest.TOKENIZER)) as partial:
            partial.write_bytes(words.content)
        identity = manifest.Identity(space, float(model.logit_scale.exp()), work.source.kind != "random",
                                     origin(work.source), checkpoint.logit_bias(model))
        parts = encoders.split(checkpoint.reparameterise(model), spec)
        del model
        keep_licence(dist, licences.text(spec, work.source, work.licence))

        def keep(job: Job, receipt: Receipt) -> None:
            kept[job.path] = receipt
            dist.forget([job.path])
            receipts.write(dist.folder, kept)

        if missing:
            todo = conversion.tasks(spec, dist.folder, work.base, identity.space, missing)
            conversion.run(todo, parts, work.workers,
                           lambda job: steps.begin(f"{job.format} {job.encoder} encoder, {job.precision}"), keep)
        steps.begin("write the manifest")
        dist.write(manifest.build(spec, identity, words.sha256, entries(spec, kept), plan.tool_versions()))
    return notes


def refuse_missing_environments(missing: list[Job]) -> None:
    """Raises InputError if a route needs its own Python environment and that environment is missing."""
    for converter in {job.converter for job in missing if job.route in job.row.locks}:
        importlib.import_module(converter).environment()


def entries(spec: ModelSpec, kept: dict[str, Receipt]) -> list[Artifact]:
    """The entries of the manifest's `artifacts`, in order: one for each receipt."""
    ordered = sorted((order(job), job) for path, receipt in kept.items() if (job := job_of(path, receipt)))
    return [manifest.artifact(spec, job, kept[job.path]) for _, job in ordered]


def keep_licence(dist: Dist, text: str | None) -> None:
    """Leaves the text of the licence beside the artefacts, or no such file where there is no text."""
    path = dist.path(LICENCE)
    if text is None:
        files.remove(path)
    elif not path.is_file() or path.read_bytes() != text.encode():
        with files.whole(path) as partial:
            partial.write_bytes(text.encode())
