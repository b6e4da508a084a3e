"""An ONNX model enters on stdin; a float32 TFLite flatbuffer leaves on stdout, or the reason why not, with status 1.

Runs in the environment of requirements-onnx2tf.lock, as a file, so it imports nothing from this repository. It allows
only built-in operators: an operation that TensorFlow can convert only to its own operator (Flex) is an error. It uses
no network, and writes no files except TensorFlow's temporary files.
"""

import os
import sys
import threading
import time
import traceback

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}


def converted(content: bytes) -> bytes:
    """The model as TFLite: pixels in NHWC, the names of input and output kept in the signature `serving_default`."""
    import onnx
    import tensorflow as tf

    model = onnx.load_from_string(content)
    refuse_unknown_operators(model)
    network = as_keras(model)
    output = model.graph.output[0].name
    run = tf.function(lambda x: {output: network(x)}, input_signature=[
        tf.TensorSpec(network.inputs[0].shape, network.inputs[0].dtype, model.graph.input[0].name)])
    function = run.get_concrete_function()
    # The network must not own the variables: TensorFlow would first write its constants as lists of Python numbers,
    # which takes minutes and gigabytes.
    owner = tf.Module()
    owner.held = function.variables
    return tf.lite.TFLiteConverter.from_concrete_functions([function], owner).convert()


def as_keras(model):
    """The model as onnx2tf sees it: a Keras network."""
    import numpy as np
    from onnx2tf import onnx2tf
    from tf_keras.src.engine import keras_tensor

    keras_tensor._MAX_TENSOR_RANK = 8        # else 77 token ids look like a shape of 77 unknown dimensions
    # onnx2tf runs the ONNX model on these pictures to find the shapes; by default it downloads pictures.
    pictures = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    onnx2tf.download_test_image_data = lambda: pictures
    # Strict mode is off: it finds each layer's order of dimensions by running all layers before it, and took twice the
    # time for the same file. The gate says whether the file is right.
    return onnx2tf.convert(onnx_graph=model, output_folder_path=".", not_use_onnxsim=True, disable_model_save=True,
                           disable_strict_mode=True, onnxruntime_output_memmap=False, non_verbose=True)


def refuse_unknown_operators(model) -> None:
    """Raises ValueError for an operator that onnx2tf does not know, because onnx2tf would end the process."""
    from importlib.util import find_spec

    unknown = sorted({node.op_type for node in model.graph.node if find_spec(f"onnx2tf.ops.{node.op_type}") is None})
    if unknown:
        raise ValueError(f"no operator {', '.join(unknown)} in onnx2tf")


def end_with_parent(parent: int) -> None:
    """Ends this process when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> int:
    """Converts stdin to stdout. The libraries' output goes to stderr. Exit status 1 if the conversion fails."""
    threading.Thread(target=end_with_parent, args=[os.getppid()], daemon=True).start()
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        try:
            answer.write(converted(sys.stdin.buffer.read()))
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            answer.write(f"{type(error).__name__}: {error}".encode())
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
