"""The commented sample file, the JSON Schema and the reference table, made from the settings themselves."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel

from photo_organizer.config.configuration import Configuration
from photo_organizer.config.inboxes import InboxSettings
from photo_organizer.config.settings import schema_extra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

WIDTH = 100
PLAIN = re.compile(r"[\w~./][\w~./ -]*(?<! )")  # no character that YAML gives a meaning
HEAD = """\
# Smart Photo Organizer: its settings.
#
# Every key has its default here, so a file with only `inboxes` and `library` is complete. Paths may begin
# with ~ or $VARIABLE; relative ones start at the folder of this file. A running daemon takes a change over as
# soon as the file is saved; `photo-organizer config check` says whether it is right.
"""


def sample_configuration(values: Mapping[str, object] | None = None) -> str:
    """A complete, commented configuration file.

    Args:
        values: what to write instead of the standard value, by dotted key ("logging.directory").
    """
    chosen = dict(values or {})
    lines = [HEAD]
    for name, field in Configuration.model_fields.items():
        lines.append(_comment(field, 0))
        section = section_of(field)
        if section is None:
            lines.append(f"{name}: {_yaml(chosen.get(name, sample_value(Configuration, name)), 0)}")
            if name == "inboxes":
                lines += _inbox_example()
            lines.append("")
            continue
        lines.append(f"{name}:")
        for key, inner in section.model_fields.items():
            lines.append(_comment(inner, 2))
            lines.append(f"  {key}: {_yaml(chosen.get(f'{name}.{key}', sample_value(section, key)), 2)}")
        if name == "thresholds":
            lines.append("  # Food: 0.4")
        lines.append("")
    return "\n".join(lines)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the configuration file."""
    schema = Configuration.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Smart Photo Organizer: organizer.yaml"
    return {key: _without_samples(value) for key, value in schema.items()}


def reference_table() -> str:
    """The settings as a Markdown table: key, default, meaning, example."""
    rows = ["| key | default | meaning | example |", "|---|---|---|---|"]
    for key, section, name in all_keys():
        field = section.model_fields[name]
        default = "required" if field.is_required() else f"`{inline(sample_default(section, name))}`"
        example = f"`{inline(field.examples[0])}`" if field.examples else ""
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{key}` | {default} | {meaning} | {example} |")
    return "\n".join(rows) + "\n"


def all_keys() -> Iterator[tuple[str, type[BaseModel], str]]:
    """Each setting: its dotted key, its section and its name there; those of an inbox with `inboxes[]`."""
    for name, field in Configuration.model_fields.items():
        section = section_of(field)
        if section is None:
            yield name, Configuration, name
            for key in InboxSettings.model_fields if name == "inboxes" else ():
                yield f"{name}[].{key}", InboxSettings, key
        else:
            for key in section.model_fields:
                yield f"{name}.{key}", section, key


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that `field` holds; None when it is a plain value."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def sample_default(section: type[BaseModel], name: str) -> object:
    """The default of a setting, as YAML would have it."""
    return section.model_fields[name].get_default(call_default_factory=True)


def sample_value(section: type[BaseModel], name: str) -> object:
    """What the sample file shows for a setting."""
    shown = schema_extra(section, name, "sample")
    return sample_default(section, name) if shown is None else shown


def _inbox_example() -> Iterator[str]:
    """Yield lines that show an inbox with settings of its own."""
    yield "# An inbox may have settings of its own; what it leaves out is as below:"
    yield "#   - path: ~/Phone/DCIM"
    yield "#     action: copy                # move | copy | link"
    yield "#     library: ~/Pictures/Family"
    yield "#     ignore: [.thumbnails/]"
    yield "# Others: categories, thresholds, folders, duplicates, recursive."


def inline(value: object) -> str:
    """`value` as YAML on one line."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(inline(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return value if reads_as_itself(value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def reads_as_itself(text: str) -> bool:
    """Whether YAML reads `text` without quotes as that very text, also inside a list."""
    if not PLAIN.fullmatch(text):
        return False
    return bool(yaml.safe_load(text) == text)


def _yaml(value: object, indent: int) -> str:
    text = inline(value)
    if isinstance(value, (list, tuple)) and len(text) > WIDTH - 20:
        return "".join(f"\n{' ' * (indent + 2)}- {inline(item)}" for item in value)
    return text


def _comment(field: FieldInfo, indent: int) -> str:
    prefix = " " * indent + "# "
    lines = textwrap.wrap(field.description or "", WIDTH - len(prefix))
    return "\n".join(prefix + line for line in lines)


def _without_samples(node: Any) -> Any:  # noqa: ANN401 (any JSON)
    if isinstance(node, dict):
        return {key: _without_samples(value) for key, value in node.items() if key != "sample"}
    return [_without_samples(item) for item in node] if isinstance(node, list) else node
