"""The settings: one YAML file, its validation with line numbers, and everything generated from it."""

from photo_organizer.config.accepted import accepted_configuration, remember_accepted
from photo_organizer.config.configuration import Configuration
from photo_organizer.config.errors import ConfigurationError, Problem
from photo_organizer.config.loading import find_configuration, load_configuration
from photo_organizer.config.sample import json_schema, reference_table, sample_configuration

__all__ = [
    "Configuration",
    "ConfigurationError",
    "Problem",
    "accepted_configuration",
    "find_configuration",
    "json_schema",
    "load_configuration",
    "reference_table",
    "remember_accepted",
    "sample_configuration",
]
