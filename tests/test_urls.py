"""Inputs and outputs behind URLs, in memory and as file://."""

import pytest

from neurocodec import files, images, urls
from neurocodec.errors import BadInputError, MissingError
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.training.conftest import jpeg_in_process

fsspec = pytest.importorskip("fsspec")
JPEG = ("--codec", "jpeg", "--quality", 40, "--filter", "none", "-j", 0)


@pytest.fixture(scope="module", autouse=True)
def no_programs():
    with jpeg_in_process():
        yield


@pytest.fixture(params=["memory://{}", "file://{}"])
def root(request, tmp_path):
    """The URL of a folder of three pictures, one of them in a folder below."""
    url = request.param.format(f"{tmp_path}/in")
    for place in ("a.png", "b.png", "sub/c.png", ".hidden.png", "notes.txt"):
        files.write(f"{url}/{place}", images.png(picture(24, 16)))
    return url


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("s3://b/a.png", True), ("memory://x", True), ("a.png", False), ("a/b://c", False)],
)
def test_what_a_url_is(name, is_one):
    assert urls.is_url(name) is is_one


def test_a_folder_is_mirrored_from_url_to_url(root):
    output = root.removesuffix("in") + "out"
    done = neurocodec("encode", root, "-r", "-o", output, *JPEG)

    assert done.returncode == 0, done.stderr
    assert b"3 of 3 done" in done.stderr
    places = [place for _, place in urls.files_below(output, recursive=True)]
    assert places == ["a.jpg", "b.jpg", "sub/c.jpg"]
    assert [p for _, p in urls.files_below(output, recursive=False)] == ["a.jpg", "b.jpg"]
    assert files.read(f"{output}/a.jpg")[:2] == b"\xff\xd8"
    again = neurocodec("encode", root, "-r", "-o", output, *JPEG, "--skip-existing")
    assert b"3 outputs exist: skipped" in again.stderr


def test_one_picture_goes_beside_itself_or_to_a_file_here(root, tmp_path):
    assert neurocodec("encode", f"{root}/a.png", *JPEG).returncode == 0
    assert files.exists(f"{root}/a.jpg")
    done = neurocodec("decode", f"{root}/a.jpg", "-o", tmp_path / "seen.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen.png").is_file()


def test_a_manifest_resumes_across_urls(root, tmp_path):
    output = root.removesuffix("in") + "out"
    options = ("-r", "-o", output, *JPEG, "--manifest", tmp_path / "m.jsonl", "--resume")
    assert b"3 of 3 done" in neurocodec("encode", root, *options).stderr
    assert b"0 of 0 done, 3 skipped" in neurocodec("encode", root, *options).stderr


def test_what_is_not_there_or_too_long_is_bad_input(root):
    with pytest.raises(BadInputError, match=r"none\.png"):
        files.read(f"{root}/none.png")
    with pytest.raises(BadInputError, match="raise --max-bytes"):
        files.read(f"{root}/a.png", 10)


def test_fsspec_and_its_storages_are_asked_for(monkeypatch):
    done = neurocodec("encode", "nothing://x/a.png", *JPEG)
    assert done.returncode == 2
    monkeypatch.setattr(urls, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match="pip install fsspec"):
        files.read("s3://b/a.png")


def test_coded_files_behind_urls_are_decoded(root):
    output = root.removesuffix("in") + "out"
    assert neurocodec("encode", root, "-r", "-o", output, *JPEG).returncode == 0
    done = neurocodec("decode", output, "-r", "-o", root.removesuffix("in") + "seen", "-j", 0)
    assert b"3 of 3 done" in done.stderr, done.stderr
    listed = [f"{root}/a.png", f"{root}/sub/c.png"]
    done = neurocodec(
        "encode", "--files-from", "-", "-o", output, *JPEG, stdin="\n".join(listed).encode()
    )
    assert done.returncode == 0, done.stderr
    assert not any(":" in place for _, place in urls.files_below(output, recursive=True))


def test_an_output_below_the_input_is_passed_over(root):
    options = ("-r", "-o", f"{root}/out", "--codec", "webp", "--quality", 40, "--filter", "none")
    for _ in range(2):
        done = neurocodec("encode", root, *options, "-j", 0)
        assert b"3 of 3 done" in done.stderr, done.stderr
