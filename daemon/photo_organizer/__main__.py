"""`python -m photo_organizer`: the same as the command `photo-organizer`."""

import sys

from photo_organizer.cli import main

sys.exit(main())
