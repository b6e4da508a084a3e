"""The repository's files enter; its Python modules, what each imports and defines, and what text names leave."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("export", "parity", "catalog_builder", "demo", "benchmarks")
TOP = (*STAGES, "tests")                     # every top-level package
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(TOP)})(?:\.[A-Za-z_]\w*)+")

MADE = {"target", "build", ".build", ".gradle", "__pycache__", "node_modules"}       # folders that toolchains write
DATA = ("html", "json", "log")               # parity.json is no module


@dataclass(frozen=True)
class Module:
    """One Python file."""

    name: str                                # dotted; a package's own name for its __init__
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @property
    def stage(self) -> str:
        return self.name.split(".")[0]

    @property
    def part(self) -> str:
        """The sub-package or module right below the stage; `__init__` for the stage's own."""
        return (*self.name.split("."), "__init__")[1]

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names of all modules that it imports, at whatever depth: in functions, and for type checks alone."""
        return frozenset(self._resolved())

    def _resolved(self) -> Iterator[str]:
        for base, name in self.asked_for:
            full = f"{base}.{name}"
            yield full if name and full in modules() else base

    @cached_property
    def asked_for(self) -> list[tuple[str, str]]:
        """(module, name) of every `from module import name`, and (module, "") of every `import module`."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(self._base(node), alias.name) for alias in node.names]
        return found

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.package.split(".")
        return ".".join([*parents[:len(parents) - node.level + 1], *filter(None, [node.module])])

    @property
    def public_classes(self) -> list[str]:
        """Names of the classes at the top of the file that do not begin with an underscore."""
        return [node.name for node in self.tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]

    @property
    def defined(self) -> set[str]:
        """All names bound at the top of the file."""
        bound = {node.name for node in self.tree.body if hasattr(node, "name")}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.alias):
                bound.add((node.asname or node.name).split(".")[0])
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
        return bound


@cache
def modules() -> dict[str, Module]:
    """Every Python module of the stages and of the tests, by dotted name."""
    found = {}
    for top in TOP:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path)
    return found


def of_stages() -> list[Module]:
    """The modules of the stages, without the tests."""
    return [module for module in modules().values() if module.stage in STAGES]


def cycles(edges: dict[str, frozenset[str]]) -> list[list[str]]:
    """Groups of modules that import each other in a circle, each sorted; Tarjan's strongly connected components."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(edges[name] & edges.keys()):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = stack[stack.index(name):]
            del stack[-len(group):]
            if len(group) > 1 or name in edges[name]:
                found.append(sorted(group))

    for name in sorted(edges):
        if name not in order:
            visit(name)
    return found


def files(*suffixes: str) -> list[Path]:
    """The files of the repository whose names end so, without what builds and exports leave."""
    return [path for folder in (*TOP, "android_sample", "ios_sample", "web_sample", ".ci", ".github", ".")
            for path in sorted((ROOT / folder).glob("*" if folder == "." else "**/*"))
            if path.name.endswith(suffixes) and path.is_file() and not MADE.intersection(path.relative_to(ROOT).parts)]


def named(text: str) -> set[str]:
    """Dotted names below a top-level package that stand in a text: modules, or what modules define; no data files."""
    return {name for name in DOTTED.findall(text) if name.rpartition(".")[2] not in DATA}


def strings(module: Module) -> Iterator[str]:
    """The string constants of a module, without docstrings: pieces of f-strings, too."""
    documented = {id(node.body[0].value) for node in ast.walk(module.tree)
                  if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                  and node.body and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def exists(dotted: str) -> bool:
    """Whether it is a module, or a name that a module defines."""
    if dotted in modules():
        return True
    parent, _, last = dotted.rpartition(".")
    return parent in modules() and last in modules()[parent].defined
