"""doctor's Python packages; the programs are tested with encode."""

import json
from importlib.metadata import PackageNotFoundError

import pytest
from click.testing import CliRunner

from neurocodec.cli.commands import doctor


def findings(*options):
    done = CliRunner().invoke(doctor.doctor, options, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout.splitlines()


def versions(name):
    if name != "compressai":
        return "1.2.3"
    raise PackageNotFoundError(name)


@pytest.fixture(autouse=True)
def no_tools(monkeypatch):
    monkeypatch.setattr(doctor, "_tools", lambda: iter(()))
    monkeypatch.setattr(doctor, "version", versions)


def test_packages_are_listed_and_an_absent_one_says_how_to_get_it():
    assert [line.split()[:3] for line in findings()] == [
        ["python", "compressai", "absent"],
        ["python", "fsspec", "ok"],
        ["python", "ray", "ok"],
        ["python", "tensorboard", "ok"],
        ["python", "timm", "ok"],
    ]
    assert "for train-proxy and mbt2018: pip install compressai" in findings()[0]


def test_in_json_a_package_has_no_codec_and_no_path():
    absent, present, *_ = map(json.loads, findings("--json"))
    assert (absent["ok"], absent["version"]) == (False, None)
    assert absent["remedy"].startswith("for train-proxy and mbt2018")
    assert (present["ok"], present["version"], present["source"]) == (True, "1.2.3", "python")
    assert present["codec"] is present["path"] is present["remedy"] is None
