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
- Google Takeout: `x.jpg.json`, `x.jpg.supplemental-metadata.json`, `x.supplemental-metadata.json`. What
  stands before `.json` is cut at 46 UTF-16 units, wherever that falls; `x(1).jpg` has
  `x.jpg(1).json` or `x.jpg.supplemental-metadata(1).json`. `x-edited.jpg`, in the owner's language and cut as
  well, shares the JSON of `x.jpg`.
- Edited renderings of other programs: `x-Edit.tif` (Lightroom), `x_edited.jpeg` (osxphotos), `x-adjusted.jpg`
  (icloudpd), `x_edit_1577000000.jpg` (Xiaomi, Huawei), `x-Enhanced-NR.dng` (Lightroom), `x_DxO.jpg`.
- What a program keeps: `x.jpg_original` (exiftool).
- Cameras: `x.srt`, `x.lrf` (DJI), `GL010001.LRV` of `GX010001.MP4` (GoPro), `LRV_..._11_001.lrv` of
  `VID_..._00_001.insv` (Insta360), `C0001M01.XML` of `C0001.MP4` (Sony), `SND_0001.WAV` of `IMG_0001.JPG`
  (Canon).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from photo_organizer.companions.kinds import LIVE_VIDEO_EXTENSIONS, is_kept_original
from photo_organizer.formats import IMAGE_FORMATS, by_extension, extension_of

_TAKEOUT_LENGTH = 46
_TAKEOUT_TAIL = ".supplemental-metadata"
_APPLE_VARIANT = re.compile(r"(img_)[eo](\d{3,}.*)", re.DOTALL)
_APPLE_EDITED = re.compile(r"img_e\d{3,}", re.DOTALL)
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
_CLIP = re.compile(r"(.+)m\d\d", re.DOTALL)
_PROXY = re.compile(r"lrv_(\d{8}_\d{6})_\d\d_(.+)", re.DOTALL)
_MEMO = re.compile(r"snd_(\d{4})", re.DOTALL)


def folded(name: str) -> str:
    """`name` in the form in which names are compared. Undecodable bytes stay as they are."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def stem(folded_name: str) -> str:
    """The name without its last extension."""
    dot = folded_name.rfind(".")
    return folded_name[:dot] if dot > 0 else folded_name


_EDITED_IN = (
    "edited", "bearbeitet", "modifié", "modificato", "modificata", "editado", "ha editado", "editada",
    "editat", "bewerkt", "edytowane", "upravené", "upraveno", "redigerad", "redigeret", "redigert",
    "muokattu", "szerkesztett", "szerkesztve", "editată", "düzenlendi", "düzenlenmiş", "επεξεργασμένο",
    "изменено", "отредактировано", "редактирано", "відредаговано", "змінено", "uređeno", "уређено",
    "urejeno", "redaguota", "rediģēts", "muudetud", "diedit", "đã chỉnh sửa", "แก้ไขแล้ว", "編集済み",
    "已編輯", "已编辑", "编辑", "편집됨", "수정됨", "נערך", "معدلة",
)  # fmt: skip
"""What Google Photos appends to the name of an edited photo, by the language of its owner."""

_EDITED_BY = (
    r"edit|adjusted|retouched|enhanced(?:-[a-z]{2})*|dxo(?:[-_ ]?deepprime[a-z0-9 ]*)?|snapseed|fotor"
)
_RENDERED = "effects|smile|mix|alternative|medium|thumb"
"""Google's automatic renderings and icloudpd's other sizes, which are also words that people use."""

_WORDS = tuple(folded(word) for word in _EDITED_IN)
_EDITED = re.compile(
    r"(.+?)(?:[-_ ](?:{words})|[-_ ]edit(?:ed)?[-_ ]\d{{1,14}}| ?\((?:{words})\)|-(?:{rendered}))"
    r"(\(\d{{1,4}}\))?".format(words="|".join((*_WORDS, _EDITED_BY)), rendered=_RENDERED),
    re.DOTALL,
)
_NUMBERED = ("edit", "dxo")
"""What a stem contains when it is edited and ends in a digit; nearly all others need not be matched."""

_CUT_EDITED = re.compile(r"(.+)-([^-]{2,})(\(\d{1,4}\))?", re.DOTALL)
_CUT_FROM = 45  # characters in a stem that Takeout may have cut


def _edited(folded_stem: str) -> re.Match[str] | None:
    """Match the stem of an edited rendering: the original's stem first, a counter last."""
    if folded_stem[-1:].isdigit() and not any(word in folded_stem for word in _NUMBERED):
        return None
    if found := _EDITED.fullmatch(folded_stem):
        return found
    cut = _CUT_EDITED.fullmatch(folded_stem) if len(folded_stem) >= _CUT_FROM else None
    return cut if cut is not None and any(word.startswith(cut[2]) for word in _WORDS) else None


def family(folded_stem: str) -> str:
    """Return what the original, its edited rendering and the photos of its burst have in common."""
    if folded_stem.startswith(("img_e", "img_o")) and (apple := _APPLE_VARIANT.fullmatch(folded_stem)):
        return apple[1] + apple[2]
    if edited := _edited(folded_stem):  # `x-edited(1).jpg` belongs to `x(1).jpg`
        return family(edited[1] + (edited[edited.re.groups] or ""))
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
            _edited(folded_stem),
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


