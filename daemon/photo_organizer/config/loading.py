"""From a file to a `Configuration`, or to the list of everything that is wrong with it."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from photo_organizer.config.checks import conflicts
from photo_organizer.config.configuration import Configuration
from photo_organizer.config.document import Document, Key, dotted, in_quotes, read_document, type_names
from photo_organizer.config.errors import ConfigurationError, Problem
from photo_organizer.config.paths import configuration_home, expand
from photo_organizer.config.settings import section_in

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ENVIRONMENT_VARIABLE = "PHOTO_ORGANIZER_CONFIG"
FILE_NAME = "organizer.yaml"

wanted_types = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list, as in [one, two]",
    "path_type": "a path",
    "model_type": "a group of `key: value` lines",
    "dict_type": "a group of `key: value` lines",
}


def find_configuration(explicit: Path | None = None) -> Path:
    """The configuration file to use: `explicit`, else `$PHOTO_ORGANIZER_CONFIG`, else the owner's own.

    The file need not exist; `load_configuration` says so when it does not.
    """
    if explicit is not None:
        return expand_user(explicit)
    if from_environment := os.environ.get(ENVIRONMENT_VARIABLE):
        return expand_user(Path(from_environment))
    return configuration_home() / FILE_NAME


def expand_user(path: Path) -> Path:
    """`path` absolute, with `~` as the shell would read it."""
    try:
        return expand(str(path), Path.cwd())
    except ValueError as error:
        raise ConfigurationError(path, [Problem(f"this path {error}")]) from error


def load_configuration(path: Path) -> Configuration:
    """The settings in the file `path`.

    Raises:
        ConfigurationError: with every problem found, each with its line and key.
    """
    return validate(read_document(Path(os.path.abspath(path))))


def validate(document: Document) -> Configuration:
    """`document` as a configuration.

    Raises:
        ConfigurationError: with every problem found, each with its line and key.
    """
    context = {"base": document.path.parent, "path": document.path}
    try:
        configuration = Configuration.model_validate(document.values, context=context)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # pydantic counts only the good members of a list: no second complaint about a list with a bad one
        empty = [details for details in found if details["type"] == "too_short" and details["input"] != ()]
        problems = [_problem(details, document) for details in found if details not in empty]
        raise ConfigurationError(document.path, list(dict.fromkeys(problems))) from error
    problems = [
        Problem(conflict.what, document.line(conflict.key), dotted(conflict.key), conflict.remedy)
        for conflict in conflicts(configuration)
    ]
    if problems:
        raise ConfigurationError(document.path, problems)
    return configuration


def _problem(details: ErrorDetails, document: Document) -> Problem:
    """One of pydantic's errors in our words."""
    key = _key_in_file(details["loc"], document)
    kind = details["type"]
    if kind == "extra_forbidden":
        return Problem("unknown key", document.line(key), dotted(key), _nearest_key(key))
    if kind == "missing":
        return Problem("is missing", document.line(key), dotted(key), _example(key))
    place = document.places.get(key)
    line = document.line(key)
    if kind in wanted_types and place is not None:
        written = (
            f"{place.text!r} is" if place.text or place.read_as == "null" else f"this is a {place.read_as},"
        )
        if place.read_as == "null":
            written = "nothing is written here," if not place.text else f"{place.text!r} is empty (null),"
        if kind in {"string_type", "path_type"} and place.read_as in type_names and place.text:
            what = f"{place.text} is read by YAML as {type_names[place.read_as]}, not as text"
            return Problem(what, line, dotted(key), in_quotes(place.text))
        return Problem(f"{written} not {wanted_types[kind]}", line, dotted(key))
    message = details["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:] if not message.startswith(("'", '"')) else message
    message, _, remedy = message.partition("; ")
    shown = place.text if place is not None and place.text else details.get("input")
    if kind != "value_error" or not message.startswith(("'", '"')):
        message = f"{shown!r} {_bounds(message)}" if shown != () else "the list is empty"
    return Problem(message, line, dotted(key), remedy)


def _bounds(message: str) -> str:
    return (
        message.replace("input should be", "must be")
        .replace("greater than or equal to", "at least")
        .replace("less than or equal to", "at most")
    )


def _key_in_file(location: tuple[int | str, ...], document: Document) -> Key:
    """Pydantic's location without the names of union members that it puts in between."""
    key: Key = ()
    for part in location:
        longer = (*key, part)
        is_scalar = key in document.places and document.places[key].read_as != "mapping"
        if longer in document.places or part == location[0] or (part in _fields_at(key) and not is_scalar):
            key = longer
    return key


def _fields_at(key: Key) -> dict[str, object]:
    """Fields of the section at `key`; empty when there is no section."""
    section: type[BaseModel] = Configuration
    for part in key:
        if isinstance(part, int):  # a member of the list that the key before names
            continue
        field = section.model_fields.get(part)
        inner = None if field is None else section_in(field.annotation)
        if inner is None:
            return {}
        section = inner
    return dict(section.model_fields)


def _nearest_key(key: Key) -> str:
    """What was probably meant by the unknown `key`: here, or in another section."""
    name = str(key[-1])
    here = list(_fields_at(key[:-1]))
    close = difflib.get_close_matches(name, here, n=1)
    if close:
        return f"did you mean {dotted((*key[:-1], close[0]))!r}?"
    everywhere = {
        field: dotted((section, field))
        for section in Configuration.model_fields
        for field in _fields_at((section,))
    }
    everywhere |= {field: field for field in Configuration.model_fields}
    close = difflib.get_close_matches(name, everywhere, n=1, cutoff=0.8)
    if close:
        return f"did you mean {everywhere[close[0]]!r}?"
    near = difflib.get_close_matches(name, here, n=1, cutoff=0.0)
    return f"the nearest key is {dotted((*key[:-1], near[0]))!r}" if near else "remove it"


def _example(key: Key) -> str:
    examples = getattr(_fields_at(key[:-1]).get(str(key[-1])), "examples", None)
    if not examples:
        return ""
    shown = ", ".join(examples[0]) if isinstance(examples[0], list) else examples[0]
    return f"write `{key[-1]}: [{shown}]`" if isinstance(examples[0], list) else f"write `{key[-1]}: {shown}`"
