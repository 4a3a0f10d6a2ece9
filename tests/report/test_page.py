"""The report: what is on the page, and how a browser lays it out."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from neurocodec.evaluation.bd_rate import Estimation, compare
from neurocodec.evaluation.results import Point, Result
from neurocodec.evaluation.selection import Curve, gather
from neurocodec.images import png
from neurocodec.report import figures
from neurocodec.report import page as module
from neurocodec.report.examples import Example
from neurocodec.report.labels import interval, percent
from neurocodec.tasks import metrics
from tests.conftest import picture
from tests.evaluation.made import results

PRES = (("none", 1.0), ("blur:sigma=0.5", 0.6))
ESTIMATION = Estimation(replicates=40)
LONG = f"schedule:file={12 * 'blurbyqp'}.json"
WIDTHS = (1280, 390)

_REPORTING = """<script>addEventListener("load", () => {
  const root = document.documentElement, images = [...document.images];
  parent.postMessage([innerWidth, root.scrollWidth - root.clientWidth, images.length,
    images.filter(i => i.naturalWidth > 0).length].join(" "), "*");
});</script>"""
_FRAME = """<script>addEventListener("message", event => {
  document.documentElement.dataset.measured = event.data;
});</script><iframe src="page.html" style="border: 0; width: %dpx; height: 900px"></iframe>"""


def _human(found: list[Result]) -> list[Result]:
    """The same results as the human side would have them, LPIPS's weights being absent."""
    changed = []
    for result in found:
        setup = replace(result.setup, data="kodak", task="fidelity", model="none", model_sha256="")
        scores = {"psnr_db": 40 + 5 * result.scores["kl"], "fsim": 1 + result.scores["kl"] / 50}
        changed.append(replace(result, setup=setup, scores=scores))
    return changed


@pytest.fixture(scope="module")
def curves() -> list[Curve]:
    rng = np.random.default_rng(0)
    jpeg = {"codec": "jpeg", "encoder": "libjpeg-turbo"}
    found = [
        *results(rng, *PRES, (LONG, 0.8), pictures=20),
        *results(rng, *PRES, pictures=20, model="<b>mcunet</b>", model_sha256="1"),
        *results(rng, ("none", 1.9), PRES[1], pictures=20, **jpeg),
        *_human(results(rng, *PRES, pictures=20)),
    ]
    return gather(found)


@pytest.fixture(scope="module")
def page(curves: list[Curve], tmp_path_factory: pytest.TempPathFactory) -> Path:
    shot = png(picture(224, 224))
    panels = [(what, shot) for what in ("original", "filtered", "decoded", "difference ×4")]
    folder = tmp_path_factory.mktemp("report")
    example = Example("a.png: bpg, blur, QP 34", panels)
    return module.write(curves, folder, ESTIMATION, [example])


def test_the_page_needs_nothing_else(page):
    text = page.read_text()
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", text)
    assert sources
    assert all(
        source.startswith(("data:image/", "#")) or source == "points.csv" for source in sources
    )
    assert "@import" not in text and "url(" not in text and "<link" not in text


def test_links_lead_to_sections(page):
    text = page.read_text()
    for name in re.findall(r'href="#([\w-]+)"', text):
        assert f'id="{name}"' in text


def test_subjects_of_one_name_have_their_own_figures(curves, tmp_path):
    other = replace(curves[0], setup=replace(curves[0].setup, pictures_sha256="cafe"))
    text = module.write([curves[0], other], tmp_path, Estimation(replicates=0)).read_text()
    assert text.count("svg+xml") == 4


def test_names_are_escaped(page):
    assert "<b>mcunet</b>" not in page.read_text()
    assert "&lt;b&gt;mcunet&lt;/b&gt; on made" in page.read_text()