def photo_keys(name: str) -> tuple[str, ...]:
    """Return every key under which a companion may look for the photo `name`, the most telling first."""
    whole = folded(name)
    own_stem = stem(whole)
    return (
        f"name {whole}",
        f"stem {own_stem}",
        *(f"cut {cut}" for cut in _takeout_cuts(name)),
        *(f"family {each}" for each in families_of(name)),
    )


def families_of(name: str) -> tuple[str, ...]:
    """Return what the names of photos which belong together have in common, the most likely first.

    `x-edited(1).jpg` is the edited rendering of `x(1).jpg`, or the second one of `x.jpg` where that is all.
    """
    own_stem = stem(folded(name))
    first = family(own_stem)
    edited = _edited(own_stem)
    if edited is None or not edited[edited.re.groups]:
        return (first,)
    return first, family(edited[1])


def companion_keys(name: str) -> Iterator[str]:
    """Yield the keys under which the companion `name` looks for its photo, the most telling first."""
    if is_kept_original(name):
        name = name[: -len("_original")]
        yield f"name {folded(name)}"
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
    if extension_of(base) in LIVE_VIDEO_EXTENSIONS:  # `x.mov.xmp`, of the video of a Live Photo
        yield f"stem {stem(base)}"
    if by_extension(base) is not None:  # `x.nef.xmp` where only `x.jpg` or `x-edited.nef` is known
        yield f"family {family(stem(base))}"
        if version := _VERSION.fullmatch(base):
            yield f"name {version[1]}{version[2]}"
    yield from _camera_keys(base, extension_of(whole))


def _camera_keys(base: str, extension: str) -> Iterator[str]:
    """Yield keys for what cameras do not name as they name the picture."""
    if extension == ".xml" and (clip := _CLIP.fullmatch(base)):
        yield f"stem {clip[1]}"
    if extension == ".lrv" and base.startswith("gl"):
        yield f"stem gx{base[2:]}"
        yield f"stem gh{base[2:]}"
    if extension == ".lrv" and (proxy := _PROXY.fullmatch(base)):
        yield f"stem vid_{proxy[1]}_00_{proxy[2]}"
    if extension == ".wav" and (memo := _MEMO.fullmatch(base)):
        yield f"stem img_{memo[1]}"
        yield f"stem _mg_{memo[1]}"


def _takeout_keys(base: str) -> Iterator[str]:
    """Yield keys for the part of a Takeout JSON's name that stands before `.json`."""
    plain, number = _without_counter(base)
    titles = {plain: number}
    untailed = _without_tail(plain)
    if untailed != plain:
        inner, inner_number = _without_counter(untailed)
        titles[untailed] = number
        if inner_number and not number:  # `img.jpg(1).supplemental-metadata.json`
            titles[inner] = inner_number
    counted = [_counted(title, number) for title, number in titles.items()]
    yield from (f"name {title}" for title in counted)
    yield f"cut {plain}{number}"
    for title in counted:
        if by_extension(title) is not None:
            yield f"family {family(stem(title))}"
        elif _is_cut_extension(extension_of(title)) or extension_of(title) in LIVE_VIDEO_EXTENSIONS:
            yield f"stem {stem(title)}"  # `img.jp.json`; `img.mov.json`, of the video of a Live Photo
            yield f"family {family(stem(title))}"
        else:  # `img.supplemental-metadata.json`
            yield f"stem {title}"
            yield f"family {family(title)}"


def _is_cut_extension(extension: str) -> bool:
    """Return whether it is the beginning of an image's extension, and more than its dot."""
    return len(extension) > 1 and extension in _CUT_EXTENSIONS


_CUT_EXTENSIONS = frozenset(
    extension[:length]
    for image_format in IMAGE_FORMATS
    for extension in image_format.extensions
    for length in range(2, len(extension))
)


def _without_counter(plain: str) -> tuple[str, str]:
    """Return `img.jpg(1)` as `img.jpg` and `(1)`."""
    counter = _COUNTER.fullmatch(plain)
    return (counter[1], counter[2]) if counter else (plain, "")


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


def _takeout_cuts(name: str) -> Iterator[str]:
    """Yield how Takeout cuts the name of this photo's JSON, `.json` left out: none when it is short enough.

    A counter goes to the end, unless it is a part of the title.
    """
    title = unicodedata.normalize("NFC", name)
    if len(title) <= _TAKEOUT_LENGTH // 2:
        return
    own_stem = stem(title)
    plain, number = _without_counter(own_stem)
    for beginning, end in dict.fromkeys(((plain, number), (own_stem, ""))):
        units = (beginning + title[len(own_stem) :]).encode("utf-16-le", "surrogatepass")
        if len(units) > 2 * _TAKEOUT_LENGTH:
            yield folded(units[: 2 * _TAKEOUT_LENGTH].decode("utf-16-le", "ignore")) + end
