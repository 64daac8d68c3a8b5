"""The vision process and its client, as the daemon lives with them."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.models.serving_model import read_model
from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.client import client as client_module
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.feature_store import FeatureStore, backbone_key
from photo_organizer.vision.outcome import Classified, Outcome, Rejected, RejectionKind
from support.small_models import CATEGORIES, draw_photo, make_model
from support.vision_driver import outcomes, seen

MakeClient = Callable[..., VisionClient]


def category_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Classified), outcome
    return outcome.prediction.ranked()[0][0]


def draw_all(folder: Path, count: int) -> list[Photo]:
    return [
        seen(
            draw_photo(
                folder / f"{number:03} {CATEGORIES[number % 10]}.jpg", CATEGORIES[number % 10], seed=number
            )
        )
        for number in range(count)
    ]


def spoil(photo: Path, fault: bytes) -> Photo:
    """A good photo with a fault for `faulty_worker` behind its end."""
    photo.write_bytes(photo.read_bytes() + fault)
    return seen(photo)


def test_each_photo_gets_its_category_hash_and_model(make_client: MakeClient, tmp_path: Path) -> None:
    photos = draw_all(tmp_path, 45)
    client = make_client()
    client.submit(photos)
    answered = outcomes(client)
    assert len(answered) == 45
    for name, outcome in answered.items():
        assert isinstance(outcome, Classified)
        assert category_of(outcome) == name[4:-4]
        assert sum(outcome.prediction.probabilities) == pytest.approx(1)
        assert outcome.prediction.model == "colours"
        assert outcome.prediction.decoder == "jpeg"
        assert outcome.prediction.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert client.ready
    assert client.model_id == "colours"
    assert client.engine_name.startswith("openvino")


def test_only_the_owners_categories_are_answered(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(categories=("Pets", "Food", "Boats"))
    client.submit([seen(draw_photo(tmp_path / "a.jpg", "Food"))])
    (outcome,) = outcomes(client).values()
    assert isinstance(outcome, Classified)
    assert outcome.prediction.categories == ("Pets", "Food", "Boats")
    assert outcome.prediction.ranked()[0][0] == "Food"
    assert sum(outcome.prediction.probabilities) == pytest.approx(1)
    assert dict(outcome.prediction.ranked())["Boats"] == 0


def test_photos_that_cannot_be_read_are_turned_away_each_with_its_kind(
    make_client: MakeClient, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image at all")
    text = tmp_path / "text.xyz"
    text.write_bytes(b"no image at all")
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    gone = draw_photo(tmp_path / "gone.jpg", "Pets")
    changed = draw_photo(tmp_path / "changed.jpg", "Pets")
    link = draw_photo(tmp_path / "link.jpg", "Pets")
    pipe = draw_photo(tmp_path / "pipe.jpg", "Pets")
    photos = [seen(path) for path in (broken, text, empty, gone, changed, link, pipe)]
    gone.unlink()
    draw_photo(changed, "Pets", seed=7, size=(80, 80))
    link.unlink()
    link.symlink_to(broken)
    pipe.unlink()
    os.mkfifo(pipe)
    client = make_client()
    client.submit(photos)
    kinds = {
        name: outcome.kind for name, outcome in outcomes(client).items() if isinstance(outcome, Rejected)
    }
    assert kinds == {
        "broken.jpg": RejectionKind.UNREADABLE,
        "text.xyz": RejectionKind.NOT_AN_IMAGE,
        "empty.png": RejectionKind.UNREADABLE,
        "gone.jpg": RejectionKind.GONE,
        "changed.jpg": RejectionKind.CHANGED,
        "link.jpg": RejectionKind.CHANGED,
        "pipe.jpg": RejectionKind.CHANGED,
    }


def test_names_that_are_not_utf8_come_back_as_they_went(make_client: MakeClient, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b'/a\xff\n"b.jpg'))
    odd.write_bytes(draw_photo(tmp_path / "plain.jpg", "Nature").read_bytes())
    client = make_client()
    client.submit([seen(odd)])
    (outcome,) = outcomes(client).values()
    assert outcome.photo == seen(odd)
    assert category_of(outcome) == "Nature"


def test_the_photo_that_kills_the_decoder_pays_and_no_neighbour(
    make_client: MakeClient, tmp_path: Path
) -> None:
    photos = draw_all(tmp_path, 12)
    photos[5] = spoil(photos[5].path, b"CRASH")
    client = make_client(worker="faulty_worker")
    client.submit(photos)
    answered = outcomes(client)
    culprit = answered.pop(photos[5].path.name)
    assert isinstance(culprit, Rejected)
    assert culprit.kind is RejectionKind.UNREADABLE
    assert "SIGSEGV" in culprit.reason
    assert [category_of(outcome) == name[4:-4] for name, outcome in answered.items()] == [True] * 11


def test_several_killers_in_one_batch_are_all_found(make_client: MakeClient, tmp_path: Path) -> None:
    photos = draw_all(tmp_path, 8)
    for place in (0, 7):
        photos[place] = spoil(photos[place].path, b"CRASH")
    client = make_client(worker="faulty_worker")
    client.submit(photos)
    answered = outcomes(client)
    rejected = {name for name, outcome in answered.items() if isinstance(outcome, Rejected)}
    assert rejected == {photos[0].path.name, photos[7].path.name}


def test_a_photo_that_takes_too_long_is_turned_away(make_client: MakeClient, tmp_path: Path) -> None:
    photos = draw_all(tmp_path, 6)
    photos[2] = spoil(photos[2].path, b"HANG")
    client = make_client(worker="faulty_worker", limits=FixedLimits(decode_seconds=0.5))
    client.submit(photos)
    answered = outcomes(client)
    late = answered.pop(photos[2].path.name)
    assert isinstance(late, Rejected)
    assert late.kind is RejectionKind.UNREADABLE
    assert late.reason == "it took longer than 0.5 s to decode"
    assert all(isinstance(outcome, Classified) for outcome in answered.values())


def test_a_photo_is_not_to_blame_for_a_process_that_hardly_gets_the_processor(
    make_client: MakeClient, tmp_path: Path
) -> None:
    photo = spoil(draw_all(tmp_path, 1)[0].path, b"WAIT")
    client = make_client(worker="faulty_worker", limits=FixedLimits(decode_seconds=1.0))
    client.submit([photo])
    assert isinstance(outcomes(client)[photo.path.name], Classified)


def test_an_unforeseen_error_of_a_decoder_costs_its_photo_alone(
    make_client: MakeClient, tmp_path: Path
) -> None:
    photos = draw_all(tmp_path, 3)
    photos[1] = spoil(photos[1].path, b"RAISE")
    client = make_client(worker="faulty_worker")
    client.submit(photos)
    answered = outcomes(client)
    pid = client.pid
    failed = answered.pop(photos[1].path.name)
    assert isinstance(failed, Rejected)
    assert "an unforeseen one" in failed.reason
    assert all(isinstance(outcome, Classified) for outcome in answered.values())
    assert client.pid == pid


def test_killed_from_outside_again_and_again_no_photo_is_blamed(
    make_client: MakeClient, tmp_path: Path
) -> None:
    photos = draw_all(tmp_path, 30)
    client = make_client(batch=4)
    client.submit(photos)
    answered: dict[str, Outcome] = {}
    kills = 0
    while client.in_flight:
        for outcome in client.poll(1.0):
            answered[outcome.photo.path.name] = outcome
        if client.ready and client.pid and kills < 4 and len(answered) >= 5 * kills:
            os.kill(client.pid, signal.SIGKILL)
            kills += 1
    assert kills == 4
    assert len(answered) == 30
    assert all(category_of(outcome) == name[4:-4] for name, outcome in answered.items())


def test_a_model_that_cannot_be_read_is_one_error_and_no_endless_loop(
    make_client: MakeClient, tmp_path: Path
) -> None:
    broken = make_model(tmp_path / "broken")
    (broken / "backbone.npz").write_bytes(b"damaged")
    client = make_client(model=broken)
    client.submit([seen(draw_photo(tmp_path / "a.jpg", "Food"))])
    with pytest.raises(OrganizerError, match=r"is not the one that model\.json lists"):
        outcomes(client)
    assert client.in_flight == 0
    assert client.pid is None
    assert client.poll(0) == []


def test_a_process_that_dies_while_starting_is_given_up_after_some_times(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(worker="no_such_module")
    client.submit([seen(draw_photo(tmp_path / "a.jpg", "Food"))])
    with pytest.raises(OrganizerError, match=r"died 3 times while it started"):
        outcomes(client)


def test_a_long_rest_is_not_taken_for_a_standstill(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(limits=FixedLimits(decode_seconds=0.5))
    client.submit([seen(draw_photo(tmp_path / "a.jpg", "Food"))])
    outcomes(client)
    pid = client.pid
    monkeypatch.setattr(client_module, "SILENCE_SECONDS", 0.2)
    time.sleep(1)  # longer than it may be silent with work to do
    client.submit([seen(draw_photo(tmp_path / "b.jpg", "Pets"))])
    client.poll(0)
    monkeypatch.undo()
    assert category_of(outcomes(client)["b.jpg"]) == "Pets"
    assert client.pid == pid


def test_without_work_the_process_ends_and_comes_back_with_it(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(unload_after=0.2)
    client.submit([seen(draw_photo(tmp_path / "a.jpg", "Food"))])
    outcomes(client)
    pid = client.pid
    assert pid is not None
    while client.pid is not None:
        due = client.next_due()
        assert due is not None
        client.poll(max(0.0, due - time.monotonic()))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert client.fileno() is None
    assert client.next_due() is None
    client.submit([seen(draw_photo(tmp_path / "b.jpg", "Pets"))])
    assert category_of(outcomes(client)["b.jpg"]) == "Pets"


def test_features_are_kept_for_training(make_client: MakeClient, tmp_path: Path, model: Path) -> None:
    store = tmp_path / "state" / "features.sqlite"
    client = make_client(features=store)
    client.submit(draw_all(tmp_path, 5))
    answered = outcomes(client)
    client.close()
    key = backbone_key(read_model(model), client.engine_name)
    hashes = [outcome.prediction.sha256 for outcome in answered.values() if isinstance(outcome, Classified)]
    with FeatureStore(store) as features:
        kept = features.get(key, hashes)
        facts = features.facts(hashes)
    assert set(kept) == set(hashes)
    assert {vector.shape for vector in kept.values()} == {(512,)}
    assert set(facts) == set(hashes)
    assert {(taken, len(look)) for taken, look in facts.values()} == {(None, 16)}
    assert store.stat().st_mode & 0o777 == 0o600


def test_a_feature_store_that_is_damaged_stops_no_photo(make_client: MakeClient, tmp_path: Path) -> None:
    store = tmp_path / "features.sqlite"
    store.write_bytes(b"this is no database" * 1000)
    client = make_client(features=store)
    client.submit(draw_all(tmp_path, 70))
    assert all(isinstance(outcome, Classified) for outcome in outcomes(client).values())


def test_the_process_ends_when_the_daemon_is_killed(model: Path, tmp_path: Path) -> None:
    photo = draw_photo(tmp_path / "a.jpg", "Food")
    daemon = f"""
