"""Small changes to a module's code, each of which a test should notice.

Beside the usual operators (comparisons, conditions, constants) there are those that matter where files are
moved: a call that is left out (a sync, a check), a flag that is dropped from `O_EXCL | O_NOFOLLOW`, a part of
an identity that is not compared.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
Node = TypeVar("Node", bound=ast.AST)
_LOGGING = {"debug", "info", "warning", "error", "exception"}


@dataclass(frozen=True)
class Mutant:
    """One change.

    Args:
        module: path of the file, relative to the package.
        function: where the change is, with its class.
        change: what was there, and what is there instead; unique in the function.
        tree: the whole module with the change.
        first_line: of the innermost function, to tell which tests run it; 0 outside of functions.
    """

    module: str
    function: str
    change: str
    tree: ast.Module
    first_line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.function}: {self.change}"


def mutants_of(package: Path, module: str) -> Iterator[Mutant]:
    """Yield every mutant of the file `module` of `package`, in the order of the code."""
    tree = ast.parse((package / module).read_text())
    seen: dict[tuple[str, str], int] = {}
    for path, node, function, first_line in _walk(tree):
        for description, replacement in _changes(node):
            number = seen[function, description] = seen.get((function, description), 0) + 1
            change = description if number == 1 else f"{description} #{number}"
            yield Mutant(module, function, change, _replaced(tree, path, replacement), first_line)


_Way = tuple[tuple[str, int | None], ...]


def _walk(
    node: ast.AST, path: _Way = (), function: str = "", first_line: int = 0
) -> Iterator[tuple[_Way, ast.AST, str, int]]:
    """Yield each node below `node` with the way to it and the function that it is in."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_comment"}:
            continue
        children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST):
                continue
            here = (*path, (name, index))
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}".lstrip(".")
                line = first_line if isinstance(child, ast.ClassDef) else _first_line(child)
                yield from _walk(child, here, inner, line)
            elif not _is_docstring(child):
                yield here, child, function, first_line
                yield from _walk(child, here, function, first_line)


def _first_line(function: ast.FunctionDef) -> int:
    """As `co_firstlineno` has it."""
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _replaced(tree: ast.Module, path: _Way, replacement: ast.AST) -> ast.Module:
    """Return `tree` with another node at `path`; only the nodes on the way are copied."""
    root = copy.copy(tree)
    node: ast.AST = root
    for position, (name, index) in enumerate(path):
        is_last = position == len(path) - 1
        old = getattr(node, name)
        if index is None:
            new = replacement if is_last else copy.copy(old)
            setattr(node, name, new)
        else:
            items = list(old)
            new = items[index] = replacement if is_last else copy.copy(items[index])
            setattr(node, name, items)
        node = new
    return ast.fix_missing_locations(root)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:  # noqa: PLR0912 (a case for each operator)
    """Yield what `node` can be changed to, with a description."""
    match node:
        case ast.Expr(value=ast.Call() as call) if not _is_logging(call):
            yield f"leave out {_text(node)}", _at(ast.Pass(), node)
        case ast.Raise():
            yield f"leave out {_text(node)}", _at(ast.Pass(), node)
        case ast.If(test=test):
            yield from _forced(node, test)
        case ast.IfExp(test=test):
            yield from _forced(node, test)
        case ast.While(test=test) if not isinstance(test, ast.Constant):
            yield f"never while {_text(test)}", _with(node, test=_constant(value=False, at=test))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if opposite := _OPPOSITES.get(type(op)):
                changed = _with(node, ops=[opposite()])
                yield f"{_text(node)} -> {_text(changed)}", changed
            if isinstance(left, ast.Tuple) and isinstance(right, ast.Tuple):
                for number in range(len(left.elts)):
                    changed = _with(node, left=_without(left, number), comparators=[_without(right, number)])
                    yield f"{_text(node)} -> {_text(changed)}", changed
        case ast.BoolOp(op=op, values=values):
            for number in range(len(values)):
                rest = values[:number] + values[number + 1 :]
                changed = rest[0] if len(rest) == 1 else _with(node, values=rest)
                yield f"{_text(node)} -> {_text(changed)}", changed
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"{_text(node)} -> {_text(operand)}", operand
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield f"drop {_text(right)}", left
            yield f"drop {_text(left)}", right
        case ast.BinOp(op=ast.Add()):
            if not _is_text(node.left) and not _is_text(node.right):
                changed = _with(node, op=ast.Sub())
                yield f"{_text(node)} -> {_text(changed)}", changed
        case ast.Constant(value=bool() as value):
            yield f"{value} -> {not value}", _constant(value=not value, at=node)
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            yield f"{value} -> {value + 1}", _constant(value=value + 1, at=node)
        case ast.Constant(value=str() as value) if value in {"WAL", "FULL", "BEGIN IMMEDIATE", "COMMIT"}:
            weaker = {"WAL": "MEMORY", "FULL": "OFF", "BEGIN IMMEDIATE": "BEGIN", "COMMIT": "ROLLBACK"}[value]
            yield f"{value} -> {weaker}", _constant(value=weaker, at=node)
        case ast.Return(value=ast.Name() | ast.Call() | ast.Attribute() as value):
            yield f"return None, not {_text(value)}", _with(node, value=_constant(value=None, at=value))
        case ast.Break() | ast.Continue():
            yield f"leave out {_text(node)}", _at(ast.Pass(), node)


def _forced(node: ast.If | ast.IfExp, test: ast.expr) -> Iterator[tuple[str, ast.AST]]:
    for value in (True, False):
        yield f"{value} for {_text(test)}", _with(node, test=_constant(value=value, at=test))


def _is_logging(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _LOGGING
        and isinstance(function.value, ast.Name)
        and function.value.id == "log"
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.Tuple | ast.List) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _without(node: ast.Tuple, number: int) -> ast.Tuple:
    return _with(node, elts=node.elts[:number] + node.elts[number + 1 :])


def _constant(*, value: object, at: ast.AST) -> ast.Constant:
    return _at(ast.Constant(value=value), at)  # type: ignore[arg-type]


def _with(node: Node, **fields: object) -> Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _at(new: Node, node: ast.AST) -> Node:
    return ast.copy_location(new, node)


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else f"{text[:97]}..."
