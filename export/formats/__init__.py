"""Core ML, TFLite and ONNX as data: one row per format, the artefacts to make, how weights are stored."""
