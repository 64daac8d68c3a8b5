"""What the names of phones, cameras and programs say about which files belong together. No file is read.

All comparing is without regard to case and to how accents are composed (macOS decomposes them).

The schemes, and where they come from:

- Apple: `IMG_1234.HEIC` with `IMG_1234.MOV` (Live Photo), `IMG_1234.AAE` and `IMG_O1234.AAE` (edits),
  `IMG_E1234.HEIC|JPG|MOV` (the edited rendering).
- Sidecars of programs: `x.xmp` (Lightroom) and `x.jpg.xmp` (darktable, digiKam), `x_01.jpg.xmp` (darktable's
  second version of it), `x.jpg.pp3` (RawTherapee),
  `x.nef.dop` (DxO), `x.thm` (cameras).
- RAW and JPEG: `DSC_1.NEF` with `DSC_1.JPG`.
- icloudpd: `IMG_1234_HEVC.MOV` (the Live Photo of `IMG_1234.HEIC`).
- Google: burst, portrait and RAW sets with one `_COVER` or `.COVER` (`PXL_1.RAW-01.COVER.jpg` with
  `PXL_1.RAW-02.ORIGINAL.dng`), Motion Photos (`PXL_1.MP.jpg` with `PXL_1.MP`), `x~2.jpg` (an edited copy).
- Google Takeout: `x.jpg.json`, `x.jpg.supplemental-metadata.json`; the part before `.json` is cut at 46
  characters, so that the name is 51 long; `x(1).jpg` has `x.jpg(1).json`; `x-edited.jpg` shares the JSON of
  `x.jpg`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from photo_organizer.formats import COMPANION_EXTENSIONS, LIVE_VIDEO_EXTENSIONS, by_extension, extension_of

_TAKEOUT_LENGTH = 46
_TAKEOUT_TAIL = ".supplemental-metadata"
_APPLE_VARIANT = re.compile(r"(img_)[eo](\d{3,}.*)", re.DOTALL)
_APPLE_EDITED = re.compile(r"img_e\d{3,}", re.DOTALL)
_EDITED_WORDS = (
    "edited|effects|bearbeitet|modifié|modificato|(?:ha )?editado|editat|bewerkt|edytowane|upravené|編集済み"
)
_TAKEOUT_EDITED = re.compile(rf"(.+)-(?:{_EDITED_WORDS})(\(\d{{1,4}}\))?", re.DOTALL)
_GOOGLE_BURST = re.compile(
    r"(?:\d{5}[a-z]{0,2})?(?:img|portrait|mvimg|night|top|xtr)_\d{5}_(burst\d{14,17})(?:_cover)?", re.DOTALL
)
_COUNTED_BURST = re.compile(r"(.+_burst)\d{3}(?:_cover)?", re.DOTALL)
_PIXEL = re.compile(r"(pxl_\d{8}_\d{9})(?:[.~].*)?", re.DOTALL)
_PIXEL_SET = re.compile(r"(pxl_\d{8}_\d{9}\.[a-z]+)-\d\d(?:\..*)?", re.DOTALL)
_COPY = re.compile(r"(.+)~\d{1,2}", re.DOTALL)
_VERSION = re.compile(r"(.+)_\d\d(\.[^.]+)", re.DOTALL)
_LIVE_SUFFIX = "_hevc"
_COUNTER = re.compile(r"(.*)(\(\d{1,4}\))", re.DOTALL)


def folded(name: str) -> str:
    """`name` in the form in which names are compared. Undecodable bytes stay as they are."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def stem(folded_name: str) -> str:
    """The name without its last extension."""
    dot = folded_name.rfind(".")
    return folded_name[:dot] if dot > 0 else folded_name


def family(folded_stem: str) -> str:
    """What the original, its edited rendering and the photos of its burst have in common."""
    if folded_stem.startswith(("img_e", "img_o")) and (apple := _APPLE_VARIANT.fullmatch(folded_stem)):
        return apple[1] + apple[2]
    if "-" in folded_stem and (edited := _TAKEOUT_EDITED.fullmatch(folded_stem)):
        return family(edited[1] + (edited[2] or ""))  # `x-edited(1).jpg` belongs to `x(1).jpg`
    if pixel := _PIXEL.fullmatch(folded_stem):
        return pixel[1]
    if "~" in folded_stem and (copy := _COPY.fullmatch(folded_stem)):
        return copy[1]
    burst = _burst(folded_stem)
    return burst[1] if burst else folded_stem