def test_the_tables_say_what_bdrate_says(page, curves):
    found = compare(curves[0], curves[1], "kl", ESTIMATION)
    for column in ("KL", "bpg"):  # the table of the subject, and that of transfer
        cell = f'<td class="number better" data-column="{column}">{percent(found.bd_rate_percent)}'
        cell += f'<span class="interval">{interval(found.interval)}</span></td>'
        assert page.read_text().count(cell) == 1
    across = compare(curves[0], curves[5], "top1", ESTIMATION, across_codecs=True)
    cell = f'<td class="number worse" data-column="top-1">{percent(across.bd_rate_percent)}<'
    assert cell in page.read_text()


def test_bd_rates_come_first_with_the_main_metric(page):
    text = page.read_text()
    order = [text.index(f'id="{name}"') for name in ("bd-rates", "transfer", "curves", "points")]
    assert order == sorted(order)
    assert re.search(r"<thead><tr><th>codec, filter</th>\s*<th>KL</th><th>top-1</th>", text)


def test_what_is_absent_is_said(page):
    text = page.read_text()
    assert text.count("weights absent") == 1
    assert "not measured" in text  # the second recogniser has no jpeg


def test_every_figure_is_there_as_svg_and_png(page):
    drawn = sorted((page.parent / "figures").iterdir())
    assert (page.parent / "points.csv").read_text().count("\n") == 1 + 5 * 9
    assert len(drawn) == 2 * page.read_text().count("data:image/svg+xml") == 2 * 10
    for path in drawn:
        if path.suffix == ".png":
            with PIL.Image.open(path) as opened:
                assert min(opened.size) > 500
        else:
            assert path.read_text().endswith("</svg>\n")


def test_error_bars_are_drawn_only_with_picture_lines(curves):
    drawn = []
    for pictures in (curves[0].pictures, ()):
        alone = replace(curves[0], pictures=pictures)
        svg, _ = figures.draw([alone], metrics()["kl"], lambda setup: setup.codec, ESTIMATION)
        drawn.append(svg.decode())
    assert "LineCollection" in drawn[0]
    assert "LineCollection" not in drawn[1]


def test_a_curve_of_one_point_is_not_plotted(curves, tmp_path):
    short = replace(curves[0], points=curves[0].points[:1], pictures=curves[0].pictures[:1])
    text = module.write([short], tmp_path, ESTIMATION).read_text()
    assert "svg+xml" not in text and 'href="#curves"' not in text
    assert not (tmp_path / "figures").exists()
    assert "QP 41" in text


def test_the_same_results_give_the_same_bytes(curves, tmp_path):
    pages = [module.write(curves[:2], tmp_path / name, ESTIMATION) for name in ("a", "b")]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_what_cannot_be_compared_says_why(tmp_path):
    rng = np.random.default_rng(0)
    found = [r for r in results(rng, *PRES, pictures=4) if r.setup.pre == "none" or r.qp > 31]
    page = module.write(gather(found), tmp_path, ESTIMATION)
    assert re.search(
        r'absent" data-column="KL">none<sup>1</sup>[\s\S]*<li>[^<]* curve has 3: ', page.read_text()
    )


def test_without_picture_lines_numbers_stand_without_intervals(tmp_path):
    rng = np.random.default_rng(0)
    found = [r for r in results(rng, *PRES, pictures=9) if isinstance(r, Point)]
    text = module.write(gather(found), tmp_path, ESTIMATION).read_text()
    assert re.search(r'<td class="number open" data-column="KL">−\d+\.\d %<sup>1</sup></td>', text)
    assert "--per-image" in text
    assert 'class="interval"' not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_browser_shows_it_without_sideways_scrolling(
    page: Path, width: int, needs_tool: Callable[[str], str], tmp_path: Path
):
    (tmp_path / "page.html").write_text(page.read_text() + _REPORTING)
    frame = tmp_path / "frame.html"
    frame.write_text(_FRAME % width)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"]
    done = subprocess.run(
        [needs_tool("chromium"), *flags, "--dump-dom", frame.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    measured = re.search(r'data-measured="(\d+) (-?\d+) (\d+) (\d+)"', done.stdout)
    inner, hidden, images, loaded = map(int, measured.groups())
    assert (inner, hidden) == (width, 0)
    assert images == loaded == 10 + 4
