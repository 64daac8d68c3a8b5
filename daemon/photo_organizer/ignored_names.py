"""Names that are nobody's photo: unfinished files, and what systems and other programs keep for themselves.

The photos in another program's library, in a trash or in a snapshot have an owner already: taking them out
would break that library, or bring back what somebody threw away. Standard library only.
"""

from __future__ import annotations

import re

_UNFINISHED = (
    "~", ".bak", ".orig", ".swp", ".tmp", ".temp", ".temporary", ".part", ".partial", ".filepart",
    ".ftppart", ".rclonepart", ".uploadpart", ".dlpart", ".dtapart", ".syncpart", ".crdownload",
    ".download", ".downloading", ".opdownload", ".fdmdownload", ".adadownload", ".qkdownload", ".uploading",
    ".upload", ".inprogress", ".in_progress", ".incomplete", ".unfinished", ".unconfirmed", ".pending",
    ".aria2", ".ytdl", ".mega", ".xltd", ".td", ".!ut", ".!qb", ".!bt", ".!sync", ".bts", ".bc!", ".jc!",
    ".ob!", ".gstmp", ".synctmp", ".ffs_tmp", ".ffs_lock", ".lftp-pget-status", ".tmp.chck",
    # a file that is not here yet: Nextcloud, ownCloud, iCloud, odrive
    ".nextcloud", ".owncloud", ".icloud", ".cloud", ".cloudf",
)  # fmt: skip
_SAFE_SAVE = re.compile(r".+\.sb-[0-9a-f]{8}-[a-z0-9]{6}", re.DOTALL)  # macOS, while it replaces a file

_NAMES = frozenset(
    {
        # Windows
        "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler",
        "recycled", "recycle bin", "system volume information", "dfsrprivate", "$windows.~bt",
        "windows.old", "msocache",
        # macOS and what it leaves on other disks
        "icon\r", "__macosx", "network trash folder", "temporary items", "thevolumesettingsfolder",
        "desktop db", "desktop df", "photo booth library", "iphoto library", "ipod photo cache",
        # Linux, Android, iOS
        "lost+found", "lost.dir", "timeshift", "timeshift-btrfs", "@snapshots", "photodata",
        # NAS systems
        "#recycle", "#snapshot", "~snapshot", "@eadir", "@tmp", "@sharebin", "@sharesnap", "@quarantine",
        "@database", "#synorecycle", "@recycle", "@recently-snapshot", "@__thumb", "@transcode", "@qtmp",
        "trashbox", "network recycle bin 1", "nas_prog",
        # sync and backup programs
        "files_trashbin", "files_versions", "seafile-data", "_gsdata_", "sync.ffs_db", "rdiff-backup-data",
        # photo programs
        "picasa.ini", "zbthumbnail.info", "xnview.db", "fsviewer.db", "[originals]", "corel auto-preserve",
        "captureone", "nksc_param", "silkypix_ds", "pwg_high", "pwg_representative", "recently deleted",
        "lightroom catalog", "trash",
    }
)  # fmt: skip
_BEGINNINGS = re.compile(
    r"\.|~\$|~syncthing~|@syno|@gmt-|synofile_thumb|synophoto_thumb|synophoto_film|appdata_oc|found\.\d{3}$"
    r"|luminar.* catalog$"
)
_LIBRARIES = (
    # Apple Photos, iPhoto, Aperture, iMovie, Final Cut and their kin
    ".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary", ".migratedaplibrary",
    ".approject", ".imovielibrary", ".imovieproject", ".rcproject", ".fcpbundle", ".fcpcache", ".theater",
    ".tvlibrary", ".musiclibrary", ".dvdproj",
    # Lightroom, Capture One, ON1, Luminar, Eagle, Pixave
    ".lrdata", ".lrlibrary", ".lrcat-data", ".cocatalog", ".cosessiondb", ".luminarneo", ".library",
    ".pixavelibrary",
    # programs, documents and disk images that are folders
    ".app", ".bundle", ".framework", ".xcassets", ".sparsebundle", ".backupbundle", ".backupdb", ".pages",
    ".numbers", ".key", ".graffle", ".rtfd", ".logicx", ".band",
)  # fmt: skip

MARKERS = (".immich", ".ppstorage", ".ocdata", "CACHEDIR.TAG")
"""Files by which a program says that the folder is its own: Immich, PhotoPrism, Nextcloud, and any cache."""

NO_PHOTOS = ".nophotos"
"""The file by which its owner says that nothing, or not everything, in a folder is to be filed."""


def is_ignored(name: str) -> bool:
    """Return whether a file or folder of this name is never looked at."""
    lower = name.lower()
    return (
        lower in _NAMES
        or _BEGINNINGS.match(lower) is not None
        or lower.endswith(_LIBRARIES)
        or is_unfinished(name)
    )


def is_unfinished(name: str) -> bool:
    """Return whether a program gives such a name to a file that it is still writing or keeps aside."""
    lower = name.lower()
    return lower.endswith(_UNFINISHED) or (".sb-" in lower and _SAFE_SAVE.fullmatch(lower) is not None)
