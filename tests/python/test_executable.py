"""Where the package looks for its executable, and what importing it loads."""

import subprocess
import sys
import sysconfig
from importlib import metadata

import pytest

import pyrometer
from pyrometer import _executable


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A package that lies in a folder of its own, with no executable anywhere."""
    package = tmp_path / "lib" / "python3.9" / "site-packages" / "pyrometer" / "_executable.py"
    monkeypatch.delenv("PYROMETER_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(_executable, "_found", None)
    monkeypatch.setattr(_executable, "__file__", str(package))
    monkeypatch.setattr(metadata, "files", lambda _: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "scripts"))
    return tmp_path


def make_executable(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_it_can_be_chosen(monkeypatch, tmp_path):
    chosen = tmp_path / "elsewhere"
    chosen.write_text("#!/bin/sh\n")
    monkeypatch.setenv("PYROMETER_BIN", str(chosen))
    with pytest.raises(pyrometer.Error, match="elsewhere.*not an executable"):
        _executable.find()
    make_executable(chosen)
    assert _executable.find() == str(chosen)


def test_a_missing_one_is_said_by_name(nowhere):
    with pytest.raises(pyrometer.Error, match="not installed beside this package") as caught:
        _executable.find()
    assert "pip install" in caught.value.hint
    with pytest.warns(pyrometer.PyrometerWarning, match="not profiled: the pyrometer executable is not installed"):
        with pyrometer.profile():
            pass


@pytest.mark.parametrize("place", ["bin", "lib/python3.9/site-packages/bin", "scripts", "path"])
def test_it_is_found_where_it_is_installed(nowhere, place):
    executable = make_executable(nowhere / place / "pyrometer")
    assert _executable.find() == executable


def test_what_pip_wrote_down_is_believed(nowhere, monkeypatch):
    executable = make_executable(nowhere / "strange" / "pyrometer")

    class File:
        name = "pyrometer"

        def locate(self):
            return executable

    monkeypatch.setattr(metadata, "files", lambda _: [File()])
    assert _executable.find() == executable


def test_importing_loads_next_to_nothing():
    probe = "import sys; before = set(sys.modules); import pyrometer; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", probe], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.split() == ["pyrometer"]


def test_every_name_that_is_offered_is_there():
    for name in pyrometer.__all__:
        assert getattr(pyrometer, name) is not None
        assert name in dir(pyrometer)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(pyrometer, "nonsense")
