"""Machines as people have them: full disks, two runs at once, odd paths, lists with blanks, two checkpoints."""

import errno
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from export import conversion, pipeline
from export.artifacts import dist, lock, manifest
from export.artifacts.dist import SOURCE, Dist
from export.common import disk, files
from export.common.errors import InputError
from export.common.specs import Given, Licence
from export.formats.job import Job, choices, is_auto, jobs
from export.pipeline import ExportRequest, describe, replaced
from export.weights import checkpoint, encoders, lookup
from export.weights.licences import GivenLicence
from export.weights.settings import stated
from parity import __main__ as parity
from tests.conftest import ROOT, run_module
from tests.test_conversion import Refused, convert
from tests.test_makefile import make

DEMO = lookup.find("demo")
MB = 10**6
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def room(monkeypatch):
    """Sets the bytes that are free on every disk."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free, 0, free))


# Full disks.

def test_the_need_of_an_export_counts_stored_encoders_artefacts_and_temporary_packages(tmp_path, room):
    sizes, wanted = {"image": 40 * MB, "text": 100 * MB}, [Job("onnx", "image", "fp32"), Job("onnx", "text", "fp16")]
    need = 140 + 40 + 50 + 2 * 100
    room(need * MB)
    conversion.refuse_full_disk(tmp_path, sizes, wanted, workers=6, freed=0)
    room(need * MB - 1)
    with pytest.raises(InputError, match=f"not enough room for the export .*expected {need} MB free; found {need} MB; "
                                         "remedy: make room on the disk, or choose another --out"):
        conversion.refuse_full_disk(tmp_path, sizes, wanted, workers=6, freed=0)
    conversion.refuse_full_disk(tmp_path, sizes, wanted, workers=6, freed=1)
    room(0)
    conversion.refuse_full_disk(tmp_path, sizes, [], workers=2, freed=0)       # only the manifest is missing


def test_a_disk_that_is_too_small_is_told_before_the_work_and_the_earlier_export_stays(tmp_path, room):
    room(MB)
    with pytest.raises(InputError, match="not enough room for the export"):
        pipeline.export(ExportRequest("demo", formats="onnx", out=tmp_path), say=print)
    assert not list((tmp_path / "demo").rglob("*.onnx*"))


def test_a_disk_that_fills_while_the_encoders_are_stored_is_one_line():
    with pytest.raises(InputError, match="the encoders cannot be stored for the workers in /dev/full; "
                                         "found .* MB free on the disk; remedy: make room"):
        conversion._save({"text": torch.nn.Linear(300, 300)}, Path("/dev/full"))


@pytest.mark.slow
def test_a_failed_conversion_names_the_free_room_and_leaves_no_temporary_file(tmp_path):
    with pytest.raises(InputError, match=r"failed in onnx/text-fp32.onnx; found .*; [\d,]+ MB free on the disk; "):
        convert(tmp_path, Refused())
    assert not list(tmp_path.iterdir())


class NamesItsFolder(torch.nn.Module):
    def __init__(self, note: Path):
        super().__init__()
        self.note = note

    def forward(self, ids):
        self.note.write_text(f"{tempfile.gettempdir()} {os.environ['TMPDIR']}")
        raise ValueError


def test_an_error_that_a_library_wraps_is_told_by_its_first_cause():
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise RuntimeError("\x1b[96mThis is step 1/3\x1b[0m\nof exporting") from cause
    except RuntimeError as error:
        assert conversion.first_cause(error) == "OSError: [Errno 28] No space left on device"


@pytest.mark.slow
def test_converters_write_temporary_files_below_the_exports_folder(tmp_path):
    folder = tmp_path / conversion.TEMPORARY
    with pytest.raises(InputError, match="failed in onnx/text-fp32.onnx"):
        convert(tmp_path, NamesItsFolder(tmp_path / "note"))
    assert (tmp_path / "note").read_text() == f"{folder} {folder}" and not folder.exists()


def test_what_a_killed_export_left_is_removed_by_the_next(tmp_path):
    dist = Dist(tmp_path)
    for name in (conversion.WEIGHTS, f"{conversion.TEMPORARY}/a.mlpackage/b", "onnx/text-fp32.onnx", "onnx/kept.onnx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    pipeline.clear(dist, {"onnx/kept.onnx": pipeline.Receipt("", "", 0, 0.0, None)})
    assert [path.name for path in files.files_of(tmp_path)] == ["kept.onnx", "receipts.json"]


def test_an_encoder_over_protobufs_limit_is_told_before_it_is_converted_and_the_remedy_works():
    sizes = {"image": 2**31, "text": 2**31 - 1}
    with pytest.raises(InputError, match="the image encoder is over the 2 GiB that a file of ONNX can hold; expected "
                                         "2,147 MB; found 2,147 MB; remedy: FORMATS=coreml,tflite") as refused:
        conversion.refuse_too_large(sizes, jobs("coreml,tflite,onnx", "fp16"))
    conversion.refuse_too_large(sizes, jobs(str(refused.value).rpartition("FORMATS=")[2], "fp16"))


def test_an_encoders_size_is_that_of_its_parameters():
    model = checkpoint.load(DEMO, checkpoint.locate(DEMO))
    assert encoders.sizes(model)["text"] == sum(p.numel() * 4 for p in model.text.parameters())


# Two runs at once.

def test_two_exports_into_one_folder_are_not_run_at_once(tmp_path):
    with lock.to_write(tmp_path) as claim:
        claim.sign()
        for again in (lock.to_write, lock.to_read):
            with pytest.raises(InputError, match=rf"an export of .* is running \(process {os.getpid()}\)"), \
                    again(tmp_path):
                pass
    with lock.to_write(tmp_path):
        pass


def test_readers_share_a_folder_and_hold_an_export_off(tmp_path):
    with lock.to_write(tmp_path):
        pass
    with lock.to_read(tmp_path), lock.to_read(tmp_path), \
            pytest.raises(InputError, match="is being read, by its gate, a catalog build, make compare, "), \
            lock.to_write(tmp_path):
        pass


def test_a_folder_without_a_lock_or_that_cannot_be_written_is_read(tmp_path):
    with lock.to_read(tmp_path):
        assert not list(tmp_path.iterdir())
    with lock.to_read(tmp_path / "nowhere"):
        pass


def test_the_lock_of_a_killed_export_is_free(tmp_path):
    code = ("import sys, time; from pathlib import Path; from export.artifacts import lock\n"
            "with lock.to_write(Path(sys.argv[1])) as claim: claim.sign(); print('held', flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match=f"process {process.pid}"), lock.to_read(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
    with lock.to_write(tmp_path):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("command", [
    ("export", "--formats", "onnx"), ("parity",), ("catalog_builder", "build"), ("catalog_builder", "apps"),
    ("catalog_builder", "bundle"), ("catalog_builder", "compare", "--models", "demo")])
def test_every_command_that_needs_the_folder_whole_waits_for_no_export(tmp_path, command):
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "shop.catalog").write_bytes(b"")
    out = "--dist" if command[0] == "catalog_builder" else "--out"
    with lock.to_write(folder) as claim:
        claim.sign()
        answer = run_module(*command, out, str(tmp_path))
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1, answer.stderr
    assert f"an export of demo is running (process {os.getpid()})" in answer.stderr


# Paths.

def test_a_path_with_a_byte_that_is_no_utf8_is_refused_at_once_and_the_remedy_works(tmp_path):
    folder = os.fsencode(tmp_path) + b"/gr\xf6\xdfe"
    Path(os.fsdecode(folder)).mkdir()
    path = Path(os.fsdecode(folder)) / "weights.safetensors"
    shutil.copy(ROOT / "demo/weights.safetensors", path)
    with pytest.raises(InputError, match=r"a path with bytes that are no UTF-8 in .*gr\\xf6\\xdfe"):
        pipeline.export(ExportRequest("demo", checkpoint=path, out=tmp_path / "out"), say=print)
    assert not (tmp_path / "out").exists()
    pipeline.refuse_bytes(path.parent.rename(tmp_path / "größe") / path.name)


def test_an_unknown_model_and_a_missing_checkpoint_in_a_foreign_script_are_one_line_in_ascii(tmp_path):
    answer = subprocess.run([sys.executable, "-m", "export", "--checkpoint", "größe/图.pt", "--out", str(tmp_path)],
                            cwd=ROOT, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii:strict"})
    assert answer.returncode == 2 and rb"gr\xf6\xdfe/\u56fe.pt" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


# Lists with blanks.

@pytest.mark.parametrize("given", ["onnx,tflite", "onnx, tflite", "onnx tflite", " ONNX ,\tTFLite, ", "tflite,,onnx"])
def test_lists_are_read_as_people_write_them(given):
    assert choices("FORMATS", given, ("coreml", "tflite", "onnx")) == ["tflite", "onnx"]


def test_precisions_are_read_in_any_case():
    assert jobs("onnx", "FP32 fp16") == jobs("onnx", "fp32,fp16") and jobs("ONNX", "Default") == jobs("onnx", "default")
    assert is_auto(" AUTO") and not is_auto("fp16")


# Several checkpoints for one model.

def folder_of(tmp_path, given: Given | None = None, kind: str = "bundled") -> Dist:
    """dist/demo as an export of the demo's weights leaves it, without artefacts."""
    request = ExportRequest("demo", given=given or Given(), random=kind == "random")
    dist = Dist(tmp_path / "demo")
    source = checkpoint.locate(DEMO, random=kind == "random")
    identity = manifest.Identity("ab" * 32, 1.0, True, pipeline.origin(source))
    dist.write(manifest.build(DEMO, identity, "", [], {}))
    files.write_json(dist.path(SOURCE), describe(request, source, DEMO))
    return dist


