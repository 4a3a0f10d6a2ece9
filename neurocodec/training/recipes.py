"""Recipes: the options of a training, with paper, hours and expected result, a TOML file each.

A recipe has a title, paper, command, hours, hardware and expected result, and in [options] what the
command line would have, by names without dashes. One in several trainings has a [[stage]] for each,
whose options go over those; the second and later ones begin with the weights of the one before.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

from neurocodec import files
from neurocodec.errors import BadInputError, UsageError

_PACKAGE = Path(__file__).resolve().parent.parent
PLACES = (_PACKAGE.parent / "weights" / "recipes", _PACKAGE / "packaged_weights" / "recipes")
"""Folders of recipes: of a checkout, and of an installed package."""

FACTS = ("title", "paper", "command", "hours", "hardware", "expected", "options")
_ENDING = ".toml"


def names() -> list[str]:
    """The recipes that came with the program."""
    return sorted({path.stem for place in PLACES for path in place.glob(f"*{_ENDING}")})


def read(named: str) -> dict[str, Any]:
    """The recipe of that name or file.

    Raises:
        UsageError: there is no such recipe.
        BadInputError: the file is no recipe.
    """
    paths = [Path(named)] if named.endswith(_ENDING) else [p / f"{named}{_ENDING}" for p in PLACES]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise UsageError(
            f"no recipe is called {named!r}: the known ones are {', '.join(names())}; else name a "
            ".toml file"
        )
    try:
        recipe = tomllib.loads(files.read(str(path)).decode())
        missing = [fact for fact in FACTS if fact not in recipe]
        if missing:
            raise ValueError(f"no {missing[0]}")
    except ValueError as exc:
        raise BadInputError(f"{files.display(path)}: is no recipe ({exc})") from exc
    return {"stage": [], **recipe}


def options_of(named: str, command: str) -> dict[str, Any]:
    """The options of NAME, NAME:STAGE, FILE or FILE:STAGE, with $VARIABLES replaced.

    Raises:
        UsageError: no such recipe or stage, it is for another command, or it has several stages
            and none is named.
        UsageError: a $VARIABLE that is not set.
        BadInputError: the file is no recipe.
    """
    name, colon, stage = named.rpartition(":")
    name, stage = (name, stage) if colon and stage.isdecimal() else (named, "")
    recipe = read(name)
    if recipe["command"] != command:
        raise UsageError(f"recipe {name} is for neurocodec {recipe['command']}, not {command}")
    count = len(recipe["stage"])
    if count and not stage:
        raise UsageError(
            f"recipe {name} has stages: name one, {name}:1 to {name}:{count}, and from {name}:2 on "
            "the weights of the one before, --from FILE"
        )
    if stage and not 1 <= int(stage) <= count:
        raise UsageError(f"recipe {name} has {count} stages, and no stage {stage}")
    options = {**recipe["options"], **(recipe["stage"][int(stage) - 1] if stage else {})}
    return {key: _expand(value) for key, value in options.items()}


def _expand(value: Any) -> Any:
    if isinstance(value, list):
        return [_expand(one) for one in value]
    if not isinstance(value, str):
        return value
    expanded = os.path.expandvars(value)
    if "$" in expanded:
        raise UsageError(f"the recipe reads {value}, and that variable is not set: set it")
    return expanded
