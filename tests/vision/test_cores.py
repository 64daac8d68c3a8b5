"""How many cores a process may keep busy, by the quotas of its control groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from photo_organizer.vision.backbone import cores
from photo_organizer.vision.backbone.cores import available_cores, cpu_quotas

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_quotas_of_all_groups_above_count(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("0::/user.slice/job.service\n")
    groups = tmp_path / "groups"
    write(groups / "user.slice/job.service/cpu.max", "max 100000\n")
    write(groups / "user.slice/cpu.max", "250000 100000\n")
    assert list(cpu_quotas(membership, groups)) == [2.5]


def test_the_first_version_of_control_groups_counts_too(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("4:memory:/box\n3:cpu,cpuacct:/box\n0::/\n")
    groups = tmp_path / "groups"
    write(groups / "cpu/box/cpu.cfs_quota_us", "150000\n")
    write(groups / "cpu/box/cpu.cfs_period_us", "100000\n")
    write(groups / "cpu/cpu.cfs_quota_us", "-1\n")
    write(groups / "cpu/cpu.cfs_period_us", "100000\n")
    assert list(cpu_quotas(membership, groups)) == [1.5]


@pytest.mark.parametrize("text", ["", "max", "1 0", "nonsense here", "0::/../../etc"])
def test_what_cannot_be_read_limits_nothing(tmp_path: Path, text: str) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("0::/\n")
    write(tmp_path / "groups/cpu.max", text)
    assert list(cpu_quotas(membership, tmp_path / "groups")) == []
    assert list(cpu_quotas(tmp_path / "none", tmp_path / "groups")) == []


def test_a_quota_is_rounded_up_and_never_below_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    for quotas, expected in (([], 8), ([2.5], 3), ([0.1], 1), ([16.0], 8)):
        monkeypatch.setattr(cores, "cpu_quotas", lambda quotas=quotas: iter(quotas))
        assert available_cores() == expected
