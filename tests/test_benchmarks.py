"""What the benchmarks measure, without measuring: which artefacts take part, and what is said of the others."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import latency, routes
from export import runners
from export.artifacts.manifest import Artifact
from export.formats import table


@pytest.fixture
def both(monkeypatch, tmp_path) -> list[Artifact]:
    """The image encoders of both routes, as their manifests name them."""
    made = [Artifact(encoder=encoder, format="tflite", precision="fp32", path=f"{encoder}-fp32.tflite", sha256="0" * 64,
                     bytes=1, peak_rss=None, inputs=[], outputs=[]) for encoder in table.ENCODERS]
    monkeypatch.setattr(routes, "Dist", lambda folder: SimpleNamespace(manifest=SimpleNamespace(artifacts=made)))
    return routes.entries(tmp_path, "demo", "image")


def test_the_artefacts_of_both_routes_are_compared(both):
    assert [entry.path for entry in both] == [f"{route}/demo/image-fp32.tflite" for route in table.ROUTES]


def test_an_artefact_that_cannot_run_is_named_and_left_out(both, monkeypatch, tmp_path, capsys):
    one = np.ones((1, 2), np.float32) / np.sqrt(2)
    answers = {tmp_path / both[0].path: runners.CouldNotRun("no runtime"), tmp_path / both[1].path: lambda given: given}
    monkeypatch.setattr(runners, "load", lambda format_, path, encoder, threads: answers[path])
    monkeypatch.setattr(latency.limits, "OtherProcesses", lambda: SimpleNamespace(cores=lambda: 0.0))
    before = torch.get_num_threads()
    try:
        found = latency.compare(tmp_path, both, lambda: one, one, threads=1)
    finally:
        torch.set_num_threads(before)
    assert capsys.readouterr().out == f"{both[0].path}: not run (no runtime)\n"
    assert list(found["rows"]) == ["eager", both[1].path] and found["rows"][both[1].path]["cosine"] == 1
