"""Write what is made from the commands: `python -m photo_organizer.cli.setup.generate`.

A test fails until that was done after a change of the commands.
"""

from __future__ import annotations

from pathlib import Path

from photo_organizer.cli.setup.completion import SHELLS, script
from photo_organizer.cli.setup.manual import manual

_CHECKOUT = Path(__file__).parents[4]


def generated() -> dict[Path, str]:
    """Return the files of the checkout, with their contents."""
    folder = _CHECKOUT / "docs/man"
    scripts = {folder / f"completion.{shell}": script(shell) for shell in SHELLS}
    return {folder / "photo-organizer.1": manual(), **scripts}


if __name__ == "__main__":
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
