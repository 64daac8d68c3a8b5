"""The page as the daemon starts it (`review_page: {enabled: true}`): until it is told to end."""

from __future__ import annotations

import sys
from pathlib import Path

from photo_organizer.config import load_configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.service.status.logs import configure_logging
from photo_organizer.web.server import PageOptions, serve


def main() -> int:
    """Serve the page for the configuration file given as the first argument."""
    try:
        configuration = load_configuration(Path(sys.argv[1]))
        configure_logging(configuration.logging.level, configuration.log_directory)
        options = PageOptions(configuration.review_page.port, idle_minutes=None, ends_when_closed=False)
        serve(configuration, options, lambda _address: None)
    except OrganizerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
