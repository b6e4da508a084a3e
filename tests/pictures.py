"""Pictures that the tests make."""

import io

import numpy as np


def noise(rows, columns, channels=3, seed=0, dtype=np.uint8):
    top = np.iinfo(dtype).max
    shape = (rows, columns, channels) if channels else (rows, columns)
    return np.random.default_rng(seed).integers(0, top, shape, dtype=dtype, endpoint=True)


def saved(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
