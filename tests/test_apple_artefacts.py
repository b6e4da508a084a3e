"""Apple's checkpoints through `python -m export --checkpoint`: TFLite and ONNX answer as Apple's own code does."""

import shutil

import numpy as np
import pytest
import torch

from export import runners
from export.artifacts import manifest
from tests import apple_checkpoints
from tests.conftest import run_module

pytestmark = pytest.mark.exhaustive           # tests/test_apple.py has the same answers before the conversion
LARGEST_DIFFERENCE = 1e-5                    # max abs of unit-length embeddings, float32 artefacts


@pytest.fixture(scope="module", params=apple_checkpoints.NAMES)
def exported_apple(request, tmp_path_factory):
    """dist/<model> with the float32 artefacts of one fixture, and Apple's answers."""
    out = tmp_path_factory.mktemp(request.param)
    tensors = {key: torch.from_numpy(value) for key, value in apple_checkpoints.state(request.param).items()}
    torch.save(tensors, out / "weights.pt")
    answer = run_module("export", "--model", request.param, "--checkpoint", str(out / "weights.pt"),
                        "--formats", "tflite,onnx", "--precision", "fp32", "--out", str(out))
    assert answer.returncode == 0, answer.stderr
    yield out / request.param, apple_checkpoints.answers(request.param)
    shutil.rmtree(out)


@pytest.mark.parametrize("format_", ["tflite", "onnx"])
@pytest.mark.parametrize("encoder", ["image", "text"])
def test_float32_artefacts_give_apples_embeddings(exported_apple, format_, encoder, record_property):
    folder, answers = exported_apple
    run = runners.load(format_, folder / f"{format_}/{encoder}-fp32.{format_}", encoder)
    found = run(answers["pictures"] if encoder == "image" else answers["ids"].astype(np.int32))
    difference = float(np.abs(found - answers[encoder]).max())
    record_property("max_abs", difference)
    assert difference < LARGEST_DIFFERENCE


def test_the_manifest_says_research_only(exported_apple):
    made = manifest.read(exported_apple[0])
    assert made.licence.commercial_use is False and made.shippable is True
