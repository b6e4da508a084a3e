"""A TFLite flatbuffer enters; the same network leaves with plain tensor names, metadata and 16-byte aligned weights."""

import flatbuffers
import numpy as np


class AlignedBuilder(flatbuffers.Builder):
    """Aligns byte vectors to 16 bytes, as TFLite's schema requires for weights (`data:[ubyte] (force_align: 16)`).

    flatbuffers' own Python builder does not support force_align, and a phone maps the weights in place.
    """

    def CreateNumpyVector(self, x):  # noqa: N802 (the base class's name)
        if x.dtype != np.uint8:
            return super().CreateNumpyVector(x)
        self.StartVector(1, x.size, 16)
        self.head -= x.size
        self.Bytes[self.head:self.head + x.size] = x.tobytes()
        return self.EndVector()


def stamped(content: bytes, input_name: str, output_name: str, metadata: dict[str, str], description: str) -> bytes:
    """`content` with its one input and one output named, `metadata` added, and every weight inside the flatbuffer."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    take_in_outer_buffers(model, content)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = input_name
    graph.tensors[graph.outputs[0]].name = output_name
    for key, value in metadata.items():
        add_metadata(model, key, value)
    model.description = description
    return packed(model, len(content))


def take_in_outer_buffers(model, content: bytes) -> None:
    """Moves weights that the quantizer put behind the flatbuffer into it, because old runtimes do not find them."""
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0


def add_metadata(model, key: str, value: str) -> None:
    """Adds one entry to the model's metadata table, its value as UTF-8."""
    from ai_edge_litert import schema_py_generated as schema

    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(value.encode(), np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = key, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def read_metadata(content: bytes) -> dict[str, str]:
    """The metadata that `stamped` wrote; bytes of other entries that are not UTF-8 are replaced."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    metadata = {}
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        data = model.Buffers(entry.Buffer())
        if data.DataLength():
            metadata[entry.Name().decode()] = data.DataAsNumpy().tobytes().decode(errors="replace")
    return metadata


def look_up_rows(content: bytes) -> bytes:
    """`content` with each GATHER of [n] rows of a float table as an EMBEDDING_LOOKUP, whose table can be compressed."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph, look_up = model.subgraphs[0], schema.OperatorCodeT()
    look_up.builtinCode = look_up.deprecatedBuiltinCode = schema.BuiltinOperator.EMBEDDING_LOOKUP
    look_up.version = 1
    model.operatorCodes.append(look_up)
    for operation in graph.operators:
        if model.operatorCodes[operation.opcodeIndex].builtinCode != schema.BuiltinOperator.GATHER:
            continue
        table, ids = (graph.tensors[place] for place in operation.inputs)
        if table.type == schema.TensorType.FLOAT32 and (len(table.shape), len(ids.shape)) == (2, 1):
            operation.opcodeIndex, operation.inputs = len(model.operatorCodes) - 1, operation.inputs[::-1]
            operation.builtinOptionsType, operation.builtinOptions = schema.BuiltinOptions.NONE, None
    drop_unused_codes(model)
    return packed(model, len(content))


def drop_unused_codes(model) -> None:
    """Removes the operators that `model` (a schema.ModelT) does not use from its list of operators."""
    operations = [operation for graph in model.subgraphs for operation in graph.operators]
    used = sorted({operation.opcodeIndex for operation in operations})
    model.operatorCodes = [model.operatorCodes[place] for place in used]
    for operation in operations:
        operation.opcodeIndex = used.index(operation.opcodeIndex)


def packed(model, size: int) -> bytes:
    """`model` (a schema.ModelT) as a flatbuffer; `size` is an estimate of its bytes."""
    builder = AlignedBuilder(size + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
