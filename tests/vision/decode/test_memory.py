"""Photos that are decoded at the same time share the memory; none is turned away for its neighbours."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from photo_organizer.vision.client import worker_process
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode import decoder, dispatch
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.budget.memory import MemoryGate
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import Classified, DecoderRefusedError, Rejected, UnreadablePhotoError
from support.pictures.drawn import noisy, saved, scene
from support.vision_driver import outcomes, seen

SIZE = 32


def test_who_came_first_goes_first_though_a_smaller_one_would_fit() -> None:
    gate = MemoryGate(100)
    order: list[str] = []
    waiting = threading.Barrier(2)

    def decode_large() -> None:
        def is_waiting(*, waits: bool) -> None:
            if waits:
                waiting.wait()

        with gate.share(is_waiting) as share:
            share.reserve(80)
            order.append("large")

    def decode_small() -> None:
        with gate.hold(10):
            order.append("small")

    with gate.hold(50):
        large = threading.Thread(target=decode_large)
        large.start()
        waiting.wait()
        small = threading.Thread(target=decode_small)
        small.start()
        assert order == []
    large.join()
    small.join()
    assert order == ["large", "small"]


def test_a_share_knows_whether_others_held_memory_meanwhile() -> None:
    gate = MemoryGate(100)
    with gate.share() as first, gate.share() as second, gate.share() as third:
        first.reserve(10)
        first.give_back()
        assert not first.was_crowded
        second.reserve(10)
        third.reserve(10)
        third.give_back()
        second.give_back()
        assert second.was_crowded
        assert third.was_crowded


def failing_in_company(gate: MemoryGate, attempts: list[bool]) -> Callable[[Task], Picture]:
    def open_picture(task: Task) -> Picture:
        if not attempts:
            task.reserve(10)
            with gate.hold(10):
                attempts.append(True)
            raise UnreadablePhotoError("the WEBP cannot be decoded (could not create decoder object)")
        attempts.append(False)
        assert gate._held == gate.capacity  # nobody else can hold anything
        return Picture(np.zeros((40, 40, 3), np.uint8), 40, 40, "second")

    return open_picture


def test_what_failed_in_company_is_tried_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, attempts = MemoryGate(1000), []
    monkeypatch.setattr(decoder, "open_picture", failing_in_company(gate, attempts))
    assert decode(b"photo", SIZE, gate=gate).decoder == "second"
    assert attempts == [True, False]


def test_what_failed_holds_nothing_when_others_may_have_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, held, alive = MemoryGate(1000), [], []
    leave = gate.leave

    def watched_leave(size: int, entry: int) -> bool:
        alive.append(held[0]() is not None)
        return leave(size, entry)

    def failing(task: Task) -> Picture:
        canvas = np.zeros((40, 40, 3), np.uint8)
        held.append(weakref.ref(canvas))
        task.reserve(10)
        raise UnreadablePhotoError("no memory for the canvas")

    monkeypatch.setattr(gate, "leave", watched_leave)
    monkeypatch.setattr(decoder, "open_picture", failing)
    with pytest.raises(UnreadablePhotoError):
        decode(b"photo", SIZE, gate=gate)
    assert alive == [False]


def test_the_second_decoder_is_asked_when_the_first_holds_nothing_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = []

    def refusing(task: Task) -> Picture:
        canvas = np.zeros((40, 40, 3), np.uint8)
        held.append(weakref.ref(canvas))
        raise DecoderRefusedError("no")

    def second(task: Task) -> Picture:
        assert held[0]() is None
        return Picture(np.zeros((40, 40, 3), np.uint8), 40, 40, "second")

    monkeypatch.setattr(dispatch, "decoders_of", lambda _: (refusing, second))
    assert decode(saved(scene(), "WEBP"), SIZE).decoder == "second"


def test_what_failed_alone_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def open_picture(task: Task) -> Picture:
        task.reserve(10)
        attempts.append(1)
        raise MemoryError

    monkeypatch.setattr(decoder, "open_picture", open_picture)
    with pytest.raises(UnreadablePhotoError, match="more memory than is available"):
        decode(b"photo", SIZE)
    assert attempts == [1]


@pytest.mark.parametrize("threads", [1, 2, 16])
@pytest.mark.parametrize("estimate", [None, "1"])
def test_no_photo_is_unreadable_for_what_its_neighbours_take(
    make_client: Callable[..., VisionClient],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    threads: int,
    estimate: str | None,
) -> None:
    """Also where a library takes 17 times what it is thought to take, and fails beside others at first."""
    if estimate is not None and threads == 1:
        pytest.skip("one photo at a time has no neighbours")
    told = worker_process.ENVIRONMENT | {"DECODER_THREADS", "ESTIMATE"}
    monkeypatch.setattr(worker_process, "ENVIRONMENT", told)
    monkeypatch.setenv("DECODER_THREADS", str(threads))
    if estimate is not None:
        monkeypatch.setenv("ESTIMATE", estimate)
    photo = saved(noisy(1700, 1500), "WEBP", quality=80, method=0)
    for number in range(10):
        (tmp_path / f"{number}.webp").write_bytes(photo + bytes([number]))
    (tmp_path / "broken.webp").write_bytes(photo[: len(photo) // 2])
    (tmp_path / "small.png").write_bytes(saved(scene(), "PNG"))
    limits = FixedLimits(memory_megabytes=70, max_file_megabytes=20)
    client = make_client(worker="crowded_worker", limits=limits)
    client.submit([seen(path) for path in sorted(tmp_path.glob("*.*"))])
    answered = outcomes(client)
    broken = answered.pop("broken.webp")
    assert isinstance(broken, Rejected)
    assert len(answered) == 11
    assert [one.reason for one in answered.values() if not isinstance(one, Classified)] == []
