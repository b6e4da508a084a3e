"""`python -m parity.prove`: command-line arguments enter; benchmarks/proofs/….json leaves, or what is missing."""

import sys
import tempfile
from argparse import Namespace
from pathlib import Path

from export.artifacts import dist as dists
from export.artifacts import lock, shipping
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common import command
from export.common.command import CommandLine
from export.common.errors import InputError
from export.formats.table import ENCODERS
from parity.prove import adb, device_goldens, mac, proof, steps
from parity.prove.device_goldens import Goldens


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m parity.prove", description="Holds what a Mac, a phone or an emulator answers to "
                                                               "float32 PyTorch, on each compute unit.")
    p.add_argument("--model", default="demo", help="a model that was exported and gated (default: demo)")
    p.add_argument("--pretrained", metavar="TAG", help="open_clip's tag of the weights, outside the table")
    p.add_argument("--platform", required=True, choices=tuple(proof.PLATFORMS), help="where the encoders run")
    p.add_argument("--proof", type=command.path, metavar="FILE", help=f"the {proof.NAME} that the app wrote")
    p.add_argument("--out", type=command.path, default=Path("dist"), metavar="DIR", help="default: %(default)s")
    p.add_argument("--keep", type=command.path, default=proof.PROOFS, metavar="DIR", help="default: benchmarks/proofs")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "prove", interrupted="nothing was written")


def work(arguments: list[str]) -> int:
    """Proves what the arguments name, or says what to do first."""
    options = parser().parse_args(arguments)
    if options.platform == "mac" and not options.proof:
        mac.refuse_another_system()
    dist = Dist(dists.exported(options.out, options.model, options.pretrained))
    dist.judged()
    with lock.to_read(dist.folder), tempfile.TemporaryDirectory() as temporary:
        dist.check()
        goldens = (device_goldens.earlier(dist) if options.proof
                   else device_goldens.write(dist, encoders(dist, options.platform)))
        content, where = found(dist, goldens, options, Path(temporary))
        kept = proof.keep(proof.judged(dist, goldens, content, options.platform, where), options.keep)
    print(f"proved: {kept}\nREADME's table: python -m benchmarks proofs")
    return command.DONE


def encoders(dist: Dist, platform: str) -> list[Artifact]:
    """Those that `make apps` ships, where a device cannot show its app's own. Raises InputError if none passed."""
    kind = proof.PLATFORMS[platform]
    return [shipping.chosen(dist, kind.format, encoder) for encoder in ENCODERS] if kind.compiled else []


def found(dist: Dist, goldens: Goldens, options: Namespace, temporary: Path) -> tuple[dict, Path]:
    """A proof, and what errors call it. Raises InputError, after the steps to take, where no device is at hand."""
    if options.proof:
        return proof.read(options.proof), options.proof
    if options.platform == "mac":
        return mac.proof(dist, goldens), Path("this Mac")
    if options.platform == "android" and adb.reaches_a_device():
        path = adb.fetch(goldens.folder, temporary)
        return proof.read(path), path
    print(f"{goldens.folder}: golden inputs, and float32 PyTorch's answers to them",
          *steps.of(options.platform, dist.folder.name, goldens.folder), sep="\n")
    reached = "adb that reaches one device, or " if options.platform == "android" else ""
    raise InputError("no device to prove it on", where=f"PLATFORM={options.platform}",
                     expected=f"{reached}PROOF=the {proof.NAME} of a device", found="none",
                     remedy="the steps above")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
