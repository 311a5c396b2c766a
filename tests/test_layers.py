"""Who may import whom, parsed from the source: the table of the architecture."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("cohort", "analyses")

# Room -> what it may import of ours. The longest matching room counts.
MAY_IMPORT = {
    "cohort": ("cohort",),
    "analyses": (),
    "analyses.cli": ("analyses.commands",),
    "analyses.commands": ("cohort", "analyses"),
    "analyses.__main__": ("analyses.cli",),
    "analyses.number_style": (),
    "analyses.formatting": ("analyses.number_style", "cohort.schema"),
    "analyses.kernels": ("analyses.kernels",),
    "analyses.results": (
        "analyses.results",
        "analyses.kernels",
        "cohort.errors",
        "cohort.table",
    ),
    "analyses.estimators": (
        "analyses.estimators",
        "analyses.kernels",
        "analyses.results",
        "cohort.errors",
        "cohort.table",
    ),
    "analyses.adjustment": (
        "analyses.adjustment",
        "analyses.estimators",
        "analyses.kernels",
        "analyses.results",
        "cohort.errors",
        "cohort.table",
    ),
    "analyses.evidence": (
        "analyses.evidence",
        "analyses.estimators",
        "analyses.kernels",
        "analyses.results",
        "cohort.errors",
        "cohort.table",
    ),
    "analyses.imputation": (
        "analyses.imputation",
        "analyses.estimators",
        "analyses.kernels",
        "analyses.results",
        "cohort.errors",
        "cohort.table",
    ),
    "analyses.blocks": (
        "analyses.blocks",
        "analyses.estimators",
        "analyses.kernels",
        "analyses.results",
        "cohort.errors",
    ),
    "analyses.robustness": (
        "analyses.robustness",
        "analyses.estimators",
        "analyses.kernels",
        "analyses.results",
        "cohort.errors",
        "cohort.table",
    ),
    "analyses.plots": (
        "analyses.plots",
        "analyses.results",
        "analyses.formatting",
        "analyses.number_style",
        "cohort.table",
        "cohort.schema",
    ),
    "analyses.report": (
        "analyses.report",
        "analyses.plots",
        "analyses.results",
        "analyses.formatting",
        "analyses.number_style",
        "cohort.errors",
        "cohort.schema",
        "cohort.table",
    ),
    "analyses.study": ("analyses.study", "analyses.number_style", "cohort", "analyses.results"),
    "analyses.study.apart": ("analyses.study", "analyses.blocks", "cohort"),
    "analyses.study.kinds": (
        "analyses.study",
        "analyses.robustness",
        "analyses.adjustment",
        "analyses.estimators",
        "analyses.imputation",
        "analyses.evidence",
        "analyses.results",
        "cohort",
    ),
    "analyses.study.grid": (
        "analyses.study",
        "analyses.estimators",
        "analyses.robustness",
        "analyses.results",
        "cohort",
    ),
    "analyses.study.run": ("analyses", "cohort"),
    "analyses.study.verifying": (
        "analyses.study",
        "analyses.verification",
        "analyses.results",
        "cohort",
    ),
    # A second program: never the estimators, kernels or their design matrix.
    "analyses.verification": ("analyses.verification", "analyses.results", "cohort.table"),
}
# Imports inside a function may reach further where the design says so.
LATE = {"analyses.results": ("analyses.plots", "analyses.formatting", "analyses.number_style")}
OUTSIDE = {
    "analyses.kernels": {
        "numpy",
        "scipy",
        "numba",
        "__future__",
        "collections",
        "dataclasses",
        "typing",
        "math",
        "concurrent",
        "functools",
        "bisect",
        "itertools",
        "os",
    }
}
NEVER_AT_TOP = {"matplotlib", "lifelines", "statsmodels", "typst", "polars", "pyspark"}
TOP_ALLOWED = ("analyses.plots", "analyses.report")


def modules():
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(p for p in parts if p != "__init__"), path


MODULES = list(modules())
NAMES = {name for name, _ in MODULES}


def imports(path, *, late):
    """Names imported at the top of a module, or inside its functions; typing-only ones aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only or (id(node) in inside) != late:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in NAMES else node.module for name in inner)


def room(module, table):
    matches = [name for name in table if module == name or module.startswith(name + ".")]
    return max(matches, key=len, default=None)


def within(name, allowed):
    return any(name == a or name.startswith(a + ".") for a in allowed)


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[m for m, _ in MODULES])
def test_a_module_imports_only_what_its_room_may(module, path):
    allowed = MAY_IMPORT[room(module, MAY_IMPORT)]
    late = allowed + LATE.get(room(module, LATE) or "", ())
    for name in imports(path, late=False):
        if name.split(".")[0] in PACKAGES:
            assert within(name, allowed), f"{module} imports {name}"
    for name in imports(path, late=True):
        if name.split(".")[0] in PACKAGES:
            assert within(name, late), f"{module} imports {name} inside a function"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[m for m, _ in MODULES])
def test_heavy_libraries_load_when_first_needed(module, path):
    if within(module, TOP_ALLOWED):
        return
    tops = {name.split(".")[0] for name in imports(path, late=False)}
    assert not tops & NEVER_AT_TOP, f"{module} imports {tops & NEVER_AT_TOP} at its top"


def test_kernels_know_arrays_only():
    for module, path in MODULES:
        if within(module, ("analyses.kernels",)):
            foreign = {
                name.split(".")[0] for late in (False, True) for name in imports(path, late=late)
            } - OUTSIDE["analyses.kernels"]
            assert foreign <= {"analyses"}, f"{module} imports {foreign}"


def test_no_drawer_modules():
    drawers = {"utils", "helpers", "common", "base", "core", "misc"}
    assert not [m for m, _ in MODULES if drawers & set(m.split("."))]


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[m for m, _ in MODULES])
def test_files_and_functions_stay_small(module, path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{module}: {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= 60, f"{module}.{node.name}: {lines} lines"
            if not node.name.startswith("_"):
                assert node.args.kwarg is None, f"{module}.{node.name} takes **{node.args.kwarg}"
