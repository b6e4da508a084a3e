"""A row of the table enters, the path of its weights in the hub's local cache leaves.

Everything goes through huggingface_hub, so that HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and the proxy variables
keep working. A file in the cache is used as it is, without asking the network.
"""

import os
import queue
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from export.common.errors import InputError
from export.common.specs import ModelSpec

ANSWER_SECONDS = 5.0                         # to wait for the hub's first answer; HF_HUB_ETAG_TIMEOUT overrides it
LICENCE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENSE_MODELS")
REMEDY = "CHECKPOINT=path to the weights, or WEIGHTS=random to try the pipeline without them"

T = TypeVar("T")


def fetch(spec: ModelSpec) -> Path:
    """The weights of `spec` on this machine; downloads them, with a progress bar, if the cache does not hold them.

    Raises InputError, within 10 s, if there is no network, no such file or no permission.
    """
    if spec.hub is None or spec.file is None:
        raise InputError(f"MODEL={spec.name} has no weights on the hub", remedy=REMEDY)
    files = [file for file in (spec.file, spec.fallback_file) if file]
    cached = [path for path in (_cached(spec.hub, file) for file in files) if path]
    return cached[0] if cached else _download(spec.hub, files)


def file(repository: str, name: str, remedy: str | None = None) -> Path:
    """A file of a repository on the hub; downloads it if the cache does not hold it. Raises InputError as `fetch`."""
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository, re.ASCII):
        raise InputError(f"MODEL=hf-hub:{repository[:100]} names no repository", expected="hf-hub:OWNER/NAME",
                         remedy="MODEL=hf-hub:OWNER/NAME, or MODEL=local-dir:folder")
    return _cached(repository, name) or _download(
        repository, [name], remedy or f"MODEL=local-dir:folder with {name} and the weights")


def _cached(repository: str, file: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    path = try_to_load_from_cache(repository, file)
    return Path(path) if isinstance(path, str) else None


def _download(repository: str, files: list[str], remedy: str = REMEDY) -> Path:
    """The first of `files` that the repository has."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError
    for file in files:
        try:
            _await_answer(repository, file)
            return Path(hf_hub_download(repository, file))
        except RemoteEntryNotFoundError:
            continue
        except Exception as error:           # huggingface_hub passes on any error of its HTTP library
            raise InputError(f"cannot fetch {file} of {repository} from the hub", found=_reason(error),
                             remedy=remedy) from error
    what = "weights" if remedy == REMEDY else files[0]
    raise InputError(f"no {what} in the hub's repository {repository}", expected=" or ".join(files), remedy=remedy)


def _await_answer(repository: str, file: str) -> None:
    """Asks the hub for the file's description, so that a dead network is noticed in seconds."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    seconds = float(os.environ.get("HF_HUB_ETAG_TIMEOUT", ANSWER_SECONDS))
    within(seconds + 1, lambda: get_hf_file_metadata(hf_hub_url(repository, file), timeout=seconds))


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of `call`, or its exception, or TimeoutError, even if a name server does not answer."""
    results: queue.Queue = queue.Queue()

    def run() -> None:
        try:
            results.put((call(), None))
        except Exception as error:
            results.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set and the file is not in the cache"
    if isinstance(error, GatedRepoError):
        return "its licence must be accepted on the hub first, and HF_TOKEN set"
    if isinstance(error, RepositoryNotFoundError):
        return "no such repository, or HF_TOKEN is needed"
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def check_digest(path: Path, sha256: str) -> None:
    """Raises InputError if the SHA-256 in the file's name in the hub's cache is not that of its content."""
    name = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", name) and name != sha256:
        raise InputError("damaged file in the hub's cache", where=path, expected=f"sha256 {name}",
                         found=f"sha256 {sha256}", remedy="delete it and run again")


def licence_text(repository: str) -> str | None:
    """The licence file in the repository of the weights, or None if it cannot be fetched."""
    for file in LICENCE_FILES:
        try:
            path = _cached(repository, file) or _download(repository, [file])
            return path.read_text(encoding="utf-8", errors="replace")
        except InputError as error:
            if error.__cause__ is not None:  # not "no such file": the hub cannot be reached
                return None
    return None
