"""Stage 1: a checkpoint enters, `dist/<model>/` leaves. Run as `python -m export` from the repository's root.

All stages import this package first. onnxruntime (1.29 and up) would tell its makers of each session, from a thread of
its own, which a fork does not survive: it stays off, unless the user says otherwise.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
