"""Core ML packages: equal encoders are equal bytes, on whatever day they are converted."""

from datetime import date
from types import SimpleNamespace

import pytest
import torch

from export import coreml
from export.common import files
from export.formats.stamp import Stamp
from export.runners import coreml_runner

STAMP = Stamp("tiny", "text", "ab" * 32, "MIT", "token ids")
DAYS = date(2026, 1, 2), date(2027, 11, 30)


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(128, 64)

    def forward(self, ids):
        return torch.nn.functional.normalize(self.table(ids).mean(1), dim=-1)


def traced_on(day, monkeypatch) -> coreml.Traced:
    """The encoder, traced, with coremltools' clock at that day."""
    from coremltools.converters import _converters_entry

    monkeypatch.setattr(_converters_entry, "date", SimpleNamespace(today=lambda: day))
    return coreml.trace(Tiny().eval(), "text", torch.zeros(1, 8, dtype=torch.int32))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_packages_of_two_days_are_equal_bytes(precision, monkeypatch, tmp_path):
    for day in DAYS:
        coreml.write(traced_on(day, monkeypatch), precision, STAMP, tmp_path / f"{day}.mlpackage")
    first, second = (tmp_path / f"{day}.mlpackage" for day in DAYS)
    assert files.sha256(first) == files.sha256(second)
    assert STAMP.metadata().items() <= coreml_runner.metadata(first).items()


def test_coremltools_itself_writes_the_day(monkeypatch):
    model = coreml.convert(traced_on(DAYS[0], monkeypatch), "fp32", coreml.LEAST_IOS)
    assert model.user_defined_metadata[coreml.DATE] == str(DAYS[0])
