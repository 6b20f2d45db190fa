"""The house rules that a program can measure (design §4)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
MOST_FUNCTION_LINES = 40
PYTHON = sorted(
    path
    for folder in ("tfserver", "tests", "docs", "benchmarks", "twisted")
    for path in (ROOT / folder).rglob("*.py")
    if ".work" not in path.parts  # where the benchmarks install their peers
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    """All functions of a file, inner ones too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function):
            yield node


def public(path: Path) -> Iterator[Function]:
    """Public functions, also inner ones, those of private classes, and what a library calls."""
    return (function for function in functions(path) if not function.name.startswith("_"))


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    doc = ast.get_docstring(function, clean=False)
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1 - (doc.count("\n") + 1 if doc else 0)


class HouseTests(SynchronousTestCase):
    """Bounds and names."""

    def test_files_are_found(self) -> None:
        """The measurements look at something."""
        self.assertGreater(len(PYTHON), 50)

    def test_file_length(self) -> None:
        """No file has more than 400 lines."""
        lengths = {path.relative_to(ROOT): path.read_text("utf-8").count("\n") for path in PYTHON}
        self.assertEqual({name: n for name, n in lengths.items() if n > MOST_LINES}, {})

    def test_function_length(self) -> None:
        """No function has more than 40 lines."""
        found = [
            f"{path.name}:{function.lineno} {function.name} has {length(function)}"
            for path in PYTHON
            for function in functions(path)
            if length(function) > MOST_FUNCTION_LINES
        ]
        self.assertEqual(found, [])

    def test_public_docstrings(self) -> None:
        """Every public function of the server says what it is for."""
        found = [
            f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
            for path in PYTHON
            if path.is_relative_to(ROOT / "tfserver")
            for function in public(path)
            if not ast.get_docstring(function)
        ]
        self.assertEqual(found, [])

    def test_tests_have_docstrings(self) -> None:
        """Every test says in a sentence what it shows."""
        found = [
            f"{path.name}:{function.lineno} {function.name}"
            for path in PYTHON
            if path.is_relative_to(ROOT / "tests")
            for function in functions(path)
            if function.name.startswith("test") and not ast.get_docstring(function)
        ]
        self.assertEqual(found, [])

    def test_no_test_is_named_just_test(self) -> None:
        """trial never runs a method of that name, and says nothing."""
        found = [path.name for path in PYTHON for function in functions(path) if function.name == "test"]
        self.assertEqual(found, [])

    def test_plugin_folders_have_no_init(self) -> None:
        """Twisted finds plugins only in folders without ``__init__.py``."""
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_generated_files(self) -> None:
        """The sample configuration and the generated pages are what their generator would write now."""
        command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
