"""`sort --cluster`: the plan of one machine, from a real scheduler and real workers on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytest.importorskip("cryptography", reason="the extra `cluster` is not installed")

from photo_organizer.cluster.certificates import make_certificates
from support.cluster_processes import kill, scheduler, worker_pids, workers

MOST_APART = 1e-5


@pytest.fixture(scope="module")
def worker_config(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a worker's machine, with the same model."""
    return make_config(tmp_path_factory.mktemp("worker"), small_model)


def make_config(root: Path, model: Path) -> Path:
    (root / "models" / model.name).mkdir(parents=True)
    for file in model.iterdir():
        (root / "models" / model.name / file.name).hardlink_to(file)
    (root / "models/current").symlink_to(model.name)
    for folder in ("in", "lib"):
        (root / folder).mkdir()
    config = root / "organizer.yaml"
    config.write_text(
        "inboxes: [in]\nlibrary: lib\nstate: {directory: state}\nmodel: {directory: models}\n"
        "retraining: {enabled: false}\n"
    )
    return config


@pytest.fixture(scope="module")
def cluster(worker_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A scheduler's address, and the process that runs two workers for it."""
    with scheduler(tmp_path_factory.mktemp("scheduler")) as address, workers(address, worker_config) as run:
        yield address, run.pid


def planned(plan: Path) -> list[dict[str, Any]]:
    """The photos of a plan, without the time when it was made."""
    rows = [json.loads(line) for line in plan.read_text().splitlines()[1:]]
    return [{key: value for key, value in row.items() if key != "time"} for row in rows]


def check_equal(one: Path, other: Path) -> None:
    """Two plans say the same of each photo; probabilities as far as batches of other photos change them."""
    first, second = planned(one), planned(other)
    assert [rounded(row) for row in first] == [rounded(row) for row in second]
    for mine, theirs in zip(first, second, strict=True):
        for left, right in zip(probabilities(mine), probabilities(theirs), strict=True):
            assert abs(left - right) < MOST_APART


def probabilities(row: dict[str, Any]) -> list[float]:
    return list(row["prediction"]["probabilities"]) if row["prediction"] else []


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the numbers that photos beside it in a batch change in their last digits."""
    kept = {key: value for key, value in row.items() if not key.endswith("confidence")}
    for section in ("prediction", "decision"):
        numbers = {"probabilities", "confidence", "second_confidence"}
        kept[section] = {key: value for key, value in (row[section] or {}).items() if key not in numbers}
    return kept


def draw_many(home: Home, count: int) -> None:
    """Photos of all kinds, some of the same name or the same bytes, one damaged, one with companions."""
    categories = ("Food", "Pets", "Travel")
    for number in range(count):
        between = "Travel" if number % 7 == 0 else None
        home.draw(f"{number % 5}/{number // 2}.png", categories[number % 3], between=between, seed=number)
    (home.old / "0" / "again.png").write_bytes((home.old / "1" / "0.png").read_bytes())
    (home.old / "0" / "0.xmp").write_text("<x/>")
    (home.old / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no JPEG")


def test_the_plan_of_a_cluster_is_the_plan_of_one_machine(
    organizer: Organizer, home: Home, cluster: tuple[str, int]
) -> None:
    draw_many(home, 297)
    alone, together = home.root / "alone", home.root / "together"
    assert organizer("sort", home.old, "--dry-run", "--plan", alone).code == 3  # one is damaged
    done = threading.Event()
    killing = threading.Thread(target=kill_some, args=(cluster[1], Path(f"{together}.part"), done))
    killing.start()
    said = organizer("sort", home.old, "--dry-run", "--plan", together, "--cluster", cluster[0])
    done.set()
    killing.join()
    assert said.code == 3, said.err
    assert "not filed" not in said.err
    assert len(planned(together)) >= 297
    check_equal(alone, together)


def kill_some(run: int, part: Path, done: threading.Event) -> None:
    """Kill a worker as soon as there are results, and another one soon after."""
    wait_for(lambda: has_photos(part) or done.is_set(), 30)
    for pid in worker_pids(run)[:2]:
        kill(pid)
        done.wait(0.3)


def has_photos(part: Path) -> bool:
    return part.exists() and part.stat().st_size > 40_000


def wait_for(is_so: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def test_a_killed_driver_goes_on_where_it_was(
    organizer: Organizer, home: Home, cluster: tuple[str, int]
) -> None:
    draw_many(home, 200)
    plan, part = home.root / "p", home.root / "p.part"
    words = [
        sys.executable, "-m", "photo_organizer", "sort", str(home.old), "--dry-run", "--plan", str(plan),
        "--cluster", cluster[0],
    ]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        assert wait_for(lambda: has_photos(part) or driver.poll() is not None, 30)
        driver.send_signal(signal.SIGKILL)
    assert not plan.exists()
    known = part.stat().st_size
    assert organizer("sort", home.old, "--dry-run", "--plan", plan, "--cluster", cluster[0]).code == 3
    assert known > 0
    assert organizer("sort", home.old, "--dry-run", "--plan", home.root / "alone").code == 3
    check_equal(home.root / "alone", plan)


def test_nothing_listens_outside_loopback(cluster: tuple[str, int]) -> None:
    psutil = pytest.importorskip("psutil")
    pids = [cluster[1], *(child.pid for child in psutil.Process(cluster[1]).children(recursive=True))]
    pids += [
        process.pid
        for process in psutil.process_iter()
        if cluster[0].rpartition(":")[2] in listening_ports(process)
    ]
    addresses = {
        connection.laddr.ip
        for pid in pids
        for connection in connections(psutil.Process(pid))
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def listening_ports(process: Any) -> set[str]:
    return {
        str(connection.laddr.port) for connection in connections(process) if connection.status == "LISTEN"
    }


def connections(process: Any) -> list[Any]:
    import psutil

    try:
        return list(process.net_connections("inet"))
    except psutil.Error:
        return []


def test_workers_see_paths_elsewhere(
    organizer: Organizer, home: Home, cluster: tuple[str, int], tmp_path: Path
) -> None:
    home.draw("a/0.png", "Food")
    there = tmp_path / "there"
    there.mkdir()
    (there / "a").symlink_to(home.old / "a")
    words = ("sort", home.old, "--dry-run", "--plan", home.root / "p", "--cluster", cluster[0])
    said = organizer(*words, "--map", f"{home.old}={there}")
    assert said.code == 0, said.err
    said = organizer(*words, "--map", "old=new")
    assert said.code == 2
    assert "--map takes two absolute paths" in said.err


def test_what_cannot_be_a_cluster_is_refused_at_once(organizer: Organizer, home: Home) -> None:
    home.draw("a.png", "Food")
    plan = ("--dry-run", "--plan", home.root / "p")
    for words, code, reason in (
        ((*plan, "--cluster", "tcp://192.0.2.1:8786"), 1, "without TLS a scheduler must be on this machine"),
        ((*plan, "--cluster", "tls://192.0.2.1:8786"), 1, "TLS needs certificates"),
        ((*plan, "--cluster", "tls://127.0.0.1:1", "--tls-dir", home.root), 1, "client.pem: is not there"),
        ((*plan, "--cluster", "nonsense"), 1, "is not the address of a scheduler"),
        (("--cluster", "tcp://127.0.0.1:8786"), 2, "--cluster can only make plans"),
        (("--map", "/a=/b"), 2, "--tls-dir and --map need --cluster"),
    ):
        said = organizer("sort", home.old, *words)
        assert (said.code, said.out) == (code, "")
        assert reason in said.err
        assert said.err.count("\n") == 1


def test_certificates_are_their_owners_alone_and_never_replaced(organizer: Organizer, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    said = organizer("cluster-certificates", folder)
    assert said.code == 0
    files = {file.name for file in folder.iterdir()}
    assert files == {
        f"{name}{part}.pem" for name in ("ca", "scheduler", "worker", "client") for part in ("", "-key")
    }
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {file: file.read_bytes() for file in folder.iterdir()}
    assert organizer("cluster-certificates", folder).code == 1
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_with_certificates_of_one_authority_and_with_no_others(
    organizer: Organizer, home: Home, worker_config: Path, tmp_path: Path
) -> None:
    home.draw("a.png", "Food")
    ours, others = tmp_path / "ours", tmp_path / "others"
    make_certificates(ours)
    make_certificates(others)
    words = ("sort", home.old, "--dry-run", "--plan", home.root / "p", "--cluster")
    with (
        scheduler(tmp_path, certificates=ours) as address,
        workers(address, worker_config, processes=1, tls=ours),
    ):
        assert address.startswith("tls://")
        said = organizer(*words, address, "--tls-dir", ours)
        assert said.code == 0, said.err
        said = organizer(*words, address, "--tls-dir", others)
        assert said.code == 1
        assert "the scheduler cannot be reached" in said.err
        assert said.err.count("\n") == 1
        with workers(address, worker_config, processes=1, tls=others) as strangers:
            assert strangers.wait(60) == 1
            assert "cannot be reached" in (strangers.stderr.read() if strangers.stderr else "")


def test_a_worker_with_another_model_is_refused_and_no_worker_is_said(
    organizer: Organizer, home: Home, small_model: Path, tmp_path: Path
) -> None:
    home.draw("a.png", "Food")
    config = make_config(tmp_path / "other", small_model)
    manifest = config.parent / "models" / small_model.name / "model.json"
    description = json.loads(manifest.read_text())
    manifest.unlink()
    manifest.write_text(json.dumps(description | {"made": "2020-01-01T00:00:00+00:00"}))
    with (
        scheduler(tmp_path) as address,
        workers(address, config, processes=1),
        subprocess.Popen(
            [
                sys.executable, "-c",
                "import sys; from photo_organizer.cluster import roster; roster.NO_WORKER_SECONDS = 1.0;"
                "from photo_organizer.cli import main; sys.exit(main(sys.argv[1:]))",
                "sort", str(home.old), "--dry-run", "--plan", str(home.root / "p"), "--cluster", address,
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as driver,
    ):  # fmt: skip
        assert driver.stderr is not None
        said: list[str] = []
        while not ("is not used" in "".join(said) and "no worker for" in "".join(said)):
            said.append(driver.stderr.readline())
            assert said[-1]
        driver.send_signal(signal.SIGINT)
        driver.communicate()
    assert driver.returncode == 130
    assert "the model's contents differ, although both are called small" in "".join(said)
    assert "start one with `photo-organizer cluster-worker`" in "".join(said)


POISON = """
import os
from photo_organizer.cluster import classifying
look_at = classifying._look_at
def deadly(path, size, mtime_ns):
    if path.endswith("/poison.png"):
        os.kill(os.getpid(), 9)
    return look_at(path, size, mtime_ns)
classifying._look_at = deadly
"""


def test_a_file_that_kills_workers_is_found_and_named(
    organizer: Organizer, home: Home, worker_config: Path, tmp_path: Path
) -> None:
    home.config.write_text(f"{home.config.read_text()}batch: {{size: 1}}\n")
    for number in range(6):
        home.draw(f"{number}.png", "Food", seed=number)
    home.draw("poison.png", "Pets", seed=99)
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'photo_organizer.cluster.dask_worker' in ' '.join(sys.orig_argv):\n"
        + "".join(f"    {line}\n" for line in POISON.strip().splitlines())
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    with scheduler(tmp_path) as address, workers(address, worker_config, environment=environment):
        plan = home.root / "p"
        said = organizer("sort", home.old, "--dry-run", "--plan", plan, "--cluster", address)
    assert said.code == 3
    assert "poison.png: it crashes the worker process" in said.err
    assert said.err.count("not filed") == 1
    assert len(planned(plan)) == 6
    head = json.loads(plan.read_text().splitlines()[0])
    [reason] = head["not_filed"]
    assert "poison.png: it crashes the worker process" in reason


def test_a_worker_that_cannot_work_says_why(worker_config: Path, tmp_path: Path) -> None:
    config = tmp_path / "organizer.yaml"
    text = worker_config.read_text().replace("directory: models", f"directory: {tmp_path / 'models'}")
    config.write_text(text.replace("model: {", "model: {engine: tensorflow, "))
    for folder in ("in", "lib", "models/broken"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "models/broken/model.json").write_text("{}")
    (tmp_path / "models/current").symlink_to("broken")
    with workers("tcp://127.0.0.1:9", config, processes=1) as run:
        assert run.wait(60) == 1
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()


def test_without_the_extra_it_is_named(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    home.draw("a.png", "Food")
    said = organizer(
        "sort", home.old, "--dry-run", "--plan", home.root / "p", "--cluster", "tcp://127.0.0.1:8786"
    )
    assert said.code == 1
    assert "smart-photo-organizer[cluster]" in said.err
    assert not (home.root / "p").exists()