def told(dist: Dist, **changes: object) -> str | None:
    request = ExportRequest("demo", **changes)
    source = checkpoint.locate(DEMO, request.checkpoint, request.random, request.given.checkpoint_key)
    return replaced(dist, DEMO, source, request)


def test_the_same_weights_replace_nothing(tmp_path):
    dist = folder_of(tmp_path)
    (dist.folder / "shop.catalog").write_bytes(b"")
    assert told(dist) is None and told(dist, given=Given(name="demo")) is None
    same = tmp_path / "copy.safetensors"
    shutil.copy(ROOT / "demo/weights.safetensors", same)
    assert told(dist, checkpoint=same) is None


@pytest.mark.parametrize("changes", [{"random": True}, {"given": Given(mean=(0.5, 0.5, 0.5))}])
def test_other_weights_are_told_and_a_catalog_of_the_old_ones_holds_them_off(tmp_path, changes):
    dist = folder_of(tmp_path)
    assert told(dist, **changes) == f"replaces 0 artefacts of other weights (space abababab…) in {dist.folder}"
    (dist.folder / "shop.catalog").write_bytes(b"")
    with pytest.raises(InputError, match="a catalog of other weights lies in the folder .*found shop.catalog; "
                                         "remedy: NAME=another name for the folder, or REPLACE=1"):
        told(dist, **changes)
    assert told(dist, replace=True, **changes)
    assert told(Dist(tmp_path / "another"), **changes) is None


