"""The guide to the HTTP API names every kind of refusal that there is, with its status."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus
from importlib import import_module
from itertools import pairwise

from adapters.http.problems import Problem
from tests.documents import ROOT

OF_STARLETTE = {(404, "not-found"), (405, "method-not-allowed")}
"""Paths and methods that there are not: their kinds are made of the status."""


def _kinds_in_the_guide() -> set[tuple[int, str]]:
    rows = re.findall(r"^\| (\d{3}) \| (.*?) \|", (ROOT / "docs" / "http.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {(int(status), kind) for status, text in rows for kind in re.findall(r"`([a-z-]+)`", text)}


def _kinds_in_the_code() -> set[tuple[int, str]]:
    paths = list((ROOT / "src" / "adapters" / "http").glob("*.py"))
    made = [value for path in paths for value in vars(import_module(f"adapters.http.{path.stem}")).values()]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    ready = {(int(problem.status), problem.kind) for problem in made if isinstance(problem, Problem)}
    return ready | {found for node in nodes for found in _kinds_of(node)}


def _kinds_of(node: ast.AST) -> Iterator[tuple[int, str]]:
    """A status and the text behind it, by position or by name."""
    values: list[ast.expr] = []
    if isinstance(node, ast.Tuple):
        values = node.elts
    elif isinstance(node, ast.Call):
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        values = [*node.args, *(named[name] for name in ("status", "kind") if name in named)]
    for first, second in pairwise(values):
        status = _status_of(first)
        if status is not None and isinstance(second, ast.Constant) and isinstance(second.value, str):
            yield status, second.value


def _status_of(node: ast.expr) -> int | None:
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "HTTPStatus":
        return int(HTTPStatus[node.attr])
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "HTTPStatus" and isinstance(node.args[0], ast.Constant):
        return int(str(node.args[0].value))
    return None


def test_the_guide_names_every_kind_of_refusal_and_no_other() -> None:
    in_code = _kinds_in_the_code() | OF_STARLETTE

    assert len(in_code) > 15
    assert _kinds_in_the_guide() == in_code
