"""From "name:key=value" to an object."""

import sys
from types import ModuleType

import pytest

from neurocodec import registry
from neurocodec.errors import UsageError


class Plain:
    """Without a constructor."""


class Filter:
    def __init__(
        self, width: int, strength: float = 0.5, mode: str = "soft", device: str = "cpu"
    ) -> None:
        self.settings = (width, strength, mode, device)


HERE = "neurocodec_test_registry_entries"
ENTRIES = {
    "plain": f"{HERE}:Plain",
    "filter": f"{HERE}:Filter",
    "absent": "neurocodec_test_no_such_module:Thing",
}


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    module = ModuleType(HERE)
    module.Plain, module.Filter = Plain, Filter
    monkeypatch.setitem(sys.modules, HERE, module)


def _create(spec: str, **context: object) -> object:
    return registry.create(ENTRIES, spec, "gadget", **context)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("blur", ("blur", {})),
        ("blur:sigma=0.5", ("blur", {"sigma": "0.5"})),
        ("a:k=v:l=w", ("a", {"k": "v", "l": "w"})),
        ("a:k=v=w", ("a", {"k": "v=w"})),
    ],
)
def test_a_spec_is_a_name_and_settings(spec, expected):
    assert registry.parse(spec) == expected


@pytest.mark.parametrize("spec", ["a:", "a:k", "a:k=", "a:=v", "a::k=v", "a:k=v:"])
def test_a_setting_is_key_equals_value(spec):
    with pytest.raises(UsageError, match="write a:key=value"):
        registry.parse(spec)


def test_a_setting_given_twice_is_refused():
    with pytest.raises(UsageError, match="width"):
        registry.parse("filter:width=3:width=4")


@pytest.mark.parametrize("name", ["", "Filter", "filters", "filter "])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(UsageError, match="plain, filter, absent") as caught:
        registry.load(ENTRIES, name, "gadget")
    assert f"no gadget is called {name!r}" in str(caught.value)


def test_a_module_is_imported_only_when_its_name_is_asked_for():
    assert registry.load(ENTRIES, "plain", "gadget") is Plain
    with pytest.raises(ModuleNotFoundError):
        registry.load(ENTRIES, "absent", "gadget")


def test_settings_are_cast_to_the_constructors_types():
    settings = _create("filter:width=3:strength=1e-2:mode=hard").settings
    assert settings == (3, 0.01, "hard", "cpu")
    assert [type(value) for value in settings] == [int, float, str, str]


def test_a_class_without_a_constructor_takes_no_settings():
    assert isinstance(_create("plain", device="cuda"), Plain)
    with pytest.raises(UsageError, match="its settings are none"):
        _create("plain:width=3")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("filter:width=3.5", "gadget filter:width must be a whole number, not '3.5'"),
        ("filter:width=x", "gadget filter:width must be a whole number, not 'x'"),
        ("filter:width=1:strength=x", "gadget filter:strength must be a number, not 'x'"),
        ("filter:height=3", "has no setting 'height': its settings are width, strength, mode"),
        ("filter", "gadget 'filter' needs width: write filter:width="),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_to_write(spec, message):
    with pytest.raises(UsageError) as caught:
        _create(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_context_reaches_only_a_constructor_that_takes_it():
    made = _create("filter:width=3", device="cuda", jobs=4)
    assert made.settings[-1] == "cuda"


def test_context_is_not_for_the_spec_to_set():
    with pytest.raises(UsageError, match="no setting 'device': its settings are width, strength"):
        _create("filter:width=3:device=cuda", device="cpu")


def test_context_may_give_what_the_constructor_demands():
    assert _create("filter", width=7).settings[0] == 7
