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