def is_edited(folded_stem: str) -> bool:
    """Whether the name is that of an edited rendering of another photo."""
    return any(
        (
            _APPLE_EDITED.match(folded_stem),
            _TAKEOUT_EDITED.fullmatch(folded_stem),
            _COPY.fullmatch(folded_stem),
        )
    )


def is_burst(folded_stem: str) -> bool:
    """Whether the name is that of one photo out of a burst."""
    return _burst(folded_stem) is not None


def _burst(folded_stem: str) -> re.Match[str] | None:
    if folded_stem.startswith("pxl_"):
        return _PIXEL_SET.fullmatch(folded_stem)
    if "_burst" not in folded_stem:
        return None
    return _GOOGLE_BURST.fullmatch(folded_stem) or _COUNTED_BURST.fullmatch(folded_stem)


def is_cover(folded_stem: str) -> bool:
    """Whether the phone chose this photo to stand for its burst."""
    return folded_stem.endswith(("_cover", ".cover"))


def may_accompany(name: str) -> bool:
    """Whether a file of this name can be a photo's companion."""
    return extension_of(name) in COMPANION_EXTENSIONS


def photo_keys(name: str) -> tuple[str, ...]:
    """Every key under which a companion may look for the photo `name`, the most telling first."""
    whole = folded(name)
    own_stem = stem(whole)
    return (f"name {whole}", f"stem {own_stem}", f"cut {_takeout_cut(whole)}", f"family {family(own_stem)}")


def family_of(name: str) -> str:
    """What the names of photos which belong together have in common."""
    return family(stem(folded(name)))


def companion_keys(name: str) -> Iterator[str]:
    """The keys under which the companion `name` looks for its photo, the most telling first."""
    whole = folded(name)
    base = stem(whole)
    yield f"name {base}"
    if whole.endswith(".json"):
        yield from _takeout_keys(base)
    yield f"stem {base}"
    yield f"stem {whole}"  # Motion Photo: `PXL_1.MP` of `PXL_1.MP.jpg`
    yield f"family {family(base)}"
    if base.endswith(_LIVE_SUFFIX):
        yield f"stem {base.removesuffix(_LIVE_SUFFIX)}"
    if extension_of(base) in LIVE_VIDEO_EXTENSIONS:  # `x.mov.json`, of the video of a Live Photo
        yield f"stem {stem(base)}"
    if by_extension(base) is not None:  # `x.nef.xmp` where only `x.jpg` or `x-edited.nef` is known
        yield f"family {family(stem(base))}"
        if version := _VERSION.fullmatch(base):
            yield f"name {version[1]}{version[2]}"


def _takeout_keys(base: str) -> Iterator[str]:
    """Keys for the part of a Takeout JSON's name that stands before `.json`."""
    counter = _COUNTER.fullmatch(base)
    plain, number = (counter[1], counter[2]) if counter else (base, "")
    untailed = _without_tail(plain)
    for title in dict.fromkeys((plain, untailed)):
        yield f"name {_counted(title, number)}"
    if len(plain) == _TAKEOUT_LENGTH:
        yield f"cut {plain}{number}"
    for title in dict.fromkeys((plain, untailed)):
        if by_extension(title) is not None:
            yield f"family {family(stem(_counted(title, number)))}"


def _without_tail(plain: str) -> str:
    """`img.jpg.supplemental-me` → `img.jpg`: the tail may be cut anywhere, even after its dot."""
    dot = plain.rfind(".")
    return plain[:dot] if dot > 0 and _TAKEOUT_TAIL.startswith(plain[dot:]) else plain


def _counted(title: str, number: str) -> str:
    """`img.jpg`, `(1)` → `img(1).jpg`."""
    if not number:
        return title
    own_stem = stem(title)
    return own_stem + number + title[len(own_stem) :]


def _takeout_cut(whole: str) -> str:
    """How Takeout cuts the name of this photo's JSON, `.json` left out and the counter at the end."""
    own_stem = stem(whole)
    counter = _COUNTER.fullmatch(own_stem)
    plain, number = (counter[1], counter[2]) if counter else (own_stem, "")
    return (plain + whole[len(own_stem) :] + _TAKEOUT_TAIL)[:_TAKEOUT_LENGTH] + number
