"""The workers that convert: what fails in one of them is told by the one who asked."""

import os
import signal

import pytest
import torch

from export import conversion
from export.common.errors import InputError
from export.formats.job import jobs
from export.weights import lookup

SPEC = lookup.find("demo")


class Refused(torch.nn.Module):
    def forward(self, ids):
        raise ValueError("no such operation")


class Killed(torch.nn.Module):
    def forward(self, ids):
        os.kill(os.getpid(), signal.SIGKILL)


def convert(folder, encoder):
    told = []
    todo = conversion.tasks(SPEC, folder, "base", "ab" * 32, jobs("onnx", "fp32")[1:])
    conversion.run(todo, {"text": encoder}, 2, told.append, lambda job, receipt: told.append(receipt))
    return told


@pytest.mark.slow
@pytest.mark.parametrize(("encoder", "words"), [(Refused, "failed in onnx/text-fp32.onnx.*see export.log"),
                                                (Killed, "killed.*WORKERS=1")])
def test_a_failure_in_a_worker_names_the_artefact_and_leaves_nothing(tmp_path, encoder, words):
    with pytest.raises(InputError, match=words):
        convert(tmp_path, encoder())
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_the_longest_conversion_comes_first_and_every_job_once(tmp_path):
    wanted = jobs("coreml,tflite,onnx", "fp32,fp16")
    todo = conversion.tasks(SPEC, tmp_path, "base", "ab" * 32, wanted)
    assert [(t.jobs[0].format, t.stamp.encoder) for t in todo][0] == ("tflite", "image")
    assert sorted(job for task in todo for job in task.jobs) == sorted(wanted)
