"""A saved package enters; its program leaves, which is executed operation by operation."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

READING = threading.Lock()
Watch = Callable[[str, str, str, "Tensor"], None]            # name of the value, operation, type (fp16, …), value


class CannotInterpret(RuntimeError):
    """The package contradicts itself, or is of another kind."""


class Lacks(RuntimeError):
    """The interpreter lacks an operation that the package uses: nothing is known of the package."""


@dataclass(frozen=True)
class Name:
    """A reference to a computed value, in the place of a constant."""

    of: str


@dataclass(frozen=True)
class Declared:
    """Name, type and shape of a value, as the program declares them."""

    name: str
    type: str                                # fp32, fp16, int32, bool, …
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One operation: its inputs are constants, Names, or lists of them."""

    operation: str
    inputs: dict[str, Any]
    outputs: list[Declared]
    done_with: list[str]                     # values that no later step needs


@dataclass(frozen=True)
class Program:
    """The main function of a package, its constants as torch tensors."""

    package: Path
    inputs: list[Declared]
    outputs: list[str]
    steps: list[Step]
    colour: str | None                       # RGB or BGR, if the input is a picture

    def constants(self) -> list["Tensor"]:
        """Every tensor that is an input of an operation and not computed, each once."""
        import torch

        inputs = [value for step in self.steps for value in step.inputs.values()]
        flat = [item for value in inputs for item in (value if isinstance(value, list) else [value])]
        return list({id(item): item for item in flat if isinstance(item, torch.Tensor)}.values())

    def gaps(self) -> list[str]:
        """What export/runners/mil/operations.py lacks for this program, each once: "avg_pool", "split with …"."""
        from export.runners.mil.operations import gap

        declared = [*self.inputs, *(value for step in self.steps for value in step.outputs)]
        ranks = {value.name: len(value.shape) for value in declared}
        found = (gap(step.operation, step.inputs, _rank(step.inputs.get("x"), ranks)) for step in self.steps)
        return list(dict.fromkeys(one for one in found if one))

    def run(self, inputs: dict[str, "Tensor"], watch: Watch | None = None) -> dict[str, "Tensor"]:
        """Executes the program. Calls `watch` with every computed value.

        Raises Lacks for an operation that operations.py does not know, before anything is computed, and CannotInterpret
        for a value of another shape or type than declared.
        """
        from export.runners.mil.operations import OPERATIONS

        if gaps := self.gaps():
            raise Lacks(f"{self.package.name}: the interpreter lacks {', '.join(gaps)}")
        values = {declared.name: checked(inputs[declared.name], declared, self.package) for declared in self.inputs}
        for step in self.steps:
            arguments = {key: _resolve(value, values) for key, value in step.inputs.items()}
            result = OPERATIONS[step.operation](**arguments)
            for declared, value in zip(step.outputs, result if isinstance(result, tuple) else (result,), strict=True):
                values[declared.name] = checked(value, declared, self.package)
                if watch:
                    watch(declared.name, step.operation, declared.type, values[declared.name])
            for name in step.done_with:
                del values[name]
        return {name: values[name] for name in self.outputs}


def _rank(value: Any, ranks: dict[str, int]) -> int:
    """The number of axes of a constant or a computed value; 0 for anything else."""
    return ranks.get(value.of, 0) if isinstance(value, Name) else getattr(value, "ndim", 0)


def _resolve(value: Any, values: dict[str, "Tensor"]) -> Any:
    if isinstance(value, Name):
        return values[value.of]
    return [_resolve(item, values) for item in value] if isinstance(value, list) else value


def checked(value: "Tensor", declared: Declared, package: Path) -> "Tensor":
    """`value`, rounded to float16 if it is declared so. Raises CannotInterpret for another shape or type."""
    import torch

    kind = {"fp16": torch.float32, "fp32": torch.float32, "bool": torch.bool}.get(declared.type, torch.int32)
    if tuple(value.shape) != declared.shape or value.dtype != kind:
        raise CannotInterpret(f"{package.name}: {declared.name} is declared {declared.type} {list(declared.shape)}, "
                              f"and comes out as {value.dtype} {list(value.shape)}")
    return value.half().float() if declared.type == "fp16" else value


def read(package: Path) -> Program:
    """Reads specification, program and weights of a saved .mlpackage. Raises CannotInterpret for other kinds.

    One at a time: coremltools keeps the blocks that it builds in a global stack.
    """
    with READING:
        return _read(package)


def _read(package: Path) -> Program:
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models.utils import load_spec

    specification = load_spec(str(package))
    if specification.WhichOneof("Type") != "mlProgram":
        raise CannotInterpret(f"{package.name}: a {specification.WhichOneof('Type')}, where an ML Program is expected")
    program = load(specification, specification.specificationVersion,
                   str(package / "Data" / "com.apple.CoreML" / "weights"))
    function = program.functions["main"]
    constants = _constants(function, package)
    inputs = [_declared(name, variable) for name, variable in function.inputs.items()]
    outputs = [variable.name for variable in function.outputs]
    return Program(package, inputs, outputs, _steps(function, constants, outputs), _colour(specification))


def _colour(specification) -> str | None:
    kind = specification.description.input[0].type
    if not kind.HasField("imageType"):
        return None
    return type(kind.imageType).ColorSpace.Name(kind.imageType.colorSpace)


def _declared(name: str, variable) -> Declared:
    from coremltools.converters.mil.mil import types

    return Declared(name, types.builtin_to_string(variable.dtype), tuple(int(size) for size in variable.shape))


def _constants(function, package: Path) -> dict[str, Any]:
    """Constants by name: tensors as torch takes them, strings and scalars as Python has them."""
    constants = {}
    for operation in function.operations:
        if operation.op_type == "const":
            constants[operation.outputs[0].name] = constant(operation.outputs[0].val)
        elif operation.op_type.startswith("constexpr_"):     # compressed weights
            constants[operation.outputs[0].name] = constant(decoded(operation, package))
    return constants


def decoded(operation, package: Path) -> np.ndarray:
    """The values of a compressed weight, by coremltools' own decoder."""
    value = operation.materialized_val_inference()
    if value is None:
        raise CannotInterpret(f"{package.name}: the compressed weight {operation.name} ({operation.op_type}) "
                              f"cannot be decoded")
    return value


def constant(value: Any) -> Any:
    """A constant of a program as the operations take it: float32, int32 or bool tensors; scalars as Python's."""
    import torch

    if isinstance(value, str) or value is None:
        return value
    array = np.asarray(value)
    if array.dtype.kind in "SU":
        return str(array)
    wanted = {"f": np.float32, "b": np.bool_}.get(array.dtype.kind, np.int32)
    return torch.from_numpy(np.ascontiguousarray(array.astype(wanted)).reshape(array.shape))


def _steps(function, constants: dict[str, Any], outputs: list[str]) -> list[Step]:
    from coremltools.converters.mil.mil import Var

    def refer(value):
        if isinstance(value, Var):
            return constants[value.name] if value.name in constants else Name(value.name)
        return [refer(item) for item in value] if isinstance(value, (list, tuple)) else constant(value)

    steps: list[Step] = []
    last: dict[str, int] = {}
    for operation in function.operations:
        if operation.op_type == "const" or operation.op_type.startswith("constexpr_"):
            continue
        inputs = {key: refer(value) for key, value in operation.inputs.items() if value is not None}
        for value in inputs.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Name):
                    last[item.of] = len(steps)
        steps.append(Step(operation.op_type, inputs, [_declared(v.name, v) for v in operation.outputs], []))
    for name, position in last.items():
        if name not in outputs:
            steps[position].done_with.append(name)
    return steps
