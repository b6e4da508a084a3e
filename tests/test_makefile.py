"""The Makefile passes on what the user says, and the README names no target that is not there."""

import os
import re
import subprocess

from tests.conftest import ROOT


def make(*arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_help_lists_every_target():
    listed = set(re.findall(r"^  make (\w+)", make("help"), re.MULTILINE))
    declared = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())
    assert listed == declared


def test_readme_names_only_targets_that_exist():
    listed = set(re.findall(r"^  make (\w+)", make("help"), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", (ROOT / "README.md").read_text())) - {"itself", "and"} <= listed


def test_export_passes_every_variable_on_and_runs_the_gate_after():
    said = make("-n", "export", "MODEL=s2", "FORMATS=onnx", "PRECISION=fp32", "CHECKPOINT=a b.pt", "STRICT=1",
                "PRETRAINED=tag", "WEIGHTS=random")
    export, gate = (next(line for line in said.splitlines() if f"-m {stage}" in line) for stage in ("export", "parity"))
    assert "--model s2 --formats onnx --precision fp32" in export and '--checkpoint "a b.pt"' in said
    assert "--weights random" in said and "--pretrained tag" in said and "--pretrained tag" in gate
    assert "--model s2" in gate and "--strict" in gate
    assert said.index("-m export") < said.index("-m parity")


def test_what_the_user_says_of_the_weights_is_passed_on_whole():
    given = {"LICENCE": 'Ours "1.0"', "COMMERCIAL_USE": "yes", "LICENCE_URL": "https://a", "LICENCE_FILE": "a b.txt"}
    said = make("-n", "export", *(f"{name}={value}" for name, value in given.items()))
    flags = {"LICENCE": "--licence", "COMMERCIAL_USE": "--commercial-use", "LICENCE_URL": "--licence-url",
             "LICENCE_FILE": "--licence-file"}
    assert all(f'{flag} "${name}"' in said for name, flag in flags.items())
    assert "--licence" not in make("-n", "export") and "--commercial-use" not in make("-n", "export")


def test_each_licence_that_stops_an_app_is_accepted_by_a_variable_of_its_own():
    flags = {"ACCEPT_RESEARCH_LICENCE": "--accept-research-licence",
             "ACCEPT_UNKNOWN_LICENCE": "--accept-unknown-licence"}
    for name in flags:
        said = make("-n", "apps", f"{name}=1")
        assert [other for other, flag in flags.items() if flag in said] == [name]


def selected(target: str, *given: str) -> str:
    """By which marks a target's call of pytest selects tests: "" for all."""
    said = make("-n", target, *(given or ["STRICT="]))
    [call] = [line for line in said.splitlines() if "-m pytest" in line]
    return call.partition("-m pytest")[2].partition("-m ")[2].strip('"')


def test_check_takes_the_fast_tests_and_all_and_strict_take_every_test():
    assert selected("check") == selected("check", "STRICT=1") == "not slow"
    assert (selected("test"), selected("soak")) == ("not exhaustive", "repeated")
    assert selected("test", "ALL=1") == selected("test", "STRICT=1") == ""
    said = make("-n", "check")
    assert said.index("-m ruff") < said.index("-m mypy") < said.index("-m pytest")
    assert "REPETITIONS=" in make("-n", "soak") and "REPETITIONS" not in make("-n", "test")


def test_ci_checks_first_and_is_strict():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = re.findall(r"^(STRICT=1 )?(?:run|make) (\w+)", script, re.MULTILINE)
    assert steps == [("STRICT=1 ", "check"), ("", "environment"), ("", "inspect"), ("", "export"),
                     ("STRICT=1 ", "test")]


def test_precision_auto_chooses_between_the_export_and_the_gate_and_nothing_else_does():
    said = make("-n", "export", "PRECISION=auto", "BUDGET_MB=60", "FORMATS=onnx", "MODEL=s2")
    chosen = next(line for line in said.splitlines() if "--choose" in line)
    assert "--model s2 --formats onnx" in chosen and "--budget-mb 60" in said
    assert said.index("-m export") < said.index("--choose") < said.index("--if-changed")
    assert "--choose" not in make("-n", "export")


def test_the_second_environment_is_made_only_when_asked_for(tmp_path):
    away = f"ONNX2TF_VENV={tmp_path / 'none'}"
    assert "onnx2tf" not in make("-n", "export", away)
    said = make("-n", "export", away, "TFLITE_ROUTE=onnx2tf")
    assert said.index("-r requirements-onnx2tf.lock") < said.index("--tflite-route onnx2tf")
    assert f"-m venv {tmp_path / 'none'}" in make("-n", "environment", away, "TFLITE_ROUTE=onnx2tf")


def test_catalogs_take_the_exporters_environment_where_it_is_there_or_made_and_else_their_own(tmp_path):
    light, none = f"CATALOG_VENV={tmp_path / 'light'}", f"VENV={tmp_path / 'none'}"
    for target in ("inspect", "fetch", "catalog", "search", "apps"):
        said = make("-n", target, light, none)
        assert "-r requirements-catalog.lock" in said and f"{tmp_path / 'light'}/bin/python -m catalog_builder" in said
        assert "requirements.lock" not in said
    assert "requirements-catalog.lock" not in make("-n", "export", "catalog", light, none)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / ".ready").touch()
    assert "requirements-catalog.lock" not in make("-n", "catalog", light, f"VENV={tmp_path / 'whole'}")


def test_what_the_user_says_of_a_list_is_passed_on_whole():
    given = {"MAP": 'name="A B"', "CURRENCY": "EUR", "KEEP": "Brand,Size", "LIST_LANGUAGE": "de", "PRESET": "plain",
             "GROUP_BY": "model", "DECIMAL": ",", "ENCODING": "cp1252", "PICTURES": "a b", "PICTURES_FROM": "{id}.jpg",
             "SOLD_OUT": "mark", "ALLOW_LOSS": "5%"}
    said = make("-n", "catalog", "PRODUCTS=my list.csv", *(f"{name}={value}" for name, value in given.items()))
    assert '--products "my list.csv"' in said and all(f'"${name}"' in said for name in given)


def test_the_second_route_is_refused_where_its_tools_are_not_built(tmp_path):
    (tmp_path / "uname").write_text("#!/bin/sh\necho Darwin arm64\n")
    (tmp_path / "uname").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    answer = subprocess.run(["make", "-n", "export", "TFLITE_ROUTE=onnx2tf"], cwd=ROOT, capture_output=True, text=True,
                            env=os.environ | path)
    assert answer.returncode == 2 and "TFLITE_ROUTE=onnx2tf on Darwin arm64; expected Linux x86_64" in answer.stderr
    subprocess.run(["make", "-n", "export"], cwd=ROOT, check=True, capture_output=True, env=os.environ | path)


def test_the_cpu_lock_leaves_out_torch_and_cuda_alone():
    said = make("-n", "-B", "environment", "TORCH_INDEX=https://example.invalid/cpu", "VENV=/nowhere")
    script = re.search(r"awk '(.*?)' requirements.lock", said)[1]
    lock = (ROOT / "requirements.lock").read_text()
    kept = subprocess.run(["awk", script], input=lock, capture_output=True, text=True, check=True).stdout
    names = [set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)) for text in (lock, kept)]
    assert {"torch", "torchvision"} <= names[0] - names[1]
    assert all(re.match(r"(torch|torchvision|triton|nvidia-|cuda-)", name) for name in names[0] - names[1])
    assert not [name for name in names[1] if name.startswith(("nvidia", "cuda"))]


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 5 and [link for link in links if not (ROOT / link).exists()] == []
