"""An encoder enters; an ONNX file (opset 18, dynamic batch, metadata stamped, checked) leaves."""

from pathlib import Path

from export.stamp import INPUT, OUTPUT, Stamp

OPSET = 18                                   # torch's exporter raises anything lower to it


def trace(encoder, kind: str, example):
    """The encoder (an nn.Module) as a float32 onnx.ModelProto, free of this machine's paths."""
    import torch

    two = torch.cat([example, example])      # torch.export takes a batch of 1 for a constant
    program = torch.onnx.export(encoder, (two,), dynamo=True, opset_version=OPSET, verbose=False,
                                input_names=[INPUT[kind]], dynamic_shapes=({0: torch.export.Dim("batch")},))
    rename_output(program.model.graph)
    model = program.model_proto
    forget_source(model)
    return model


def write(model, precision: str, stamp: Stamp, path: Path) -> None:
    """Writes `model` in `precision` to `path`, checked by onnx.checker. The inputs and outputs stay float32."""
    import onnx

    if precision == "fp16":
        model = half(model)
    onnx.helper.set_model_props(model, stamp.metadata())
    model.doc_string = stamp.description()
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def half(model):
    """A copy of `model` that computes in float16 between float32 inputs and outputs."""
    import copy

    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    converted = OnnxModel(convert_float_to_float16(copy.deepcopy(model), keep_io_types=True))
    converted.topological_sort()             # the conversion appends its casts at the end
    return converted.model


def rename_output(graph) -> None:
    """Calls the output `embedding`; an inner value of that name (torch names the table look-up so) moves aside."""
    output = graph.outputs[0]
    for node in graph:
        for value in node.outputs:
            if value.name == OUTPUT and value is not output:
                value.name = "token_embedding_rows"
    output.name = OUTPUT


def forget_source(model) -> None:
    """Takes out the exporter's notes on every node (source lines, module paths): two exports give the same bytes."""
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
