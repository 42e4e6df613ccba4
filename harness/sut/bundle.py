"""The agent's one file: the sources of `harness/sut/agent/`, written one behind the other.

Knows how sources become one program that a person can read and Python 3.8 can run: each stands there as it is, behind
those that it imports from; imports stand at the head, once each, and what the docstring of a module says is a comment.
Does not know what the agent does.

A pure function of the sources: the same bytes on every machine. What it cannot carry over faithfully it refuses.
"""

import ast
import builtins
import functools
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("agent")
PACKAGE = "harness.sut.agent"
HEAD, START = "__init__", "commands"
"""The module whose docstring is that of the bundle, and the one that starts the program."""
OLDEST_PYTHON = (3, 8)
"""Of the SUT."""
WIDTH = 120


class BundleError(Exception):
    """A source has a form that cannot be bundled; the message names file and line."""


@functools.cache
def agent_source() -> bytes:
    """The agent as it is sent to the SUT and kept with each run."""
    return bundle({path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}).encode()


def bundle(texts: Mapping[str, str]) -> str:
    """One program from the sources of the agent, by module name; their line ends are newlines.

    Raises:
        BundleError: sources that import each other in a circle or are imported by none, a name that two of them
            define, an import of ours other than `from harness.sut.agent.MODULE import NAME` at the top of a module.
    """
    sources = {name: Source(name, texts[name]) for name in sorted(texts)}
    if sources[HEAD].holds_code:
        raise BundleError(f"{sources[HEAD].path} holds more than a docstring")
    order = in_order({name: source for name, source in sources.items() if name != HEAD})
    require_one_meaning(order)
    top = "\n\n".join([texts[HEAD].strip(), origin(texts), imports(order)])
    return "\n\n\n".join([top, *(source.section() for source in order)]) + "\n"


class Source:
    """One module, parsed.

    Raises:
        BundleError: as `bundle`.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name, self.path = name, f"{PACKAGE.replace('.', '/')}/{name}.py"
        self._lines = text.split("\n")
        tree = ast.parse(text, self.path, feature_version=OLDEST_PYTHON)
        self._docstring = ast.get_docstring(tree) or ""
        self.holds_code = len(tree.body) > bool(self._docstring)
        self.needs: list[str] = []
        """The modules of the agent that it imports from."""
        self.imports: set[str] = set()
        """Every other import, one name a line."""
        self.names: dict[str, str] = {}
        """What it defines or imports at its top: name -> what that is."""
        self._left_out: set[int] = set()
        for place, node in enumerate(tree.body):
            if place == 0 and self._docstring:
                self._leave_out(node)
            else:
                self._add(node)
        for inner in ast.walk(tree):
            if isinstance(inner, (ast.Import, ast.ImportFrom)) and inner not in tree.body:
                self._require_foreign(inner)

    def section(self) -> str:
        """Its lines without imports, behind its name and its docstring as comments."""
        title = f"# --- {self.name}.py "
        says = [f"# {line}".rstrip() for line in self._docstring.splitlines()]
        body = [line for number, line in enumerate(self._lines, 1) if number not in self._left_out]
        return "\n".join([title.ljust(WIDTH, "-"), *says]) + "\n\n\n" + "\n".join(body).strip("\n")

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self._define(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for part in (part for target in targets for part in ast.walk(target)):
                if isinstance(part, ast.Name):
                    self._define(part.id)
        elif not (is_text(node) or (isinstance(node, ast.If) and self.name == START)):
            raise self._error(node, "neither an import nor a definition")

    def _define(self, name: str) -> None:
        self.names[name] = f"defined in {self.path}"

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self._leave_out(node)
        if any(alias.asname for alias in node.names):
            raise self._error(node, "an import under another name")
        names = [alias.name for alias in node.names]
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if module.startswith(f"{PACKAGE}."):
            self.needs.append(module.removeprefix(f"{PACKAGE}."))
            return
        self._require_foreign(node)
        lines = [f"from {module} import {name}" if module else f"import {name}" for name in names]
        self.imports.update(lines)
        self.names.update({name.partition(".")[0]: line for name, line in zip(names, lines, strict=True)})

    def _require_foreign(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        else:
            modules = [alias.name for alias in node.names]
        if not {module.partition(".")[0] for module in modules}.isdisjoint({PACKAGE.partition(".")[0], ""}):
            raise self._error(node, f"an import of ours; expected `from {PACKAGE}.MODULE import NAME` at the top")

    def _leave_out(self, node: ast.stmt) -> None:
        first, last = node.lineno, node.end_lineno or node.lineno
        if node.col_offset or self._lines[last - 1].encode()[node.end_col_offset :].strip():
            raise self._error(node, "something else on the line of an import or a docstring")
        self._left_out.update(range(first, last + 1))

    def _error(self, node: ast.stmt, what: str) -> BundleError:
        return BundleError(f"{self.path}, line {node.lineno}: {what}")


def is_text(node: ast.stmt) -> bool:
    """Whether it is a string that stands alone: what a constant is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def in_order(sources: Mapping[str, Source]) -> list[Source]:
    """Every source behind those that it imports from, the one that starts the program last."""
    order: list[Source] = []

    def place(name: str, below: tuple[str, ...]) -> None:
        if name in below:
            raise BundleError(f"these sources import each other: {' -> '.join((*below, name))}")
        if name not in sources:
            raise BundleError(f"{below[-1]} imports from {name}, which is no source of the agent")
        if sources[name] in order:
            return
        for needed in sorted(sources[name].needs):
            place(needed, (*below, name))
        order.append(sources[name])

    place(START, ())
    unused = sorted(sources.keys() - {source.name for source in order})
    if unused:
        raise BundleError(f"{unused[0]} is imported by none")
    return order


def require_one_meaning(sources: Iterable[Source]) -> None:
    """In one file, a name means one thing.

    Raises:
        BundleError: two sources define it, or it is one of Python's own.
    """
    meanings: dict[str, str] = dict.fromkeys(dir(builtins), "one of Python's own")
    for source in sources:
        for name, meaning in source.names.items():
            if meanings.setdefault(name, meaning) != meaning:
                raise BundleError(f"{name} is {meaning}, and {meanings[name]}")


def origin(texts: Mapping[str, str]) -> str:
    """What the bundle is made of, with digests as sha256sum(1) prints them."""
    digests = [
        f"#   {hashlib.sha256(texts[name].encode()).hexdigest()}  {PACKAGE.replace('.', '/')}/{name}.py"
        for name in sorted(texts)
    ]
    return "\n".join(["# Made by harness/sut/bundle.py of these sources (sha256sum):", *digests])


def imports(sources: Iterable[Source]) -> str:
    """Every import of all sources, once."""
    lines = {line for source in sources for line in source.imports}
    future = {line for line in lines if line.startswith("from __future__ ")}
    plain = {line for line in lines if line.startswith("import ")}
    blocks = [sorted(future), [*sorted(plain), *sorted(lines - future - plain)]]
    return "\n\n".join("\n".join(block) for block in blocks if block)
