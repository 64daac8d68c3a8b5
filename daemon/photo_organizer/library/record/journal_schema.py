"""The journal's tables."""

VERSION = 5

SCHEMA = (
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE category_lists (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE)",
    """CREATE TABLE operations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch TEXT NOT NULL,
        kind TEXT NOT NULL,
        state INTEGER NOT NULL,
        time TEXT NOT NULL,
        sha256 BLOB NOT NULL,
        source_root INTEGER NOT NULL,
        destination_root INTEGER NOT NULL,
        category TEXT NOT NULL,
        confidence REAL,
        second_category TEXT NOT NULL,
        second_confidence REAL,
        threshold REAL,
        model TEXT NOT NULL,
        engine TEXT NOT NULL,
        decoder TEXT NOT NULL,
        categories INTEGER REFERENCES category_lists,
        probabilities TEXT NOT NULL,
        reason TEXT NOT NULL,
        parent INTEGER REFERENCES operations,
        label TEXT NOT NULL,
        undone_by INTEGER REFERENCES operations,
        reserved INTEGER NOT NULL DEFAULT 0,
        manner TEXT NOT NULL DEFAULT 'move',
        taken TEXT NOT NULL DEFAULT '',
        observed INTEGER NOT NULL DEFAULT 0,
        camera TEXT NOT NULL DEFAULT ''
    )""",
    # so small that a million finished operations cost nothing at start
    "CREATE INDEX unfinished ON operations (id) WHERE state < 2",
    "CREATE INDEX by_sha256 ON operations (sha256)",
    "CREATE INDEX by_batch ON operations (batch)",
    "CREATE INDEX by_parent ON operations (parent) WHERE parent IS NOT NULL",
    """CREATE TABLE moves (
        operation INTEGER NOT NULL REFERENCES operations,
        position INTEGER NOT NULL,
        source BLOB NOT NULL,
        destination BLOB NOT NULL,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sha256 BLOB,
        PRIMARY KEY (operation, position)
    ) WITHOUT ROWID""",
    "CREATE INDEX by_source ON moves (source)",
    "CREATE INDEX by_destination ON moves (destination)",
    """CREATE TABLE held (
        path BLOB PRIMARY KEY,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        operation INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE TABLE made_folders (path BLOB PRIMARY KEY, inode INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE totals (kind TEXT PRIMARY KEY, photos INTEGER NOT NULL) WITHOUT ROWID",
)

CHANGES = {
    1: ("ALTER TABLE operations ADD COLUMN manner TEXT NOT NULL DEFAULT 'move'",),
    2: (
        "ALTER TABLE operations ADD COLUMN taken TEXT NOT NULL DEFAULT ''",
        # folders that were made for photos; they go again when they are empty
        "CREATE TABLE made_folders (path BLOB PRIMARY KEY, inode INTEGER NOT NULL) WITHOUT ROWID",
    ),
    3: (
        "ALTER TABLE operations ADD COLUMN observed INTEGER NOT NULL DEFAULT 0",
        "UPDATE operations SET observed = 1 WHERE kind = 'corrected'",
    ),
    4: ("ALTER TABLE operations ADD COLUMN camera TEXT NOT NULL DEFAULT ''",),
}
"""What brings a journal of an older version to the next one."""