def test_the_same_file_with_other_pixels_is_told_too(tmp_path):
    mine = tmp_path / "mine.safetensors"
    shutil.copy(ROOT / "demo/weights.safetensors", mine)
    dist = folder_of(tmp_path)
    assert told(dist, checkpoint=mine) is None
    note = dist.note() | {"assumed": stated.settings_of(DEMO)}
    files.write_json(dist.path(SOURCE), note)
    assert told(dist, checkpoint=mine) is None and told(dist) is None
    files.write_json(dist.path(SOURCE), note | {"assumed": note["assumed"] | {"mean": [0.5, 0.5, 0.5]}})
    assert "other weights" in told(dist, checkpoint=mine)


# A remedy that exports again names what this very folder was made from.

@pytest.mark.parametrize("request_, variables", [
    (ExportRequest("demo"), "MODEL=demo"),
    (ExportRequest("ViT-B-32", pretrained="openai", random=True, given=Given(name="my-shop")),
     "MODEL=ViT-B-32 PRETRAINED=openai WEIGHTS=random NAME=my-shop"),
    (ExportRequest("demo", checkpoint=Path("/a $b/c.pt"), given=Given(checkpoint_key="ema", mean=(-0.5, 0.25, 0.0)),
                   licence=GivenLicence(Licence("Our's", "https://a", False, "given"), None)),
     "MODEL=demo CHECKPOINT='/a $b/c.pt' CHECKPOINT_KEY=ema MEAN='-0.5 0.25 0.0' LICENCE='Our'\"'\"'s' "
     "COMMERCIAL_USE=no LICENCE_URL=https://a")])
