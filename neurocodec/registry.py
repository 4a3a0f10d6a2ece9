"""From "name:key=value:key=value" to an object, importing its module only then."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from neurocodec.errors import UsageError


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """The name and the settings that `spec` says, both as text.

    Raises:
        UsageError: a setting is not of the form key=value.
    """
    name, *pairs = spec.split(":")
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key or not value:
            raise UsageError(f"cannot read {pair!r} in {spec!r}: write {name}:key=value")
        if key in settings:
            raise UsageError(f"{key} is given twice in {spec!r}: keep one")
        settings[key] = value
    return name, settings


def load(entries: Mapping[str, str], name: str, kind: str) -> type[Any]:
    """The class that `entries` has under `name` as "module:attribute".

    Raises:
        UsageError: no such name; the message lists the known ones.
    """
    if name not in entries:
        raise UsageError(f"no {kind} is called {name!r}: the known ones are {', '.join(entries)}")
    module, attribute = entries[name].split(":")
    loaded: type[Any] = getattr(import_module(module), attribute)
    return loaded


def create(entries: Mapping[str, str], spec: str, kind: str, **context: Any) -> Any:
    """The object that `spec` describes, its settings cast to the constructor's types.

    `context` holds values that a constructor gets only if it has a parameter of that name.

    Raises:
        UsageError: unknown name, unknown setting, or a value that is not of the setting's type.
    """
    name, settings = parse(spec)
    factory = load(entries, name, kind)
    parameters = inspect.signature(factory).parameters
    given = {key: value for key, value in context.items() if key in parameters}
    named = [key for key in parameters if key not in context]
    for key, text in settings.items():
        if key not in named:
            known = ", ".join(named) or "none"
            raise UsageError(f"{kind} {name!r} has no setting {key!r}: its settings are {known}")
        given[key] = _cast(text, parameters[key].annotation, f"{kind} {name}:{key}")
    missing = [
        k for k in named if parameters[k].default is inspect.Parameter.empty and k not in given
    ]
    if missing:
        raise UsageError(f"{kind} {name!r} needs {missing[0]}: write {name}:{missing[0]}=…")
    return factory(**given)


def _cast(text: str, annotation: Any, where: str) -> Any:
    if annotation in {str, str | None}:
        return text
    if annotation is bool:
        if text not in {"0", "1"}:
            raise UsageError(f"{where} must be 0 or 1, not {text!r}")
        return text == "1"
    kinds = {int: "a whole number", float: "a number"}
    if annotation not in kinds:
        raise TypeError(f"{where}: a setting must be bool, int, float or str, not {annotation}")
    try:
        return annotation(text)
    except ValueError:
        raise UsageError(f"{where} must be {kinds[annotation]}, not {text!r}") from None
