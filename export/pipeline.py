"""The export itself: a request enters, dist/<model>/ leaves with every artefact, the tokenizer and the manifest.

Interrupted at any moment it leaves no half-written artefact, and the next run goes on from the receipts.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from export import conversion, plan
from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError
from export.common.progress import Steps, library_output_to
from export.common.specs import ModelSpec
from export.plan import Job, Receipt
from export.tflite import onnx2tf_route
from export.weights import checkpoint
from export.weights.lookup import find

LOG, SOURCE, LICENCE, VERDICTS = "export.log", "source.json", "LICENSE_WEIGHTS", "parity.json"


@dataclass(frozen=True)
class Request:
    """What the user asks for."""

    model: str
    formats: str = "coreml,tflite,onnx"
    precision: str = "default"
    pretrained: str | None = None
    checkpoint: Path | None = None
    random: bool = False
    out: Path = Path("dist")
    workers: int = 2                         # processes that convert; each needs the memory
    tflite_route: str = plan.LITERT_TORCH


def export(request: Request, say: Callable[[str], None]) -> Path:
    """Makes what is missing in dist/<model>/ and returns that folder. Raises InputError on bad input."""
    spec = find(request.model, request.pretrained)
    wanted = plan.routed(plan.jobs(request.formats, request.precision), request.tflite_route)
    say(licence_notice(spec, request.random))
    source = checkpoint.locate(spec, request.checkpoint, request.random)
    folder = request.out / spec.name
    base = plan.base_recipe(spec, source)
    receipts = plan.of_route(plan.valid_receipts(folder, base), wanted)
    manifest.created()                       # a bad SOURCE_DATE_EPOCH is told now, not after the work
    if request.precision == plan.AUTO:       # what an earlier choice left is enough to start from
        wanted = [job for job in wanted if not any(path.startswith(job.stem) for path in receipts)]
    for lack in plan.lacking(wanted):
        say(f"left out: {lack}")
    if all(job.path in receipts for job in wanted) and is_complete(folder, receipts):
        say(f"nothing changed: {len(receipts)} artefacts in {folder} are whole and made by this recipe")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, spec, source, base, wanted, receipts, request.workers)
    note = folder / SOURCE
    if not note.is_file() or note.read_bytes() != files.json_bytes(describe(request, source)):
        files.write_json(note, describe(request, source))
    return folder


def licence_notice(spec: ModelSpec, random: bool) -> str:
    """What the user must know of the weights' licence, in one line."""
    if random:
        return f"{spec.name}: random weights, for trying the pipeline; the manifest says that they must not ship"
    terms = {True: "commercial use permitted", False: "RESEARCH ONLY: a shop may not ship these weights",
             None: "unknown to this tool: read the model card before shipping"}[spec.licence.commercial_use]
    return f"{spec.name}: weights under {spec.licence.name} ({terms}); {spec.licence.url}"


def describe(request: Request, source: checkpoint.Source) -> dict:
    """Where the weights came from, for the gate, which loads them anew."""
    return {"model": request.model, "pretrained": request.pretrained, "kind": source.kind, "sha256": source.sha256,
            "checkpoint": str(request.checkpoint.resolve()) if request.checkpoint else None}


def source_of(folder: Path) -> tuple[ModelSpec, checkpoint.Source]:
    """The model and its weights, as dist/<model>/source.json names them. Raises InputError where they are gone."""
    try:
        kept = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
        spec, path = find(kept["model"], kept["pretrained"]), kept["checkpoint"]
        kind, digest = kept["kind"], kept["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("cannot tell which weights made these artefacts", where=folder / SOURCE, found=error,
                         remedy="export again") from error
    source = checkpoint.locate(spec, Path(path) if path else None, kind == "random")
    if source.sha256 != digest:
        raise InputError("weights are not those of the export", where=source.path, expected=f"sha256 {digest}",
                         found=source.sha256, remedy="export again")
    return spec, source


def is_complete(folder: Path, receipts: dict[str, Receipt]) -> bool:
    """Whether the manifest stands, and lists just the artefacts of the receipts, whole."""
    try:
        found = manifest.read(folder)
        manifest.check_digests(folder, found)
    except InputError:
        return False
    return {a["path"]: a["sha256"] for a in found["artifacts"]} == {p: r.sha256 for p, r in receipts.items()}


def clear(folder: Path, receipts: dict[str, Receipt]) -> None:
    """Removes manifest and verdicts, and the artefacts without a valid receipt: of another recipe, damaged, cut off."""
    for name in (manifest.NAME, VERDICTS):   # neither stands beside artefacts that are being replaced
        files.remove(folder / name)
    plan.write_receipts(folder, receipts)
    files.remove(folder / conversion.WEIGHTS)
    for format_ in plan.FORMATS:
        for path in (folder / format_).glob("*"):
            if path.relative_to(folder).as_posix() not in receipts:
                files.remove(path)


def make(folder: Path, spec: ModelSpec, source: checkpoint.Source, base: str, wanted: list[Job],
         receipts: dict[str, Receipt], workers: int) -> None:
    """Loads the weights, converts what has no receipt yet, and writes tokenizer, licence and manifest."""
    missing = [job for job in wanted if job.path not in receipts]
    if any(job.route for job in missing):
        onnx2tf_route.environment()          # its lack is told now, not after the work
    with Steps(len(missing) + 2) as steps, library_output_to(folder / LOG):
        steps.begin("load the weights")
        from export.text.assets import clip_bpe_asset
        from export.weights import encoders

        model = checkpoint.load(spec, source)     # what is there stays until the new weights have proved good
        clear(folder, receipts)
        tokenizer_sha256 = clip_bpe_asset.write_asset(folder / manifest.TOKENIZER)
        identity = manifest.Identity(checkpoint.space(model, spec.preprocessing, tokenizer_sha256),
                                     float(model.logit_scale.exp()), shippable=source.kind != "random")
        parts = encoders.split(checkpoint.reparameterise(model), spec)
        del model
        keep_licence(folder, spec, source)

        def keep(job: Job, receipt: Receipt) -> None:
            receipts[job.path] = receipt
            plan.write_receipts(folder, receipts)

        if missing:
            conversion.run(conversion.tasks(spec, folder, base, identity.space, missing), parts, workers,
                           lambda job: steps.begin(f"{job.format} {job.encoder} encoder, {job.precision}"), keep)
        steps.begin("write the manifest")
        manifest.write(folder, manifest.build(spec, identity, tokenizer_sha256, entries(spec, receipts)))


def entries(spec: ModelSpec, receipts: dict[str, Receipt]) -> list[dict]:
    """The manifest's `artifacts`, in its order, for the artefacts that there are."""
    made = sorted((plan.order(job), job) for path, receipt in receipts.items() if (job := plan.job_of(path, receipt)))
    return [manifest.artifact(spec, job, receipts[job.path]) for _, job in made]


def keep_licence(folder: Path, spec: ModelSpec, source: checkpoint.Source) -> None:
    """Keeps the licence file that comes with the weights beside the artefacts, where there is one."""
    text = checkpoint.licence_text(spec, source)
    files.remove(folder / LICENCE)
    if text is not None:
        with files.whole(folder / LICENCE) as partial:
            partial.write_text(text, encoding="utf-8")
