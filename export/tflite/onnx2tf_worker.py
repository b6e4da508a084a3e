"""An ONNX model enters on stdin; a float32 TFLite flatbuffer leaves on stdout, or the reason why not, with status 1.

Runs in the environment of requirements-onnx2tf.lock, as a file, so it imports nothing of this repository. Built-in
operators alone: what TensorFlow could only convert to one of its own (Flex) is an error. No network is asked, and no
file written but TensorFlow's temporary ones.
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
    # Not the network as their owner: TensorFlow would write its constants out as lists of Python numbers first, which
    # takes minutes and gigabytes.
    owner = tf.Module()
    owner.held = function.variables
    return tf.lite.TFLiteConverter.from_concrete_functions([function], owner).convert()


def as_keras(model):
    """The model as onnx2tf sees it: a Keras network."""
    import numpy as np
    from onnx2tf import onnx2tf
    from tf_keras.src.engine import keras_tensor

    keras_tensor._MAX_TENSOR_RANK = 8        # else 77 token ids pass for a shape of 77 unknown dimensions
    # What it runs the ONNX model on, to know the shapes; else it downloads pictures.
    pictures = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    onnx2tf.download_test_image_data = lambda: pictures
    # Without its strict mode, which searches each layer's order of dimensions by running all before it: the gate says
    # whether the file is right, and twice the time bought the same file.
    return onnx2tf.convert(onnx_graph=model, output_folder_path=".", not_use_onnxsim=True, disable_model_save=True,
                           disable_strict_mode=True, onnxruntime_output_memmap=False, non_verbose=True)


def refuse_unknown_operators(model) -> None:
    """Raises ValueError for what onnx2tf knows no operator for: it would end the process."""
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
    """The libraries' own words go to stderr."""
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
