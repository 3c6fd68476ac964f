import os
import subprocess
import sys
from pathlib import Path

import pytest
from client import PROGRAM
from program import run_folder


@pytest.fixture(name="tmp")
def _tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run_folder.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(run_folder, "_short_parent", lambda: str(tmp_path))
    return tmp_path


def left_behind(parent: Path) -> Path:
    """That of a process that was killed."""
    code = f"""
import os, sys
sys.path.insert(0, {str(PROGRAM.parent)!r})
from program import run_folder
run_folder._short_parent = lambda: {str(parent)!r}
print(run_folder.make()[0], flush=True)
os.kill(os.getpid(), 9)
"""
    result = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    return Path(result.stdout.decode().strip())


def test_the_folder_of_a_process_that_was_killed_is_swept_and_that_of_a_living_one_is_not(tmp: Path) -> None:
    mine, left = Path(run_folder.make()[0]), left_behind(tmp)
    (left / "deep").mkdir()
    run_folder.sweep()
    assert left.exists(), "it may be in the making"
    run_folder.sweep(youngest=0)
    assert mine.exists() and not left.exists()


def test_what_is_not_ours_stays(tmp: Path) -> None:
    elsewhere = tmp / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / run_folder.LOCK).touch()
    (tmp / f"{run_folder.PREFIX}link").symlink_to(elsewhere)
    open_to_all, unlocked, linked = (tmp / f"{run_folder.PREFIX}{name}" for name in ("open", "unlocked", "linked"))
    for folder in (open_to_all, unlocked, linked):
        folder.mkdir(mode=0o700)
    (open_to_all / run_folder.LOCK).touch()
    os.chmod(open_to_all, 0o755)
    (linked / run_folder.LOCK).symlink_to(elsewhere / run_folder.LOCK)
    run_folder.sweep(youngest=0)
    assert (elsewhere / run_folder.LOCK).exists()
    assert open_to_all.exists() and unlocked.exists() and linked.exists()