def test_a_folder_names_the_command_that_makes_it_again(tmp_path, request_, variables):
    source = checkpoint.Source("random" if request_.random else "file", None, None)
    files.write_json(tmp_path / SOURCE, describe(request_, source, DEMO))
    command = Dist(tmp_path).command(FORMATS="onnx")
    assert command == f"make export {variables} FORMATS=onnx"
    said = make("-n", *shlex.split(command)[1:])
    assert f'--model "{request_.model}"' in said
    assert request_.checkpoint is None or f'--checkpoint "{request_.checkpoint}"' in said


def test_a_folder_without_a_note_is_exported_again_by_its_name(tmp_path):
    assert Dist(tmp_path / "s2").command(PRECISION="int8") == "make export MODEL=s2 PRECISION=int8"


@pytest.mark.slow
def test_a_second_checkpoint_gets_a_folder_of_its_own_by_name_on_an_unfriendly_machine(tmp_path):
    """NAME= is a remedy that works, from a repository and a checkpoint with blanks, umlauts and Chinese.

    No home, no folder for temporary files, a narrow terminal without colours and with ASCII alone.
    """
    place = tmp_path / "größe 图"
    place.mkdir()
    repository, mine = place / "the repository", place / "mine 图.pt"
    repository.symlink_to(ROOT)
    weights = dict(checkpoint.random_model(DEMO, seed=3).state_dict())
    torch.save({"state_dict": {f"module.{key}": value for key, value in weights.items()},
                "state_dict_ema": {key: value + 1 for key, value in weights.items()}}, mine)
    dist = folder_of(tmp_path)
    (dist.folder / "shop.catalog").write_bytes(b"")
    before = files.sha256(dist.path(manifest.NAME))

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-m", *arguments, "--out", str(tmp_path)], cwd=repository, text=True,
                              capture_output=True, env=os.environ | {
            "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "NO_COLOR": "1", "COLUMNS": "40", "HOME": "/proc/none",
            "TMPDIR": "/proc/none"})

    own = ("export", "--formats", "onnx", "--checkpoint", str(mine), "--checkpoint-key", "state_dict")
    refused = run(*own)
    assert refused.returncode == 2 and "remedy: NAME=" in refused.stderr
    answer = run(*own, "--name", "mine")
    assert answer.returncode == 0 and "assumes gelu, mean 0 0 0" in answer.stdout, answer.stderr
    gate = run("parity", "--model", "mine", "--products", "0")
    assert gate.returncode == 0, gate.stderr
    assert gate.stdout.isascii() and "\x1b" not in gate.stdout + gate.stderr
    assert manifest.read(tmp_path / "mine").model == "mine" and Dist(tmp_path / "mine").source()[1].path == mine
    assert files.sha256(dist.path(manifest.NAME)) == before


def test_a_checkpoint_that_was_moved_is_taken_from_its_new_place_and_another_is_refused(tmp_path):
    first, moved = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    shutil.copy(ROOT / "demo/weights.safetensors", first)
    request = ExportRequest("demo", checkpoint=first)
    files.write_json(tmp_path / SOURCE, describe(request, checkpoint.locate(DEMO, first), DEMO))
    first.rename(moved)
    dist = Dist(tmp_path)
    with pytest.raises(InputError, match="no such checkpoint in .*a.safetensors.*remedy: CHECKPOINT=path"):
        dist.source()
    dist.move_checkpoint(moved)
    assert Dist(tmp_path).source()[1].path == moved
    moved.write_bytes(b"another")
    with pytest.raises(InputError, match="weights are not those of the export"):
        dist.move_checkpoint(moved)


# The gate asks the export which tag it has.

def test_the_gate_needs_no_tag_and_refuses_another_and_the_remedy_works(tmp_path):
    request = ExportRequest("ViT-B-32", pretrained="openai", random=True)
    spec = lookup.find("ViT-B-32", "openai")
    files.write_json(tmp_path / "ViT-B-32" / SOURCE, describe(request, checkpoint.locate(spec, random=True), spec))
    for name in ("ViT-B-32", "vit-b-32"):
        assert parity.exported(tmp_path, name, None).source()[0] == spec
        assert parity.exported(tmp_path, name, "openai").folder == tmp_path / "ViT-B-32"
    with pytest.raises(InputError, match="PRETRAINED=laion2b_s34b_b79k is not what was exported in .*source.json; "
                                         "expected openai; found laion2b_s34b_b79k; remedy: leave PRETRAINED out"):
        parity.exported(tmp_path, "ViT-B-32", "laion2b_s34b_b79k")


