"""Generate `config/organizer.yaml` and the table in `docs/configuration.md`.

Run it in a checkout after changing a setting or its description; a test fails until then:

    python -m photo_organizer.config.generate
"""

from __future__ import annotations

import re
from pathlib import Path

from photo_organizer.config.sample import reference_table, sample_configuration

CHECKOUT = Path(__file__).parents[3]
TABLE = re.compile(r"(?<=<!-- settings: begin -->\n).*?(?=<!-- settings: end -->)", re.DOTALL)


def main() -> None:
    """Update both files."""
    sample = sample_configuration({"logging.directory": "../logs"})
    (CHECKOUT / "config/organizer.yaml").write_text(sample, encoding="utf-8")
    documentation = CHECKOUT / "docs/configuration.md"
    text = documentation.read_text(encoding="utf-8")
    documentation.write_text(TABLE.sub(lambda _: reference_table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
