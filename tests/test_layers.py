"""The direction of imports: a module imports only what stands below it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "neurocodec"

LAYERS = (
    "__main__",
    "dropins",
    "cli",
    "training",
    "report",
    "evaluation",
    "batch",
    "api",
    "pipeline",
    "filters",
    "losses",
    "codecs",
    "tasks",
    "measures",
    "networks",
    "weights",
    "files",
    "locks",
    "urls",
    "tools",
    "images",
    "registry",
    "errors",
    "logs",
)
ENTRY = re.compile(r"neurocodec(\.\w+)*:\w+")
DOTTED = re.compile(r"neurocodec(\.\w+)+")
STARTS_PROGRAMS = re.compile(
    r"subprocess\b|pty\b|_posixsubprocess\b|os\.(system|popen|fork|forkpty|exec\w+|spawn\w+|posix_spawn\w*)$"
    r"|asyncio\.(subprocess|create_subprocess\w+)"
)
STARTS_PROCESSES = re.compile(
    r"multiprocessing\b|pebble\b|concurrent\.futures\.(process|Process\w+)|torch\.multiprocessing"
)
FILES = sorted(PACKAGE.rglob("*.py"))
ROOT_MODULE = PACKAGE / "__init__.py"  # names public modules, and imports none by itself


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _names(source: str) -> Iterator[str]:
    """Everything that `source` imports, wherever: "a.b.c" for both spellings of it.

    A dotted name in a string counts, since it may be imported at run time; so does an attribute
    of an imported module, since `import os; os.system` imports it as well as the other spelling.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                assert level == 0, "write imports in full: a relative one hides its layer"
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                yield f"{owner}.{attribute}"
            case ast.Constant(value=str(text)) if DOTTED.fullmatch(text):
                yield text


def _entries(source: str) -> Iterator[str]:
    """Every "module:attribute" string in `source`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = ENTRY.fullmatch(node.value)
            if found:
                yield node.value


def _layer(module: str) -> str:
    """The name in LAYERS that `module` belongs to, "" for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def _upward(module: str, source: str) -> list[str]:
    """What a module of this name and source imports though it does not stand below."""
    own = _layer(module)
    found = {name for name in _names(source) if name.startswith("neurocodec.")}
    layers = {name: _layer(name) for name in found}
    return sorted(
        name
        for name, layer in layers.items()
        if layer in LAYERS and layer != own and (not own or _height(layer) >= _height(own))
    )


def _height(layer: str) -> int:
    return -LAYERS.index(layer)


def _starters(source: str, pattern: re.Pattern[str]) -> list[str]:
    return sorted({name for name in _names(source) if pattern.match(name)})


def _defines(module: str, attribute: str) -> bool:
    """Whether a module's own text binds the name, found without importing it."""
    base = PACKAGE.parent / Path(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not path.is_file():
        return False
    bound: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound.update(alias.asname or alias.name for alias in names)
            case ast.Assign(targets=targets):
                bound.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                bound.add(name)
    return attribute in bound


@pytest.mark.parametrize("path", [path for path in FILES if path != ROOT_MODULE], ids=_module)
def test_a_module_imports_only_what_stands_below_it(path):
    assert _upward(_module(path), path.read_text()) == []


def test_every_module_has_its_place():
    present = {_layer(_module(path)) for path in FILES} - {""}
    assert present <= set(LAYERS), "name the new module in LAYERS, where it stands"


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_an_entry_of_a_registry_is_of_its_own_package_and_exists(path):
    for entry in _entries(path.read_text()):
        module, attribute = entry.split(":")
        assert _layer(module) == _layer(_module(path)), f"{entry} is of another package"
        assert _defines(module, attribute), f"{entry} does not exist"


def test_the_registries_are_seen():
    codecs = PACKAGE / "codecs" / "codec.py"
    assert "neurocodec.codecs.jpeg:Jpeg" in list(_entries(codecs.read_text()))


def test_the_installed_commands_exist():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"neurocodec", "neurocodec-bpgenc", "neurocodec-bpgdec"} <= scripts.keys()
    for entry in scripts.values():
        assert _defines(*entry.split(":")), entry


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_one_module_starts_programs_and_one_starts_processes(path):
    source, module = path.read_text(), _module(path)
    if module != "neurocodec.tools":
        assert _starters(source, STARTS_PROGRAMS) == []
    if module != "neurocodec.batch.engines.local":
        assert _starters(source, STARTS_PROCESSES) == []


@pytest.mark.parametrize(
    "source",
    [
        "import neurocodec.cli",
        "from neurocodec import cli",
        "from neurocodec.cli import console",
        "def f() -> None:\n    from neurocodec.cli.console import error",
        "if TYPE_CHECKING:\n    from neurocodec import errors, batch",
        "import_module('neurocodec.training.npp')",
    ],
)
def test_every_spelling_of_an_upward_import_is_seen(source):
    assert len(_upward("neurocodec.codecs.jpeg", source)) == 1
    assert len(_upward("neurocodec", source)) >= 1


def test_downward_and_sideways_imports_are_free():
    source = "from neurocodec import __version__, errors\nfrom neurocodec.codecs import bpg"
    assert _upward("neurocodec.codecs.jpeg", source) == []


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("import subprocess", STARTS_PROGRAMS),
        ("from subprocess import run", STARTS_PROGRAMS),
        ("import os\nos.system('x')", STARTS_PROGRAMS),
        ("from os import execv", STARTS_PROGRAMS),
        ("import multiprocessing.pool", STARTS_PROCESSES),
        ("from concurrent.futures import ProcessPoolExecutor", STARTS_PROCESSES),
    ],
)
def test_every_spelling_of_a_start_is_seen(source, pattern):
    assert _starters(source, pattern)


def test_an_attribute_that_is_not_there_is_seen():
    assert _defines("neurocodec.codecs.bpg", "Bpg")
    assert not _defines("neurocodec.codecs.bpg", "Nothing")
    assert not _defines("neurocodec.codecs.nothing", "Bpg")