# Which folder a name means.

def test_an_export_is_found_by_what_the_export_was_asked_for(tmp_path):
    for name, tag in (("b", "datacompdr"), ("blt", "datacompdr_lt")):
        files.write_json(tmp_path / name / "source.json", {"model": "MobileCLIP-B", "pretrained": tag})
    assert dist.exported(tmp_path, "MobileCLIP-B", "datacompdr_lt") == tmp_path / "blt"
    assert dist.exported(tmp_path, "b") == tmp_path / "b"
    with pytest.raises(InputError, match="MODEL=MobileCLIP-B was exported more than once .*found b, blt; remedy: M"):
        dist.exported(tmp_path, "MobileCLIP-B")
    shutil.rmtree(tmp_path / "b")
    assert dist.exported(tmp_path, "MobileCLIP-B") == tmp_path / "blt"
    (tmp_path / "blt" / "source.json").write_text("[]")
    assert dist.exported(tmp_path, "s2") == tmp_path / "s2"


def test_a_configuration_that_is_gone_since_the_export_is_named(tmp_path):
    kept = {"model": "ViT-B-32", "pretrained": None, "kind": "file", "sha256": "0", "assumed": {"activation": "gelu"},
            "checkpoint": str(tmp_path / "ours.pt")}
    (tmp_path / "ours.pt").touch()
    files.write_json(tmp_path / "mine" / "source.json", kept)
    with pytest.raises(InputError, match="had a configuration beside the checkpoint.*put it back, or export again"):
        Dist(tmp_path / "mine").model()


def test_the_folder_of_a_name_is_that_of_the_export(tmp_path):
    for name in ("mine", "s2"):
        (tmp_path / name).mkdir()
    names = {"mine": "mine", "MobileCLIP-S2": "s2", "mobileclip_s2": "s2", "local-dir:/a/My-Shop": "My-Shop",
             "hf-hub:owner/name": "name", "vit-b-32": "ViT-B-32", "demo": "demo"}
    for name, folder in names.items():
        assert lookup.folder(tmp_path, name) == tmp_path / folder
    assert lookup.folder(tmp_path, "MobileCLIP-B", "datacompdr_lt") == tmp_path / "blt"
    with pytest.raises(InputError, match="unknown model 'nosuch'"):
        lookup.folder(tmp_path, "nosuch")


def test_disk_words_are_megabytes():
    assert disk.words(1_234_567_890) == "1,235 MB"


# What holds already. Elsewhere: hostile pickles, cut files, NaN (test_checkpoint), a killed worker (test_conversion),
# batch sizes, SIGKILL (test_export), Ctrl-C (test_command), Python 3.13 and a dead network (test_makefile), ranges and
# masks in float16 (test_faults).

class DiskFull(torch.nn.Module):
    def forward(self, ids):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
def test_a_disk_that_fills_inside_a_converter_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"found OSError: \[Errno 28\] No space left on device; [\d,]+ MB free"):
        convert(tmp_path, DiskFull())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    answer = run_module("export", "--formats", "onnx", "--out", "/proc/nowhere")
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1, answer.stderr
    assert "remedy: choose another --out" in answer.stderr


def test_a_finders_note_in_a_package_makes_it_another(tmp_path):
    (tmp_path / "a.mlpackage").mkdir()
    (tmp_path / "a.mlpackage" / "Manifest.json").write_text("{}")
    before = files.sha256(tmp_path / "a.mlpackage")
    (tmp_path / "a.mlpackage" / ".DS_Store").write_bytes(b"")
    assert files.sha256(tmp_path / "a.mlpackage") != before


def test_onnxruntime_tells_nobody_and_leaves_nothing(tmp_path):
    code = ("import export, onnx.helper as h, onnxruntime as ort\n"
            "value = lambda name: h.make_tensor_value_info(name, 1, [1])\n"
            "graph = h.make_graph([h.make_node('Relu', ['a'], ['b'])], 'g', [value('a')], [value('b')])\n"
            "model = h.make_model(graph, opset_imports=[h.make_opsetid('', 20)], ir_version=9)\n"
            "ort.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])\n")
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=kept | home, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert list(tmp_path.iterdir()) == []
