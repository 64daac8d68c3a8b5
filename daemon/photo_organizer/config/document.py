"""Read a YAML file as plain values, with the line and the original text of each.

Only what a settings file needs is accepted: one mapping with text keys, no tags, no anchors, no key twice.
Values are constructed by PyYAML's safe constructor. The original text is kept because YAML silently converts
some words (`no`, `2024`, `03:00`), and errors quote what the owner wrote.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from photo_organizer.config.errors import ConfigurationError, Problem
from photo_organizer.typed_command import typed

LARGEST_FILE = 1 << 20  # bytes
DEEPEST = 20  # levels of nesting

type_names = {
    "bool": "yes or no (true/false)",
    "int": "a number",
    "float": "a number",
    "null": "empty (null)",
    "timestamp": "a date",
}

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """A value's line (from 1), its original text, and its YAML type."""

    line: int
    text: str
    read_as: str


@dataclass(slots=True)
class Document:
    """The values of a file and their places; keys of `places` are paths such as ("watch", "mode")."""

    path: Path
    values: dict[str, object]
    places: dict[Key, DocumentPlace] = field(default_factory=dict)

    def line(self, key: Key) -> int:
        """Return the line of the value at `key`, or of the nearest enclosing value in the file."""
        while key and key not in self.places:
            key = key[:-1]
        return self.places[key].line if key else 0


def read_document(path: Path) -> Document:
    """Parse the file `path`.

    Raises:
        ConfigurationError: the file cannot be read, or is not one plain YAML mapping.
    """
    return parse_document(read_text(path), path)


def read_text(path: Path) -> str:
    """Return the text of `path`, which must be UTF-8; a byte order mark is allowed."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            path,
            [Problem("no such configuration file", remedy=f"create one with `{typed('init')}`")],
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(path, [Problem(f"cannot be read: {reason}")]) from error
    if len(content) > LARGEST_FILE:
        raise ConfigurationError(path, [Problem("is larger than 1 MB")])
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        problem = Problem(f"is not UTF-8 text (byte 0x{byte:02x})", line, remedy="save the file as UTF-8")
        raise ConfigurationError(path, [problem]) from error


def parse_document(text: str, path: Path) -> Document:
    """Parse `text`; `path` is used only in errors."""
    try:
        refuse_sharing(text, path)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError(path, [syntax_problem(error, text)]) from error
    except yaml.YAMLError as error:  # a character that YAML does not allow
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        raise ConfigurationError(
            path, [Problem("contains a character that YAML does not allow", line)]
        ) from error
    if node is None:
        remedy = f"create one with `{typed('init')}`"
        raise ConfigurationError(path, [Problem("is empty", remedy=remedy)])
    if not isinstance(node, yaml.MappingNode):
        problem = Problem("is not a list of `key: value` lines", node.start_mark.line + 1)
        raise ConfigurationError(path, [problem])
    reader = _NodeReader()
    values = reader.mapping(node, ())
    if reader.problems:
        raise ConfigurationError(path, reader.problems)
    return Document(path, values, reader.places)


def refuse_sharing(text: str, path: Path) -> None:
    """Refuse anchors, aliases and excessive nesting, which settings never need."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            remedy = f'put the pattern in quotes: "*{event.anchor}"'
            raise ConfigurationError(path, [Problem(f"*{event.anchor} is a YAML alias", line, remedy=remedy)])
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            remedy = "write the value out, or put it in quotes"
            problem = Problem(f"&{event.anchor} is a YAML anchor", line, remedy=remedy)
            raise ConfigurationError(path, [problem])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise ConfigurationError(path, [Problem("is nested too deeply", line)])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """Describe an error of the YAML parser for people."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    lines = text.splitlines()
    written = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return Problem("is indented with a tab", line, remedy="use spaces")
    if error.problem and "'\\t'" in error.problem:
        return Problem("has a tab where YAML allows only spaces", line, remedy="use spaces")
    if error.problem and "single document" in (error.context or ""):
        return Problem("contains a second document (---)", line, remedy="keep only one")
    if written.lstrip(" -").partition(": ")[2].startswith("*") or "alias" in (error.context or ""):
        return Problem("begins a value with *", line, remedy='put the pattern in quotes, as in "*.tmp"')
    return Problem(f"is not YAML: {error.problem or error.context}", line)


class _NodeReader:
    """Converts composed YAML nodes to dicts, tuples and scalars, and collects problems."""

    def __init__(self) -> None:
        self.places: dict[Key, DocumentPlace] = {}
        self.problems: list[Problem] = []
        self._constructor = yaml.constructor.SafeConstructor()

    def mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            name = self._name(key_node, key)
            if name is None:
                continue
            if name in values:
                first = self.places[*key, name].line
                self._problem(f"is given twice (first in line {first})", line, (*key, name))
                continue
            values[name] = self._value(value_node, (*key, name))
            # an error in a value names the line of its key
            place = self.places[*key, name]
            self.places[*key, name] = DocumentPlace(line, place.text, place.read_as)
        return values

    def _name(self, node: yaml.Node, around: Key) -> str | None:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode):
            self._problem("has a list or mapping as a key", line, around)
            return None
        read_as = tag_name(node)
        if read_as != "str":
            reading = type_names.get(read_as, read_as)
            what = f"the key {node.value} is read by YAML as {reading}"
            self._problem(what, line, around, in_quotes(node.value))
            return None
        return str(node.value)

    def _value(self, node: yaml.Node, key: Key) -> object:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            self.places[key] = DocumentPlace(line, "", "mapping")
            return self.mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            self.places[key] = DocumentPlace(line, "", "list")
            return tuple(self._value(item, (*key, index)) for index, item in enumerate(node.value))
        self.places[key] = DocumentPlace(line, str(node.value), tag_name(node))
        try:
            return self._constructor.construct_document(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            what = f"{node.value!r} cannot be read as {tag_name(node)}"
            self._problem(what, line, key, in_quotes(node.value))
            return None

    def _problem(self, what: str, line: int, key: Key, remedy: str = "") -> None:
        self.problems.append(Problem(what, line, dotted(key), remedy))


def tag_name(node: yaml.Node) -> str:
    """Return the YAML type of the node: "str", "int", "bool", ..., or the tag as written."""
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def in_quotes(text: str) -> str:
    """Return the remedy for text that YAML reads as another type."""
    return f'write it in quotes: "{text}"'


def dotted(key: Key) -> str:
    """Return a key as text: `("inboxes", 0)` as "inboxes[1]"."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part}" if text else part
    return text