import sys
from pathlib import Path
from support.vision_driver import outcomes, seen
from support.small_models import CATEGORIES
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode.budget.limits import FixedLimits
client = VisionClient(Path({str(model)!r}), categories=CATEGORIES, limits=FixedLimits())
client.submit([seen(Path({str(photo)!r}))])
outcomes(client)
print(client.pid, flush=True)
sys.stdin.read()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", daemon], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        vision = int(process.stdout.readline())
        descriptor = os.pidfd_open(vision)
        process.kill()
    try:
        assert select.select([descriptor], [], [], 10)[0], "the vision process outlived the daemon"
    finally:
        os.close(descriptor)


def test_the_clients_imports_are_light() -> None:
    heavy = "numpy cv2 PIL openvino tensorflow pandas matplotlib"
    program = (
        "import sys\nimport photo_organizer.models.serving_model\n"
        "from photo_organizer.vision import decision\nfrom photo_organizer.vision.client import client\n"
        f"print([name for name in {heavy!r}.split() if name in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


@pytest.mark.parametrize("at", ["sending", "answering"])
def test_an_unforeseen_error_with_one_photo_rejects_that_photo(
    tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is needed: the client's own work on a photo is what fails."""
    photos = [Photo(tmp_path / name, FileIdentity(1, number, 1, 1)) for number, name in enumerate("abc")]
    for photo in photos:
        photo.path.touch()
    client = VisionClient(
        tmp_path, categories=("Pets",), limits=FixedLimits(), crash_log=CrashLog(tmp_path / "state")
    )

    def fail(*given: object) -> object:
        photo = next(one for one in given if isinstance(one, Photo))
        if photo.path.name == "b":
            raise OverflowError("a number nobody thought of")
        return {"op": "classify"} if at == "sending" else Rejected(photo, RejectionKind.GONE, "")

    monkeypatch.setattr(client_module, "photo_message" if at == "sending" else "outcome_of", fail)
    client._process = SimpleNamespace(send=lambda _, photo: os.close(photo))  # type: ignore[assignment]
    client.ready = True
    client._queue.add(photos)
    client._send_waiting()
    found: list[Outcome] = list(client._not_sent)
    if at == "answering":
        for number in range(1, 4):
            client._hear({"event": "classified", "photo": number}, found)
    rejected = [one for one in found if isinstance(one, Rejected) and one.kind is RejectionKind.SOURCE_ERROR]
    assert [one.photo.path.name for one in rejected] == ["b"]
    assert "OverflowError" in (tmp_path / "state" / "crash.log").read_text()


@pytest.mark.parametrize(
    "said",
    [
        {"event": "classified"},
        {"event": "reading", "thread": 0, "photo": []},
        {"event": "classified", "photo": 1, "probabilities": [2.0] * 10, "sha256": "0" * 64, "taken": None},
        {"event": "classified", "photo": 1, "probabilities": [0.1] * 10, "sha256": "../..", "taken": None},
        {"event": "rejected", "photo": 1, "kind": "stolen", "reason": ""},
        {},
    ],
)
def test_a_process_that_talks_nonsense_is_ended(
    make_client: MakeClient, tmp_path: Path, said: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    client.submit([seen(draw_photo(tmp_path / "a.jpg", "Food"))])
    while not client.ready:
        client.poll(5)
    process = client._process
    assert process is not None
    with monkeypatch.context() as patch:
        patch.setattr(process, "exchange", lambda _: ([said], True))
        client.poll(5)
    assert client.pid is None or client.pid != process.pid
    assert category_of(outcomes(client)["a.jpg"]) == "Food"
