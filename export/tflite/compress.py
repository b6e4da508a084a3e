"""A float32 TFLite flatbuffer and a Mixture enter; a flatbuffer with int8 or float16 weights leaves.

ai-edge-quantizer does the work. `int8`: weights by output channel; LiteRT decodes them to float32 as it loads them.
`dynamic-int8`: the same weights in int8 arithmetic; XNNPACK quantises the activations. In both, the table of tokens
stays in int8 with one scale: its rows are decoded after the look-up, and a scale for each row would cost twelve bytes a
row. A weight's name here is its operator and the operator's place in the graph, because the tensors' own names have
hundreds of characters.
"""

import re

from export.formats.mixture import Mixture, Weight, is_weight

# Operators whose input 1 is a weight (of the look-up: a table).
OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "EMBEDDING_LOOKUP")
TABLE = "EMBEDDING_LOOKUP"


def weights(model: bytes) -> list[Weight]:
    """The weights that can be compressed, in the order of use."""
    return [weight for weight, _, _ in _found(model)]


def compressed(model: bytes, mixture: Mixture) -> bytes:
    """A copy of `model`, its weights stored as `mixture` says, all other constants in float16."""
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import QuantGranularity, TFLOperationName
    from ai_edge_quantizer.quantizer import Quantizer

    quantizer = Quantizer(bytearray(model))
    quantizer.add_weight_only_config(".*", TFLOperationName.ALL_SUPPORTED, num_bits=16,
                                     algorithm_key=AlgorithmName.FLOAT_CASTING)
    for weight, operator, scope in _found(model):
        scheme, where = mixture.scheme(weight.name), f"^{re.escape(scope)};"
        if scheme == "fp16":
            continue
        if operator == TABLE:
            quantizer.add_dynamic_config(where, TFLOperationName[TABLE], num_bits=8,
                                         granularity=QuantGranularity.TENSORWISE)
        elif scheme == "dynamic-int8":
            quantizer.add_dynamic_config(where, TFLOperationName[operator], num_bits=8)
        else:
            quantizer.add_weight_only_config(where, TFLOperationName[operator], num_bits=8)
    return bytes(quantizer.quantize().quantized_model)


def _found(model: bytes) -> list[tuple[Weight, str, str]]:
    """Every weight, its operator, and the name of the operator's output, which identifies it for the quantizer."""
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name in OPERATORS}
    read = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    graph, entries = read.subgraphs[0], []
    for place, operation in enumerate(graph.operators):
        operator = names.get(read.operatorCodes[operation.opcodeIndex].builtinCode)
        if operator is None:
            continue
        tensor = graph.tensors[operation.inputs[1]]
        data = read.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT32 or data is None or not len(data):
            continue
        values = np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)
        if is_weight(values):
            entries.append((Weight(f"{operator.lower()}.{place}", tuple(map(int, tensor.shape)), values.size), operator,
                          graph.tensors[operation.outputs[0]].name.decode()))
    return entries
