"""Keywords in an XMP sidecar: a new one, or added to one that exists without touching the rest of it.

An existing sidecar is not parsed and written anew, which would lose comments, prefixes and the layout of
other
programs: the place is found by the parser, and the text is put in there.
(XMP specification, part 1, 7.2 to 7.9; `dc:subject` is an unordered array, an `rdf:Bag`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape

from photo_organizer.errors import OrganizerError

LARGEST = 4 * 1024 * 1024  # bytes; a sidecar with a whole editing history has some hundred KB
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_ARRAYS = {f"{_RDF} {kind}" for kind in ("Bag", "Seq", "Alt")}
_NEW = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""></rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


class XmpError(OrganizerError):
    """A sidecar that keywords cannot be added to: it is left as it is."""


@dataclass(frozen=True, slots=True)
class End:
    """Where an element ends: at the byte of its end tag, or, when it has none, behind its `/>`."""

    start: int
    index: int
    of_empty_element: bool


def new_sidecar(keywords: Sequence[str]) -> bytes:
    """A sidecar that says nothing but these keywords."""
    return with_keywords(_NEW.encode(), keywords)


def with_keywords(sidecar: bytes, keywords: Sequence[str]) -> bytes:
    """`sidecar` with those of `keywords` that it lacks; every other byte as it was.

    Raises:
        XmpError: it is no XMP in UTF-8, or too large to be one.
    """
    if len(sidecar) > LARGEST:
        raise XmpError("the sidecar is too large to be one")
    found = _Finder().find(sidecar)
    missing = [keyword for keyword in keywords if keyword not in found.keywords]
    if not missing:
        return sidecar
    items = "".join(f'<rdf:li xmlns:rdf="{_RDF}">{escape(keyword)}</rdf:li>' for keyword in missing)
    if found.array_end is not None:
        return _inserted(sidecar, found.array_end, items)
    bag = f'<rdf:Bag xmlns:rdf="{_RDF}">{items}</rdf:Bag>'
    if found.has_subject or found.description_end is None:
        raise XmpError("the sidecar has no place for keywords where others put it")
    return _inserted(sidecar, found.description_end, f'<dc:subject xmlns:dc="{_DC}">{bag}</dc:subject>')


def _inserted(sidecar: bytes, end: End, text: str) -> bytes:
    """`text` put before an end tag; an empty element (`<a/>`) is opened for it."""
    if not end.of_empty_element:
        return sidecar[: end.index] + text.encode() + sidecar[end.index :]
    start = sidecar[end.start : end.index - 2]
    name = start[1:].split(None, 1)[0]
    return sidecar[: end.start] + start + b">" + text.encode() + b"</" + name + b">" + sidecar[end.index :]


class _Finder:
    """Where in a sidecar keywords belong, by byte offsets, and which are there."""

    def __init__(self) -> None:
        self.keywords: set[str] = set()
        self.has_subject = False
        self.array_end: End | None = None
        self.description_end: End | None = None
        self._sidecar = b""
        self._path: list[tuple[str, int]] = []
        self._subjects = 0  # how many dc:subject we are inside of
        self._is_empty = False
        self._item: list[str] = []
        self._parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse

    def find(self, sidecar: bytes) -> _Finder:
        if b"\0" in sidecar:  # the parser would read UTF-16 all the same, and count other bytes than ours
            raise XmpError("the sidecar is no XML in UTF-8")
        self._sidecar = sidecar
        try:
            self._parser.Parse(sidecar, True)  # noqa: FBT003  expat's own signature
        except expat.ExpatError as error:
            raise XmpError(f"the sidecar is no XML in UTF-8 ({error})") from error
        return self

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append((name, self._parser.CurrentByteIndex))
        self._subjects += name == f"{_DC} subject"
        self.has_subject = self.has_subject or self._subjects > 0
        self._is_empty = True
        self._item = []

    def _text(self, text: str) -> None:
        self._is_empty = False
        self._item.append(text)

    def _end(self, name: str) -> None:
        _, start = self._path.pop()
        at = self._parser.CurrentByteIndex
        end = End(start, at, self._is_empty and self._sidecar[at - 2 : at] == b"/>")
        self._is_empty = False
        parent = self._path[-1][0] if self._path else ""
        self._subjects -= name == f"{_DC} subject"
        inside_subject = self._subjects > 0
        if name == f"{_RDF} li" and inside_subject:
            self.keywords.add("".join(self._item).strip())
        elif name in _ARRAYS and inside_subject and self.array_end is None:
            self.array_end = end
        elif name == f"{_RDF} Description" and parent == f"{_RDF} RDF" and self.description_end is None:
            self.description_end = end

    def _refuse(self, *_: object) -> None:
        """A document type can define entities that swell without end; no XMP has one."""
        raise XmpError("the sidecar declares a document type, which XMP has not")
