"""A saved Core ML package enters; what its program computes leaves, on any platform, without Core ML.

The ML Program and its weight file are read back from the package, and every operation is executed with torch: float32
arithmetic. A value that the program types as float16 is rounded to float16. Each shape and type is compared with the
program's declaration.

The interpreter covers what the exporter can get wrong: the graph, the weights (compressed weights as decoded), the
scaling of the input, and the range of float16. It does not cover Apple's side: the kernels of Core ML, the order of
their sums, and the Neural Engine's accumulation, which may be coarser.
"""

from export.runners.mil.program import Program, read

__all__ = ["Program", "read"]
