"""Recipes: the options of a training, with paper, hours and expected result, a TOML file each."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurocodec import files
from neurocodec.errors import BadInputError, UsageError

_PACKAGE = Path(__file__).resolve().parent.parent
PLACES = (_PACKAGE.parent / "weights" / "recipes", _PACKAGE / "packaged_weights" / "recipes")
"""Of a checkout, and of an installed package."""

_ENDING = ".toml"


@dataclass(frozen=True)
class Recipe:
    """One training, or one stage of several.

    Attributes:
        title: a line about it.
        paper: the algorithm's.
        command: that runs it: "train-npp" …
        hours: it took.
        hardware: it took them on.
        expected: the result.
        options: by name without dashes, as on the command line.
        stages: options of each of several trainings, over those above; the second and later ones
            begin with the weights of the one before (`--from`).
    """

    title: str
    paper: str
    command: str
    hours: float
    hardware: str
    expected: str
    options: Mapping[str, Any]
    stages: tuple[Mapping[str, Any], ...] = field(default=())


def names() -> list[str]:
    """The recipes that came with the program."""
    return sorted({path.stem for place in PLACES for path in place.glob(f"*{_ENDING}")})


def read(named: str) -> Recipe:
    """The recipe of that name or file; $VARIABLES in its options are replaced.

    Raises:
        UsageError: there is no such recipe.
        BadInputError: the file is no recipe.
    """
    if named.endswith(_ENDING):
        path = Path(named)
    else:
        if named not in names():
            known = ", ".join(names())
            raise UsageError(
                f"no recipe is called {named!r}: the known ones are {known}; else name a .toml file"
            )
        paths = (place / f"{named}{_ENDING}" for place in PLACES)
        path = next(path for path in paths if path.is_file())
    try:
        fields = tomllib.loads(files.read(str(path)).decode())
        stages = tuple(_expanded(stage) for stage in fields.pop("stage", ()))
        options = _expanded(fields.pop("options"))
        return Recipe(**fields, options=options, stages=stages)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise BadInputError(f"{files.display(path)}: is no recipe ({exc})") from exc


def options_of(named: str, command: str) -> dict[str, Any]:
    """The options of NAME, NAME:STAGE, FILE or FILE:STAGE.

    Raises:
        UsageError: no such recipe or stage, it is for another command, or it has several stages
            and none is named.
        BadInputError: the file is no recipe.
    """
    name, colon, stage = named.rpartition(":")
    name, stage = (name, stage) if colon and stage.isdecimal() else (named, "")
    recipe = read(name)
    if recipe.command != command:
        raise UsageError(f"recipe {name} is for neurocodec {recipe.command}, not {command}")
    count = len(recipe.stages)
    if count and not stage:
        raise UsageError(
            f"recipe {name} has stages: name one, {name}:1 to {name}:{count}, and from {name}:2 on "
            "the weights of the one before, --from FILE"
        )
    if stage and not 1 <= int(stage) <= count:
        raise UsageError(f"recipe {name} has {count} stages, and no stage {stage}")
    return {**recipe.options, **(recipe.stages[int(stage) - 1] if stage else {})}


def _expanded(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _expand(value) for key, value in options.items()}


def _expand(value: Any) -> Any:
    if isinstance(value, list):
        return [_expand(one) for one in value]
    return os.path.expandvars(value) if isinstance(value, str) else value
