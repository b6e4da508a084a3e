"""An encoder enters; an ONNX file (opset 20, dynamic batch, metadata stamped, checked) leaves."""

from pathlib import Path

from export.formats.mixture import Mixture, Weight, uniform
from export.formats.stamp import INPUT, OUTPUT, Stamp
from export.onnx import compress, storage

OPSET = 20                                   # the first with Gelu as one node; onnxruntime 1.17 and up read it


def trace(encoder, kind: str, example):
    """The encoder (an nn.Module) as a float32 onnx.ModelProto, free of this machine's paths."""
    import torch

    two = torch.cat([example, example])      # torch.export treats a batch of 1 as a constant
    return traced(encoder, kind, two, ({0: torch.export.Dim("batch")},))


def traced(encoder, kind: str, example, dynamic_shapes=None):
    """As `trace`, with the shape of `example`, except for the axes in `dynamic_shapes` (see torch.onnx.export)."""
    import torch

    program = torch.onnx.export(encoder, (example,), dynamo=True, opset_version=OPSET, verbose=False,
                                input_names=[INPUT[kind]], dynamic_shapes=dynamic_shapes)
    rename_output(program.model.graph)
    model = program.model_proto
    forget_source(model)
    return model


def weights(model) -> list[Weight]:
    """The weights that a Mixture can name."""
    return compress.weights(model)


def write(model, precision: str | Mixture, stamp: Stamp, path: Path) -> None:
    """Writes `model` in `precision` to `path`, checked by onnx.checker. The inputs and outputs stay float32."""
    import onnx

    if precision == "fp16":
        model = storage.half(model)
    elif precision != "fp32":
        model = compress.compressed(model, uniform(precision))
    onnx.helper.set_model_props(model, stamp.metadata())
    model.doc_string = stamp.description()
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def rename_output(graph) -> None:
    """Names the output `embedding`. An inner value of that name (torch's for the table look-up) gets another name."""
    output = graph.outputs[0]
    for node in graph:
        for value in node.outputs:
            if value.name == OUTPUT and value is not output:
                value.name = "token_embedding_rows"
    output.name = OUTPUT


def forget_source(model) -> None:
    """Removes the exporter's notes on every node (source lines, module paths), so that exports give the same bytes."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
