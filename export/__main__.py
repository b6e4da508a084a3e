"""`python -m export`: command-line arguments enter; an exported dist/<model>/ leaves."""

import sys
from pathlib import Path

from export.common import command
from export.common.command import CommandLine
from export.formats.table import FORMATS, LITERT_TORCH, ROUTES
from export.pipeline import ExportRequest, export
from export.weights import licences
from export.weights.settings import stated


def parser() -> CommandLine:
    """The command line."""
    p = CommandLine(prog="python -m export", description="Splits a CLIP model into an image and a text encoder and "
                                                         "converts both to Core ML, TFLite and ONNX.")
    p.add_argument("--model", default="demo", help="demo, s0 s1 s2 b blt, 2-s0 2-s2 2-b 2-s3 2-s4 2-l14, "
                                                   "an open_clip architecture, local-dir:PATH or hf-hub:OWNER/NAME "
                                                   "(default: demo)")
    p.add_argument("--pretrained", metavar="TAG", help="open_clip's tag of the weights, outside the table")
    p.add_argument("--formats", default=",".join(FORMATS), help="a list with commas (default: %(default)s)")
    p.add_argument("--precision", default="default", help="default, or a list with commas: "
                   "fp32, fp16, int8; palette6, palette4, int4 (Core ML); dynamic-int8 (TFLite, ONNX); "
                   "or auto: what `python -m parity --choose` starts from")
    p.add_argument("--name", help="of the folder in --out, and of the model in its manifest (default: the model's)")
    p.add_argument("--replace", action="store_true",
                   help="replace an export of other weights beside whose catalog it lies")
    p.add_argument("--checkpoint", type=command.path, metavar="PATH",
                   help="a file, an index of shards or a folder of your own instead of the hub's weights")
    p.add_argument("--checkpoint-key", metavar="KEY", help="which dictionary of the checkpoint holds the weights")
    p.add_argument("--activation", metavar="gelu|quickgelu", help="that the checkpoint was trained with")
    p.add_argument("--mean", metavar="R,G,B", help="of the pixels that the checkpoint takes, from 0 to 1")
    p.add_argument("--std", metavar="R,G,B", help="the same for the standard deviation")
    p.add_argument("--interpolation", metavar="bilinear|bicubic", help="of the resize that the checkpoint takes")
    p.add_argument("--scripts", metavar="LIST", help="keep only the tokens that texts in these scripts can reach, such "
                   "as Latin,Han (default: all that any text can reach; not for CLIP's tokenizer)")
    p.add_argument("--licence", metavar="NAME", help="of the weights, such as Apache-2.0; with --commercial-use")
    p.add_argument("--commercial-use", metavar="yes|no", help="whether that licence permits it")
    p.add_argument("--licence-url", metavar="ADDRESS", help="where that licence stands")
    p.add_argument("--licence-file", type=command.path, metavar="PATH", help="its text, which becomes LICENSE_WEIGHTS")
    p.add_argument("--weights", choices=("random",), help="seeded random weights, to try the pipeline")
    p.add_argument("--tflite-route", choices=ROUTES, default=LITERT_TORCH,
                   help="what converts to TFLite (default: %(default)s)")
    p.add_argument("--workers", type=int, choices=range(1, 7), default=2, metavar="N",
                   help="processes that convert, 1 to 6; each needs its own memory (default: %(default)s)")
    p.add_argument("--out", type=command.path, default=Path("dist"), metavar="DIR", help="default: %(default)s")
    return p


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "export", interrupted="the next run goes on from here")


def work(arguments: list[str]) -> int:
    """Exports what the arguments ask for."""
    options = parser().parse_args(arguments)
    export(ExportRequest(
        model=options.model, formats=options.formats, precision=options.precision, pretrained=options.pretrained,
        checkpoint=options.checkpoint, random=options.weights == "random", out=options.out, workers=options.workers,
        tflite_route=options.tflite_route,
        replace=options.replace,
        given=stated.parsed(options.name, options.checkpoint_key, options.activation, options.interpolation,
                            mean=options.mean, std=options.std, scripts=options.scripts),
        licence=licences.given(options.licence, options.licence_url, options.commercial_use, options.licence_file)),
        say=print)
    return command.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
