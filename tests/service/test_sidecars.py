"""Keywords in XMP sidecars: new ones, and added to those of other programs without touching the rest."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from live import Household, LiveDaemon

from models import draw_photo
from photo_organizer.library.xmp.keywords import XmpError, new_sidecar, with_keywords

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"

DARKTABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- by hand: do not lose me -->
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <r:Description r:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">
   <dublin:subject xmlns:dublin="http://purl.org/dc/elements/1.1/"><r:Bag>
    <r:li>Garden &amp; home</r:li>
   </r:Bag></dublin:subject>
  </r:Description>
 </r:RDF>
</x:xmpmeta>
"""
EMPTY = DARKTABLE[: DARKTABLE.index(b" xmp:Rating")] + b"/>\n </r:RDF>\n</x:xmpmeta>\n"


def keywords(sidecar: bytes) -> list[str]:
    tree = ElementTree.fromstring(sidecar)  # noqa: S314  made by the test itself
    return [
        item.text or "" for item in tree.iterfind(f"{RDF}RDF/{RDF}Description/{DC}subject/{RDF}Bag/{RDF}li")
    ]


def test_a_new_sidecar_is_what_other_programs_read() -> None:
    assert keywords(new_sidecar(["Pets", "R&B <loud>"])) == ["Pets", "R&B <loud>"]


def test_keywords_are_added_and_every_other_byte_stays() -> None:
    merged = with_keywords(DARKTABLE, ["Pets"])
    assert keywords(merged) == ["Garden & home", "Pets"]
    added = merged.index(b"<rdf:li")
    length = len(merged) - len(DARKTABLE)
    assert merged[:added] + merged[added + length :] == DARKTABLE


def test_a_description_without_content_is_opened() -> None:
    assert keywords(with_keywords(EMPTY, ["Pets"])) == ["Pets"]


def test_a_keyword_that_is_there_is_not_repeated() -> None:
    assert with_keywords(DARKTABLE, ["Garden & home"]) is DARKTABLE
    twice = with_keywords(with_keywords(EMPTY, ["Pets"]), ["Pets"])
    assert keywords(twice) == ["Pets"]


@pytest.mark.parametrize(
    "sidecar",
    [
        b"",
        b"no xml",
        DARKTABLE.decode().encode("utf-16"),
        b"<x/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * 100_000,
        b" " * (5 << 20),
    ],
    ids=["empty", "text", "utf-16", "no place", "entities", "deep", "huge"],
)
def test_what_is_no_sidecar_is_refused(sidecar: bytes) -> None:
    with pytest.raises(XmpError):
        with_keywords(sidecar, ["Pets"])


def test_the_daemon_files_a_photo_with_its_keyword_and_undo_brings_both_back(
    make_household: Callable[..., Household],
) -> None:
    household = make_household(metadata={"xmp_sidecar": True})
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        with_own = draw_photo(household.inbox / "own.jpg", "Food", seed=1)
        with_own.with_name("own.xmp").write_bytes(DARKTABLE)
        broken = draw_photo(household.inbox / "broken.jpg", "Food", seed=2)
        broken.with_name("broken.jpg.xmp").write_bytes(b"no xml")
        plain = draw_photo(household.inbox / "plain.jpg", "Pets", seed=3)
        daemon.until_filed([with_own, broken, plain])
        unsure = draw_photo(household.inbox / "unsure.jpg", "Food", between="Pets", seed=4)
        daemon.until_filed([unsure])
        daemon.stop()
    filed = {folder: sorted(names) for folder, names in household.filed().items()}
    assert filed == {
        "Food": ["broken.jpg", "broken.jpg.xmp", "own.jpg", "own.xmp"],
        "Pets": ["plain.jpg", "plain.jpg.xmp"],
        "Review": ["unsure.jpg"],
    }
    assert keywords((household.library / "Pets" / "plain.jpg.xmp").read_bytes()) == [
        "Pets",
        "confidence 1.00",
    ]
    assert keywords((household.library / "Food" / "own.xmp").read_bytes())[:2] == ["Garden & home", "Food"]
    assert (household.library / "Food" / "broken.jpg.xmp").read_bytes() == b"no xml"
    assert "without its keyword" in daemon.says()
    assert household.leftovers() == []
    household.organizer("undo", "--photo", str(household.library / "Pets" / "plain.jpg"))
    assert sorted(path.name for path in household.waiting()) == ["plain.jpg", "plain.jpg.xmp"]
