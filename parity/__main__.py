"""`python -m parity`: command-line arguments enter; the exit status leaves. This module only parses and calls."""

import sys
from argparse import Namespace
from pathlib import Path

from export.artifacts import dist as dists
from export.artifacts import lock
from export.artifacts.dist import SOURCE, Dist
from export.common import command, subnormals
from export.common.command import CommandLine
from export.common.errors import InputError
from export.common.progress import Steps, library_output_to
from export.formats.job import choices
from export.formats.table import FORMATS
from parity import basis, gpu
from parity.auto import choice
from parity.gate import baseline, gate, inputs
from parity.gate.shelf import Shelf
from parity.report import page, verdicts


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m parity",
                    description="Compares every artefact of dist/<model>/ with float32 PyTorch.")
    p.add_argument("--model", default="demo", help="a model that was exported (default: demo)")
    p.add_argument("--pretrained", metavar="TAG", help="open_clip's tag of the weights, outside the table")
    p.add_argument("--checkpoint", type=command.path, metavar="FILE",
                   help="where the checkpoint of the export lies now")
    p.add_argument("--strict", action="store_true", help="an artefact that cannot run here is a failure")
    p.add_argument("--webgpu", action="store_true", help="have Chromium run the float32 TFLite files by WebGPU, too: a "
                   "verdict beside the gate's (--strict does, too)")
    p.add_argument("--if-changed", action="store_true", help="keep the verdicts if nothing that they depend on changed")
    p.add_argument("--products", type=int, metavar="N",
                   help=f"products of the sample shop to rank, 0 for none (default: all for the demo, "
                   f"{baseline.FEW_PRODUCTS} for others, 0 for random weights)")
    p.add_argument("--pictures", type=command.path, metavar="DIR", help="rank your own pictures, too")
    p.add_argument("--texts", type=command.path, metavar="FILE",
                   help="texts for --pictures: one per line, or a JSON list")
    p.add_argument("--choose", action="store_true", help="try precisions, and keep the smallest that pass the gate")
    p.add_argument("--budget-mb", type=float, metavar="N", help="with --choose: the most MB for a pair of encoders")
    p.add_argument("--formats", metavar="LIST", help="with --choose: formats, with commas (default: all in dist)")
    p.add_argument("--out", type=command.path, default=Path("dist"), metavar="DIR", help="default: %(default)s")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "parity", interrupted="nothing was written")


def work(arguments: list[str]) -> int:
    """Gates what the arguments name, or chooses its precisions. Exit status: 0 green, 1 red."""
    options = parser().parse_args(arguments)
    dist = exported(options.out, options.model, options.pretrained)
    writes = dist.folder.is_dir() and (options.choose or options.checkpoint)
    with lock.to_write(dist.folder) if writes else lock.to_read(dist.folder):
        if options.checkpoint:
            dist.move_checkpoint(options.checkpoint)
        return judge(dist, options)


def judge(dist: Dist, options: Namespace) -> int:
    """Gates dist/<model>/, or chooses its precisions. Exit status: 0 green, 1 red."""
    products = wanted_products(options.products, dist)
    own = own_shelf(options.pictures, options.texts)
    if options.choose:
        return choose(dist, options.formats, products, own, options.budget_mb)
    depends = basis.of_verdicts(dist, options.strict, products, own, options.webgpu)
    kept = verdicts.read(dist, depends) if options.if_changed else None
    if kept:
        verdicts.write_verdicts(dist, kept.results)        # export may have written a new manifest since
    judged = kept or measure(dist, products, own, options, depends)
    page.write(dist, judged)
    verdicts.show(dist, judged)
    print(f"report: {dist.path(page.NAME)}")
    return command.DONE if judged.green else command.GATE_RED


def exported(out: Path, model: str, pretrained: str | None) -> Dist:
    """The export called `model`. Its source.json says which weights it has; `pretrained`, if given, must agree."""
    dist = Dist(dists.exported(out, model, pretrained))
    if pretrained and dist.path(SOURCE).is_file() and pretrained != (has := dist.model().pretrained):
        raise InputError(f"PRETRAINED={pretrained} is not what was exported", where=dist.path(SOURCE), expected=has,
                         found=pretrained, remedy="leave PRETRAINED out, or export again with it")
    return dist


def wanted_products(given: int | None, dist: Dist) -> int | None:
    """How many of the sample shop's products to rank: None for all."""
    if given is None:
        return baseline.usual_products(dist.manifest)
    if given < 0:
        raise InputError("nothing to rank", where="--products", expected="0 or more", found=given)
    return given


def own_shelf(pictures: Path | None, texts: Path | None) -> Shelf | None:
    """The user's own pictures and texts; None if neither is given. Raises InputError if only one of them is."""
    if pictures is None and texts is None:
        return None
    if pictures is None or texts is None:
        raise InputError("pictures and texts are ranked together", where="the command line",
                         remedy="give both --pictures and --texts")
    return inputs.given(pictures, texts)


def choose(dist: Dist, formats: str | None, products: int | None, own: Shelf | None, budget_mb: float | None) -> int:
    """Searches with a progress bar, unless an earlier choice still holds. Exit status: 0 done, 1 nothing passes."""
    if budget_mb is not None and not budget_mb > 0:
        raise InputError("no budget", where="--budget-mb", expected="more than 0 MB", found=budget_mb)
    there = dict.fromkeys(a.format for a in dist.manifest.artifacts)
    chosen = choices("FORMATS", formats or ",".join(there), tuple(FORMATS))
    depends = basis.of_choice(dist, chosen, products, own)
    content = choice.read(dist, depends)
    if content is None:
        trials = 2 + choice.MOST_TRIALS * len(chosen)
        with subnormals.as_zero(), Steps(trials) as steps, library_output_to(dist.path("precision.log")):
            content = choice.run(dist, chosen, products, own, steps.begin, basis_=depends)
    faults = choice.verdict(content, budget_mb)
    choice.show(content, dist.folder, faults)
    return command.GATE_RED if faults else command.DONE


def measure(dist: Dist, products: int | None, own: Shelf | None, options: Namespace, depends: str) -> gate.Verdicts:
    """Runs the gate with a progress bar and writes the report."""
    by_gpu = gpu.judge if options.webgpu or options.strict else None
    count = len(dist.manifest.artifacts) + bool(by_gpu)
    with subnormals.as_zero(), Steps(count + 2) as steps, library_output_to(dist.path("parity.log")):
        judged = gate.run(dist, products, steps.begin, own, strict=options.strict, by_gpu=by_gpu)
    verdicts.write(dist, judged, depends)
    return judged


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
