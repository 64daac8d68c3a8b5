"""The model directory: complete or absent, swapped by one rename, nothing deleted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from photo_organizer.models.manifest import Manifest, ModelError, read_manifest
from photo_organizer.models.staging import StagedModel, clean
from photo_organizer.models.store import Registry, packaged_starter, verify

FIELDS = {
    "made": "2026-11-22T12:00:00+00:00",
    "categories": ["Food", "Pets"],
    "backbone": "vgg16",
    "input_size": 32,
    "preprocessing": "bgr, x / 127.5 - 1",
    "features": ["block5.avg"],
}


def write_files(draft: StagedModel, text: str = "weights") -> None:
    (draft.path / "backbone.npz").write_text("a large backbone")
    (draft.path / "head.npz").write_text(text)
    (draft.path / "report").mkdir()
    (draft.path / "report" / "metrics.csv").write_text("a,b\n")


def make_starter(folder: Path, model_id: str = "starter", text: str = "weights") -> Path:
    draft = StagedModel(folder)
    folder.mkdir(parents=True)
    write_files(draft, text)
    draft.seal({**FIELDS, "id": model_id})
    return folder


def make_model(registry: Registry, model_id: str, made: str = FIELDS["made"]) -> Path:  # type: ignore[assignment]
    with registry.draft() as draft:
        write_files(draft, model_id)
        draft.seal({**FIELDS, "id": model_id, "made": made, "parent": "starter"})
        return draft.publish()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", starter=make_starter(tmp_path / "package" / "starter"))


def test_the_first_question_installs_the_starter(registry: Registry) -> None:
    path = registry.current()

    assert path.name == "starter"
    assert (registry.directory / "current").readlink() == Path("starter")
    assert verify(path).categories == ("Food", "Pets")
    assert [(it.id, it.current) for it in registry.list()] == [("starter", True)]


def test_the_installed_starter_shares_no_file_with_the_package(registry: Registry, tmp_path: Path) -> None:
    installed = registry.current()

    (tmp_path / "package" / "starter" / "head.npz").write_text("trained anew, in place")

    assert verify(installed).id == "starter"


def test_asking_again_installs_nothing(registry: Registry) -> None:
    registry.current()
    before = sorted(registry.directory.iterdir())

    assert registry.current().name == "starter"
    assert sorted(registry.directory.iterdir()) == before


def test_a_newer_starter_replaces_an_older_one(registry: Registry, tmp_path: Path) -> None:
    registry.current()
    newer = Registry(registry.directory, starter=make_starter(tmp_path / "new" / "starter", text="better"))

    assert newer.current().name == "starter-2"
    assert read_manifest(newer.current()).id == "starter-2"
    assert newer.use("starter").name == "starter"
    assert newer.current().name == "starter", "going back to the older one is the owner's choice"


def test_a_newer_starter_leaves_a_trained_model_in_use(registry: Registry, tmp_path: Path) -> None:
    registry.current()
    make_model(registry, "mine")
    registry.use("mine")
    newer = Registry(registry.directory, starter=make_starter(tmp_path / "new" / "starter", text="better"))

    assert newer.current().name == "mine"


def test_a_damaged_package_does_not_take_a_working_model_away(registry: Registry, tmp_path: Path) -> None:
    registry.current()
    package = make_starter(tmp_path / "new" / "starter", text="better")
    (package / "head.npz").write_text("cut off")

    assert Registry(registry.directory, starter=package).current().name == "starter"
    with pytest.raises(ModelError, match="SHA-256"):
        Registry(tmp_path / "elsewhere", starter=package).current()


def test_without_any_model_the_error_says_what_to_do(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models", starter=tmp_path / "nowhere")
    with pytest.raises(ModelError, match="cannot be read"):
        registry.current()


def test_use_swaps_and_swaps_back(registry: Registry) -> None:
    registry.current()
    make_model(registry, "second")

    assert registry.use("second") == registry.directory / "second"
    assert registry.current_id() == "second"
    assert registry.use("starter") == registry.directory / "starter"
    assert registry.show("current").id == "starter"


@pytest.mark.parametrize("name", ["absent", "../outside", "", ".tmp-x", "a/b"])
def test_use_refuses_what_is_no_model(registry: Registry, name: str) -> None:
    registry.current()
    with pytest.raises(ModelError, match="there is no model"):
        registry.use(name)
    assert registry.current_id() == "starter"


def test_use_refuses_a_damaged_model(registry: Registry) -> None:
    registry.current()
    path = make_model(registry, "second")
    (path / "head.npz").write_text("flipped bits")

    with pytest.raises(ModelError, match=r"head\.npz.*SHA-256 differs"):
        registry.use("second")
    assert registry.current_id() == "starter"


def test_a_file_behind_a_symbolic_link_is_refused(registry: Registry) -> None:
    registry.current()
    path = make_model(registry, "second")
    (path / "head.npz").rename(path.parent / "elsewhere")
    (path / "head.npz").symlink_to("../elsewhere")

    with pytest.raises(ModelError, match="cannot be read"):
        registry.verify(path)


def test_a_current_link_that_leaves_the_directory_is_not_followed(registry: Registry, tmp_path: Path) -> None:
    registry.directory.mkdir()
    (registry.directory / "current").symlink_to(tmp_path)

    assert registry.current_id() is None
    assert registry.current().name == "starter"


def test_models_are_listed_oldest_first_with_what_is_wrong(registry: Registry) -> None:
    registry.current()
    make_model(registry, "a-late", made="2026-11-24T00:00:00+00:00")
    rejected = make_model(registry, "b-early", made="2026-11-23T00:00:00+00:00")
    registry.reject(rejected, "worse in Food", datetime(2026, 11, 23, tzinfo=UTC))
    (registry.directory / "broken").mkdir()

    records = registry.list()

    assert [it.id for it in records] == ["starter", "b-early", "a-late", "broken"]
    assert [it.rejected for it in records] == [None, "worse in Food", None, None]
    assert records[-1].problem is not None and "cannot be read" in records[-1].problem


def test_a_draft_that_is_not_published_leaves_nothing(registry: Registry) -> None:
    registry.directory.mkdir()
    with pytest.raises(RuntimeError), registry.draft() as draft:
        write_files(draft)
        raise RuntimeError("the training failed")
    assert list(registry.directory.iterdir()) == []


def test_inherited_files_share_their_blocks(registry: Registry) -> None:
    parent = registry.current()
    with registry.draft() as draft:
        draft.inherit(parent, "backbone.npz")
        (draft.path / "head.npz").write_text("new")
        draft.seal({**FIELDS, "id": "child", "parent": parent.name})
        child = draft.publish()

    assert (child / "backbone.npz").samefile(parent / "backbone.npz")
    assert verify(child).parent == parent.name


def test_two_models_of_one_id_do_not_mix(registry: Registry) -> None:
    make_model(registry, "same")
    with pytest.raises(ModelError, match="exists already"):
        make_model(registry, "same")
    assert registry.free_id("same") == "same-2"
    assert [path.name for path in registry.directory.iterdir()] == ["same"]


def test_a_killed_writer_leaves_no_visible_model_and_is_cleaned_up(registry: Registry) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from photo_organizer.models.staging import staged_model\n"
        "with staged_model(Path(sys.argv[1])) as draft:\n"
        "    (draft.path / 'head.npz').write_text('half'); print(draft.path, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, registry.directory]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        path = Path(writer.stdout.readline().strip())
        assert clean(registry.directory) == [], "its writer lives"
        assert path.is_dir()
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()

    assert registry.list() == ()
    assert clean(registry.directory) == [path.name]
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"files": {"../head.npz": "0" * 64}}, "plain file name"),
        ({"files": {"head.npz": "0" * 64}}, "backbone.npz"),
        ({"files": {"head.npz": "short", "backbone.npz": "0" * 64}}, "sha256"),
        ({"categories": ["Food", "Food"]}, "different categories"),
        ({"id": "../up"}, "plain name"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_a_wrong_manifest_names_the_field(tmp_path: Path, change: dict[str, object], expected: str) -> None:
    files = {"head.npz": "0" * 64, "backbone.npz": "0" * 64}
    (tmp_path / "model.json").write_text(json.dumps({**FIELDS, "id": "m", "files": files, **change}))
    with pytest.raises(ModelError, match=expected):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_manifest_that_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError):
        read_manifest(tmp_path)


def test_unknown_fields_survive(tmp_path: Path) -> None:
    fields = {**FIELDS, "id": "m", "files": {"head.npz": "0" * 64, "backbone.npz": "0" * 64}, "later": [1, 2]}
    assert json.loads(Manifest.parse(fields, where=tmp_path).to_json())["later"] == [1, 2]


def test_the_registry_imports_nothing_heavy() -> None:
    script = "import sys, photo_organizer.models.store; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"numpy", "cv2", "tensorflow", "pandas", "matplotlib"} & set(result.stdout.split())


def test_the_starter_of_the_checkout_is_whole(tmp_path: Path) -> None:
    if packaged_starter() is None:
        pytest.skip("models/starter is not there")
    installed = Registry(tmp_path / "models").current()
    assert verify(installed).parent is None


def test_a_pipe_in_the_place_of_the_manifest_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.json")
    with pytest.raises(ModelError, match="not a regular file"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_a_manifest_that_is_nested_without_end_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="not JSON"):
        read_manifest(tmp_path)
