"""The sample file, the schema and the documentation are made from the settings, and are committed as made."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from photo_organizer.config import json_schema, load_configuration, reference_table, sample_configuration
from photo_organizer.config.sample import all_keys, inline, sample_default
from photo_organizer.config.settings import ThresholdSettings

CHECKOUT = Path(__file__).parents[2]


def test_the_sample_means_what_its_comments_say_the_defaults_are(tmp_path: Path) -> None:
    sample = tmp_path / "organizer.yaml"
    sample.write_text(sample_configuration())
    shortest = tmp_path / "shortest.yaml"
    shortest.write_text("inboxes: [~/Pictures/Inbox]\nlibrary: ~/Pictures/Library\n")
    assert load_configuration(sample).model_dump() == load_configuration(shortest).model_dump()


def test_the_sample_takes_other_values_whatever_they_look_like(tmp_path: Path) -> None:
    path = tmp_path / "organizer.yaml"
    odd = ["/a, b", "/c: d", "/# e", "/it's", '/say "x"', "/[f]", "/*g", "/ü"]
    path.write_text(sample_configuration({"inboxes": odd, "library": "/no", "state.directory": "/s t"}))
    configuration = load_configuration(path)
    assert [str(inbox) for inbox in configuration.inbox_paths] == odd
    assert str(configuration.state_directory) == "/s t"


@pytest.mark.parametrize(
    "text", ["no", "null", "1", "1.5", "2024-01-01", "03:00", "", "- a", "a #b", "~", "{x}"]
)
def test_text_is_written_so_that_it_is_read_as_text(text: str) -> None:
    assert yaml.safe_load(inline(text)) == text
    assert yaml.safe_load(f"a: {inline([text])}") == {"a": [text]}


def test_the_checkouts_own_file_is_the_generated_one() -> None:
    expected = sample_configuration({"logging.directory": "../logs"})
    assert (CHECKOUT / "config/organizer.yaml").read_text() == expected, (
        "make it anew: python -m photo_organizer.config.generate"
    )


def test_the_documented_table_is_the_generated_one() -> None:
    assert reference_table() in (CHECKOUT / "docs/configuration.md").read_text(), (
        "make it anew: python -m photo_organizer.config.generate"
    )


@pytest.mark.parametrize("key", [key for key, _, _ in all_keys()])
def test_every_setting_is_described_with_an_example_that_is_accepted(key: str, tmp_path: Path) -> None:
    _, section, name = next(entry for entry in all_keys() if entry[0] == key)
    field = section.model_fields[name]
    assert field.description
    assert field.examples
    for number, example in enumerate(field.examples):
        values: dict[str, object] = {"inboxes": ["in"], "library": "lib"}
        outer, _, inner = key.partition(".")
        value = {inner: example} if inner else example
        if outer == "inboxes[]":
            outer, value = "inboxes", [{"path": "in", inner: example}]
        values[outer] = value
        path = tmp_path / f"{number}.yaml"
        path.write_text("".join(f"{part}: {inline(value)}\n" for part, value in values.items()))
        load_configuration(path)


def test_the_schema_knows_every_key_and_refuses_others() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["inboxes", "library"]
    for key, section, name in all_keys():
        outer, _, inner = key.partition(".")
        node = schema["properties"][outer.removesuffix("[]")]
        if inner:
            node = schema["$defs"][section.__name__]["properties"][inner]
            assert schema["$defs"][section.__name__]["additionalProperties"] is not True
        assert node["description"] == section.model_fields[name].description


def test_a_threshold_for_a_category_is_in_the_schema() -> None:
    extra = json_schema()["$defs"][ThresholdSettings.__name__]["additionalProperties"]
    assert (extra["minimum"], extra["maximum"]) == (0.0, 1.0)


def test_defaults_are_shown_as_yaml() -> None:
    shown = {
        key: inline(sample_default(section, name))
        for key, section, name in all_keys()
        if not section.model_fields[name].is_required()
    }
    assert shown["folders"] == '"{category}"'
    assert shown["watch.ignore"] == "[]"
    assert shown["retraining.enabled"] == "true"
