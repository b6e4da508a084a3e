"""Stage 1: a checkpoint enters, `dist/<model>/` leaves. Run as `python -m export` from the repository's root."""
