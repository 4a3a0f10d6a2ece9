"""Names of curves among others."""

from dataclasses import replace

from neurocodec.evaluation.labels import among, heading

from tests.evaluation.made import SETUP


def test_what_is_equal_everywhere_is_left_out():
    other = replace(SETUP, pre="tvl1")
    label = among([SETUP, other], ("codec", "pre"), ("encoder", "chroma"))
    assert [label(SETUP), label(other)] == ["bpg, none", "bpg, tvl1"]


def test_only_what_tells_equal_names_apart_is_added():
    finer = replace(SETUP, chroma="444")
    jpeg = replace(SETUP, codec="jpeg", encoder="libjpeg")
    label = among([SETUP, finer, jpeg], ("codec",), ("encoder", "chroma"))
    assert [label(s) for s in (SETUP, finer, jpeg)] == ["bpg, 420", "bpg, 444", "jpeg, 420"]


def test_weights_are_named_by_their_first_digits():
    trained = [replace(SETUP, weights_sha256=digit * 64) for digit in "ab"]
    label = among(trained, ("pre",), ("weights_sha256",))
    assert label(trained[1]) == "none, bbbbbbbb"


def test_a_heading_without_a_recogniser():
    assert heading(replace(SETUP, task="fidelity", model="")) == "fidelity on made (60 pictures)"
