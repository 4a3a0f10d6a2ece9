"""`--recipe` of the training commands."""

import click
import pytest

from neurocodec import images
from neurocodec.cli import COMMANDS, neurocodec
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.training import recipes
from tests.cli.running import neurocodec as run
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write
from tests.training.conftest import jpeg_in_process

RECIPE = """
title = "small"
paper = "none"
command = "train-npp"
hours = 0.001
hardware = "any"
expected = "nothing"

[options]
codec = "jpeg"
arch = "npp-light"
data = "$TINY/pictures"
model = ["$TINY/tiny.net.safetensors"]
lmbda = "1"
random-crops = true
size = 32
batch = 2
ema = 0.5
seed = 3
threads = 1
jobs = 0
device = "cpu"
validation = 2
max-steps = 1

[[stage]]
beta = 3

[[stage]]
qa = false
"""


def parsed(command: str, *arguments: str) -> dict[str, object]:
    """The parameters of a command line, which is not run."""
    loaded = neurocodec.get_command(click.Context(neurocodec), command)
    return loaded.make_context(command, ["-o", "out", *arguments]).params


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A recipe's path; its data are under $TINY."""
    (tmp_path / "pictures").mkdir()
    for seed in range(4):
        data = images.png(picture(40, 40, seed=seed))
        (tmp_path / "pictures" / f"{seed}.png").write_bytes(data)
    write(tmp_path, CLASSIFIER)
    monkeypatch.setenv("TINY", str(tmp_path))
    path = tmp_path / "small.toml"
    path.write_text(RECIPE)
    return path


def stages() -> list[str]:
    """Every recipe that came with the program, each stage by its name."""
    names = []
    for name in recipes.names():
        count = len(recipes.read(name)["stage"])
        names += [f"{name}:{number + 1}" for number in range(count)] or [name]
    return names


def test_the_recipes_are_where_they_should_be():
    filters = {"npp-bpg", "npp-first", "npp-vvc", "auto-bpg", "npp-jpeg", "npp-detection", "tv"}
    filters |= {"tv-lambda", "npp-segmentation", "npp-pose"}
    proxies = {"proxy-bpg", "proxy-bpg-41", "npp-through-proxy"}
    assert filters | proxies | {"fric", "dic", "spic", "spic-ten"} <= {*recipes.names()}


@pytest.mark.parametrize("named", stages())
def test_every_recipe_is_a_command_line(named, monkeypatch):
    monkeypatch.setenv("NEUROCODEC_DATA", "/data")
    recipe = recipes.read(named.partition(":")[0])

    assert recipe["command"] in COMMANDS
    assert recipe["title"] and recipe["paper"] and recipe["hardware"]
    assert recipe["hours"] > 0
    assert "%" in recipe["expected"]
    params = parsed(recipe["command"], "--recipe", named)
    assert str(params["data"]).startswith("/data/")
    assert (params["max_minutes"] or params["max_steps"]) > 0
    assert params["threads"] == 1 or "GPU" in recipe["hardware"]


def test_an_installed_package_has_them_too(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(RECIPE)
    monkeypatch.setattr(recipes, "PLACES", (tmp_path / "nowhere", tmp_path))

    assert recipes.names() == ["mine"]
    assert recipes.read("mine")["command"] == "train-npp"


def test_options_typed_on_the_command_line_win(recipe, tmp_path):
    with jpeg_in_process():
        arguments = ["--recipe", f"{recipe}:1", "--seed", 7, "-o", tmp_path / "out"]
        done = run("train-npp", *arguments)
    assert done.returncode == 0, done.stderr

    stored = checkpoint.load((tmp_path / "out" / "npp.safetensors").read_bytes(), "npp")
    record = stored.made
    assert (record["beta"], record["random_crops"], record["recognisers"]) == (
        3,
        True,
        ["tiny.net"],
    )
    assert (record["config"]["seed"], record["config"]["ema"]) == (7, 0.5)
    assert stored.network.config["arch"] == "npp-light"
    assert parsed("train-npp", "--recipe", f"{recipe}:2", "--ema", "0.1")["qa"] is False
    assert parsed("train-npp", "--recipe", f"{recipe}:1", "--model", "x")["lmbda"] == "1"


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("no-qa = true", "qa", False),
        ("no-swap = true", "swapping", False),
        ("no-swap = false", "swapping", True),
        ("swap = false", "swapping", False),
    ],
)
def test_a_recipe_may_write_a_flag_either_way(recipe, line, name, expected):
    recipe.write_text(RECIPE.replace("qa = false", line))

    assert parsed("train-npp", "--recipe", f"{recipe}:2")[name] is expected


@pytest.mark.parametrize(
    ("command", "stage", "words"),
    [
        ("train-tv", ":1", "is for neurocodec train-npp, not train-tv"),
        ("train-npp", "", "has stages: name one, .*:1 to .*:2"),
        ("train-npp", ":3", "has 2 stages, and no stage 3"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(recipe, command, stage, words):
    with pytest.raises(UsageError, match=words):
        parsed(command, "--recipe", f"{recipe}{stage}")


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(UsageError, match="known ones are auto-bpg, dic, fric"):
        parsed("train-npp", "--recipe", "nothing")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("beta = 3", "betta = 3"), UsageError, "train-npp has no option --betta"),
        (("beta = 3", 'no-qa = "false"'), UsageError, "no-qa is a flag: write no-qa = true or fal"),
        (("random-crops = true", "random-crops = 1"), UsageError, "random-crops is a flag"),
        (("hours = 0.001", ""), BadInputError, "is no recipe"),
        (("title", "titel"), BadInputError, "is no recipe"),
        (("[options]", "[options"), BadInputError, "is no recipe"),
    ],
)
def test_a_file_with_a_mistake_is_refused(recipe, change, error, words):
    recipe.write_text(RECIPE.replace(*change))
    with pytest.raises(error, match=words):
        parsed("train-npp", "--recipe", f"{recipe}:1")
