"""Which files are one photo: one rule for the inbox, the library, the label scan and the dry run."""
