"""
Folders for what a program and its hosts share while they run. Each is locked by whoever made it: who was killed cannot remove its own, so the
next one does.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from typing import Optional

PREFIX = "taps-sdk-python-"
LOCK = "lock"
YOUNGEST = 60.0
"""Seconds that a folder without a locked file may still be in the making."""


def make() -> "tuple[str, int]":
    """
    A folder for this user alone, and the open file that is its lock. That goes with this process, and with those that are forked from it, if it
    is not closed before.
    """
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=_short_parent())
    lock = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _short_parent() -> Optional[str]:
    """The path of a Unix socket has about 100 characters."""
    return "/tmp" if len(tempfile.gettempdir()) > 70 and os.path.isdir("/tmp") else None


def sweep(youngest: float = YOUNGEST) -> None:
    """Removes the folders that nobody has any more: of this user, and of programs that were killed."""
    parent = _short_parent() or tempfile.gettempdir()
    try:
        with os.scandir(parent) as entries:
            found = [entry.path for entry in entries if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for folder in found:
        if _is_left(folder, youngest):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: str, youngest: float) -> bool:
    try:
        about = os.stat(folder, follow_symlinks=False)
        if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) != 0o700 or time.time() - about.st_mtime < youngest:
            return False
        file = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(file)
