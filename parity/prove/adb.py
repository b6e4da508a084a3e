"""Golden inputs enter; the proof.json of the one Android device that `adb` reaches leaves, or None without such."""

import shutil
import subprocess
import time
from pathlib import Path

from export.common.errors import InputError
from parity.prove.proof import NAME

APP, ACTIVITY = "shop.mobileclip.app", ".SelfCheckActivity"
FOLDER = f"/sdcard/Android/data/{APP}/files"
LONGEST, PAUSE = 600.0, 2.0                  # seconds that a check may take, and between two looks


def reaches_a_device() -> bool:
    """Whether `adb` is there, and one device or emulator with it."""
    return shutil.which("adb") is not None and _adb("get-state").stdout.strip() == "device"


def fetch(goldens: Path, out: Path, longest: float = LONGEST, pause: float = PAUSE) -> Path:
    """Gives the goldens to the installed app, has it check itself, and puts its proof.json into `out`.

    Raises InputError if adb or the app refuses, or if no proof comes.
    """
    _done("push", f"{goldens}/.", FOLDER)
    _done("shell", "rm", "-f", f"{FOLDER}/{NAME}")
    _done("shell", "am", "start", "-W", "-n", f"{APP}/{ACTIVITY}")
    proof, started = out / NAME, time.monotonic()
    while _adb("pull", f"{FOLDER}/{NAME}", str(proof)).returncode:
        if time.monotonic() - started > longest:
            raise InputError("the app wrote no proof", where=f"{FOLDER}/{NAME}", expected=f"within {longest:.0f} s",
                             remedy="look at the app's screen, and at `adb logcat`")
        time.sleep(pause)
    return proof


def _done(*arguments: str) -> None:
    answer = _adb(*arguments)
    if answer.returncode or "Error" in answer.stdout + answer.stderr:
        said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        raise InputError(f"adb {arguments[0]} failed", found=said[-1] if said else f"status {answer.returncode}",
                         remedy=f"install the app ({APP}) with the files of `make apps`, in a debug build")


def _adb(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["adb", *arguments], capture_output=True, text=True)
