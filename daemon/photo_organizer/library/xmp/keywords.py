"""The text of our XMP sidecars: one keyword, and how one of ours is told from another program's.

(XMP specification, part 1, 7.2 to 7.9: `dc:subject` is an unordered array, an `rdf:Bag`. Lightroom reads
`lr:hierarchicalSubject` with `|` between the levels, digiKam `digiKam:TagsList` with `/`.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

LARGEST = 16 * 1024  # bytes; ours has some hundred
CATEGORY = "{category}"

_SUBJECT = "<dc:subject><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></dc:subject>"
_LIGHTROOM = (
    '\n  <rdf:Description rdf:about="" xmlns:lr="http://ns.adobe.com/lightroom/1.0/">'
    "<lr:hierarchicalSubject><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></lr:hierarchicalSubject></rdf:Description>"
)
_DIGIKAM = (
    '\n  <rdf:Description rdf:about="" xmlns:digiKam="http://www.digikam.org/ns/1.0/">'
    "<digiKam:TagsList><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></digiKam:TagsList></rdf:Description>"
)
_HEAD = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="smart-photo-organizer">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">"""
_TAIL = """
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def _pattern(template: str) -> str:
    return re.escape(template).replace(re.escape("{}"), "[^<>]*")


_OURS = re.compile(
    f"{re.escape(_HEAD)}{_pattern(_SUBJECT)}</rdf:Description>"
    f"(?:{_pattern(_LIGHTROOM)}{_pattern(_DIGIKAM)})?{re.escape(_TAIL)}"
)
# what the versions before wrote, with the confidence as a keyword of its own
_EARLIER = re.compile(
    re.escape(
        _HEAD.replace(' x:xmptk="smart-photo-organizer"', "").replace(
            ' xmlns:dc="http://purl.org/dc/elements/1.1/"', ""
        )
    )
    + r'<dc:subject xmlns:dc="[^"]*"><rdf:Bag xmlns:rdf="[^"]*">'
    + r'(?:<rdf:li xmlns:rdf="[^"]*">[^<>]*</rdf:li>)+'
    + re.escape("</rdf:Bag></dc:subject></rdf:Description>" + _TAIL)
)


@dataclass(frozen=True, slots=True)
class KeywordSettings:
    """How the keyword is written; `{category}` stands for the category.

    Args:
        keyword: the plain keyword ("{category}", "auto: {category}").
        hierarchy: the same with its levels, `|` between them ("Photos|{category}"); "" for none.
    """

    keyword: str = CATEGORY
    hierarchy: str = ""


def sidecar_text(category: str, settings: KeywordSettings) -> bytes:
    """Return the sidecar that names `category`, and says nothing else."""
    text = _HEAD + _SUBJECT.format(_filled(settings.keyword, category)) + "</rdf:Description>"
    if settings.hierarchy:
        levels = _filled(settings.hierarchy, category)
        text += _LIGHTROOM.format(levels) + _DIGIKAM.format(levels.replace("|", "/"))
    return (text + _TAIL).encode()


def is_ours(sidecar: bytes) -> bool:
    """Return whether every byte of `sidecar` is as we write it: no other program has had a part in it."""
    try:
        text = sidecar.decode()
    except UnicodeDecodeError:
        return False
    return (_OURS.fullmatch(text) or _EARLIER.fullmatch(text)) is not None


def _filled(template: str, category: str) -> str:
    return escape(template.replace(CATEGORY, category))
