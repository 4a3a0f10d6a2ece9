"""Objects created from "name:key=value:key=value", their modules imported only then."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from neurocodec.errors import UsageError


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """Split a spec into a name and settings, both as text.

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
    """Import the class that `entries` has under `name` as "module:attribute".

    Raises:
        UsageError: no such name; the message lists the known ones.
    """
    if name not in entries:
        raise UsageError(f"no {kind} is called {name!r}: the known ones are {', '.join(entries)}")
    module, attribute = entries[name].split(":")
    loaded: type[Any] = getattr(import_module(module), attribute)
    return loaded


def create(entries: Mapping[str, str], spec: str, kind: str, **context: Any) -> Any:
    """Construct the object that `spec` describes, its settings cast to the constructor's types.

    `context` holds values that a constructor gets only if it has a parameter of that name.

    Raises:
        UsageError: unknown name, unknown setting, or a value that is not of the setting's type.
    """
    name, settings = parse(spec)
    factory = load(entries, name, kind)
    parameters = inspect.signature(factory).parameters
    values = {key: value for key, value in context.items() if key in parameters}
    named = [key for key in parameters if key not in context]
    for key, text in settings.items():
        if key not in named:
            known = ", ".join(named) or "none"
            raise UsageError(f"{kind} {name!r} has no setting {key!r}: its settings are {known}")
        values[key] = _cast(text, parameters[key].annotation, f"{kind} {name}:{key}")
    for key in named:
        if parameters[key].default is inspect.Parameter.empty and key not in values:
            raise UsageError(f"{kind} {name!r} needs {key}: write {name}:{key}=…")
    return factory(**values)


def _cast(text: str, annotation: Any, where: str) -> Any:
    if annotation in {str, str | None}:
        return text
    form = {bool: "0 or 1", int: "a whole number", float: "a number"}[annotation]
    try:
        return bool(("0", "1").index(text)) if annotation is bool else annotation(text)
    except ValueError:
        raise UsageError(f"{where} must be {form}, not {text!r}") from None
