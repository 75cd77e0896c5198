"""The installed wheel: one package for every CPython, with the executable beside it."""

import subprocess
import sys
import sysconfig
from importlib import metadata

import pytest

import pyrometer
from pyrometer import _executable


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def test_the_version_is_the_same_from_every_door():
    expected = f"pyrometer {metadata.version('pyrometer')}\n"
    assert output(str(_executable.find()), "--version") == expected
    assert output(sys.executable, "-m", "pyrometer", "--version") == expected
    assert pyrometer.__version__ == metadata.version("pyrometer")


def test_one_wheel_serves_every_python():
    wheel = metadata.distribution("pyrometer").read_text("WHEEL")
    tags = [line.split(": ")[1] for line in wheel.splitlines() if line.startswith("Tag: ")]
    assert tags and all(tag.startswith("py3-none-") and not tag.endswith("-any") for tag in tags)


def test_the_package_is_typed():
    files = {str(file) for file in metadata.files("pyrometer")}
    assert "pyrometer/py.typed" in files


def test_the_executable_can_be_chosen(monkeypatch, tmp_path):
    chosen = tmp_path / "elsewhere"
    chosen.write_text("#!/bin/sh\n")
    monkeypatch.setenv("PYROMETER_BIN", str(chosen))
    with pytest.raises(pyrometer.Error, match="elsewhere.*not an executable"):
        _executable.find()
    chosen.chmod(0o755)
    assert _executable.find() == str(chosen)


def test_a_missing_executable_is_said_by_name(monkeypatch, tmp_path):
    monkeypatch.delenv("PYROMETER_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_executable, "_found", None)
    monkeypatch.setattr(_executable, "__file__", str(tmp_path / "a" / "b" / "c" / "pyrometer" / "_executable.py"))
    monkeypatch.setattr(metadata, "files", lambda _: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(pyrometer.Error) as caught:
        _executable.find()
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize("scripts", ["bin", "lib/python3.9/site-packages/bin"])
def test_the_executable_is_found_where_pip_puts_it(monkeypatch, tmp_path, scripts):
    monkeypatch.delenv("PYROMETER_BIN", raising=False)
    monkeypatch.setattr(_executable, "_found", None)
    package = tmp_path / "lib" / "python3.9" / "site-packages" / "pyrometer" / "_executable.py"
    monkeypatch.setattr(_executable, "__file__", str(package))
    executable = tmp_path / scripts / "pyrometer"
    executable.parent.mkdir(parents=True)
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    assert _executable.find() == str(executable)


def test_importing_loads_next_to_nothing():
    probe = "import sys; before = set(sys.modules); import pyrometer; print(*sorted(set(sys.modules) - before))"
    assert output(sys.executable, "-c", probe).split() == ["pyrometer"]


def test_every_name_that_is_offered_is_there():
    for name in pyrometer.__all__:
        assert getattr(pyrometer, name) is not None
        assert name in dir(pyrometer)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        pyrometer.nonsense
