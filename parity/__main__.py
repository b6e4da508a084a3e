"""`python -m parity`: parses and calls, nothing else."""

import sys
from pathlib import Path

from export.errors import CommandLine, InputError
from export.models import DEMO, find
from export.progress import Steps, library_output_to
from parity import gate, report


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m parity",
                    description="Compares every artefact of dist/<model>/ with float32 PyTorch.")
    p.add_argument("--model", default="demo", help="a model that was exported (default: demo)")
    p.add_argument("--pretrained", metavar="TAG", help="open_clip's tag of the weights, outside the table")
    p.add_argument("--strict", action="store_true", help="an artefact that cannot run here is a failure")
    p.add_argument("--if-changed", action="store_true", help="keep the verdicts if nothing that they depend on changed")
    p.add_argument("--products", type=int, metavar="N",
                   help=f"products of the sample shop to rank (default: all for the demo, else {gate.FEW_PRODUCTS})")
    p.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR", help="default: %(default)s")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: 0 green, 1 red, 2 bad input."""
    try:
        given = parser().parse_args(arguments)
        spec = find(given.model, given.pretrained)
        folder = given.out / spec.name
        products = None if spec.architecture == DEMO else gate.FEW_PRODUCTS
        if given.products is not None:
            products = at_least_one(given.products)
        basis = report.basis(folder, given.strict, products)
        kept = report.read(folder, basis) if given.if_changed else None
        if kept:
            report.write_verdicts(folder, kept[0])       # the manifest may have been made anew since
        results, green = kept or measure(folder, products, given.strict, basis)
        report.show(folder, results, green)
    except InputError as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2
    except OSError as error:                 # a read-only or full disk, a file where a folder should be
        print(f"parity: {error.strerror}; found {error.filename}; remedy: choose another --out", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("parity: interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0 if green else 1


def at_least_one(products: int) -> int:
    """`products`, unless there is nothing to rank."""
    if products < 1:
        raise InputError("nothing to rank", where="--products", expected="1 or more", found=products)
    return products


def measure(folder: Path, products: int | None, strict: bool, basis: str) -> tuple[list[gate.Result], bool]:
    """Runs the gate with a progress bar and writes the report."""
    count = len(report.manifest.read(folder)["artifacts"])
    with Steps(count + 1) as steps, library_output_to(folder / "parity.log"):
        results = gate.run(folder, products, steps.begin)
    green = gate.outcome(results, strict)
    report.write(folder, results, green, basis)
    return results, green


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
