"""The page of a run: what it shows, that nothing in it is taken for markup, and that it asks for nothing."""

import re
import shutil
import subprocess
from base64 import b64decode
from html import unescape
from io import BytesIO

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.commands.main import main
from blockrun.plugins.network import load
from blockrun.plugins.reports.curves import chart, image, ticks
from blockrun.plugins.reports.mistakes import mistakes
from blockrun.plugins.reports.page import report
from blockrun.plugins.training.run import load_run, train

NET = """\
blockrun: 1  # <script>alert(1)</script>
vars: {"<i>": "</pre><script>alert(2)</script>"}
inputs: {x: [6, 5, 1], label: {shape: [], dtype: int64}}
net:
  conv: {block: conv2d, channels: 2, kernel: 3}
  flat: flatten
  logits: {block: linear, units: 3}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
metrics: {accuracy: {block: accuracy, in: [logits, label]}}
data:
  train: {source: npz, path: data.npz, batch: 8}
  val: {source: npz, path: data.npz, batch: 8}
train: {minimize: loss, epochs: 3, optimizer: {name: sgd, lr: 0.01}}
"""
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--enable-logging=stderr")  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "net.yaml").write_text(NET)
    rng = np.random.default_rng(0)
    x, label = rng.standard_normal((40, 6, 5, 1)).astype(np.float32), rng.integers(3, size=40)
    np.savez(folder / "data.npz", x=x, label=label)
    return train(load(folder / "net.yaml", f"run.dir={folder}")).folder


@pytest.fixture(scope="module")
def page(run):
    return report(run, load_run(run))


def test_it_has_every_part_and_stays_small(page):
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles == ["Results", "Training", "Confusion matrix of loss", "Worst examples", "Filters of conv", "Network",
                      "Configuration", "Environment"]  # fmt: skip
    assert re.findall("<figcaption><b>(.*?)</b>", page) == ["loss", "accuracy", "learning rate"]
    assert len(page) < 300_000


def test_no_text_is_taken_for_markup_and_nothing_is_referred_to(page):
    assert "<script" not in page
    assert "alert(2)" in unescape(page)
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'>\s]*)|url\(([^)]*)\)|@import""", page)
    assert all(source.startswith("data:image/png;base64,") for source, _ in addresses)


def test_the_confusion_matrix_counts_what_the_linear_map_says(run):
    network = load_run(run)
    (found,) = mistakes(network)
    part = network.sections.data["val"].source.read(np.arange(40))
    W, b = network.params["conv.W"], network.params["conv.b"]
    patches = np.lib.stride_tricks.sliding_window_view(part["x"][..., 0], (3, 3), axis=(1, 2))
    h = np.einsum("nijuv,muv->nijm", patches, W[..., 0]) + b
    said = (h.reshape(40, -1) @ network.params["logits.W"].T + network.params["logits.b"]).argmax(axis=1)
    expected = [[int(((part["label"] == i) & (said == j)).sum()) for j in range(3)] for i in range(3)]
    assert found.confusion.tolist() == expected
    assert len(found.worst) == min(24, sum(said != part["label"]))


def test_without_graphviz_the_network_is_text(run, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "<pre>flowchart" in report(run, load_run(run))


def test_data_that_are_gone_leave_the_rest_and_a_reason(run, monkeypatch):
    network = load_run(run)
    from blockrun.plugins.errors import DataError

    def gone(indices):
        raise DataError("data.npz: there is no such file <b>")

    monkeypatch.setattr(type(network.sections.data["val"].source), "read", lambda self, indices: gone(indices))
    page = report(run, network)
    assert "not measured: data.npz: there is no such file &lt;b&gt;" in page
    assert "<h2>Environment</h2>" in page


def test_what_is_not_finite_is_left_out_of_curves():
    assert chart("a<b", {"t": [(0, float("nan"))]}) == ""
    drawn = chart("a<b", {"t": [(0, 1.0), (1, float("inf")), (2, 3.0)], "v": [(1, 2.0)]})
    assert "a&lt;b" in drawn
    assert "inf" not in drawn
    assert "nan" not in drawn
    assert len(re.findall("<circle", drawn)) == 1  # a single point is a dot


@given(
    st.floats(-1e30, 1e30),
    st.floats(1e-6, 1e30),
)
def test_the_lines_of_a_figure_are_at_round_numbers_that_can_be_told_apart(low, length):
    """Multiples of 1, 2 or 5 times a power of ten."""
    length = max(length, abs(low) * 1e-6)
    found = ticks(low, low + length)
    assert 2 <= len(found) <= 6
    texts = [text for _, text in found]
    assert len(set(texts)) == len(texts)
    step = found[1][0] - found[0][0]
    assert min(abs(step / 10.0 ** np.floor(np.log10(step) + 1e-6) - factor) for factor in (1, 2, 5, 10)) < 1e-3
    for value, text in found:
        assert low - length / 1e6 <= value <= low + length * (1 + 1e-6)
        assert abs(float(text) - value) <= step / 10


def test_a_figure_of_one_step_names_it_once():
    assert re.findall("<text[^>]*>([^<]*step[^<]*)<", chart("loss", {"train": [(8, 1.0)]})) == ["step 8"]
    assert chart("loss", {"train": [(0, -1.7e308), (1, 1.7e308)]}).startswith("<figure>")


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_read_by_another_program_as_they_were(channels):
    reader = pytest.importorskip("PIL.Image", reason="Pillow reads the picture back")
    x = np.linspace(0, 255, 4 * 5 * channels).round().reshape(4, 5, channels)
    data = b64decode(re.search('base64,(.*?)"', image(x)).group(1))
    np.testing.assert_array_equal(np.asarray(reader.open(BytesIO(data))).reshape(x.shape), x)


def test_the_command_writes_it_into_the_run_folder(run, tmp_path):
    found = CliRunner().invoke(main, ["report", str(run.path)])
    assert found.stdout == f"{run.path / 'report.html'}\n"
    assert (run.path / "report.html").read_text().startswith("<!DOCTYPE html>")
    other = CliRunner().invoke(main, ["report", str(run.path), "-o", str(tmp_path / "r.html")])
    assert other.exit_code == 0
    assert (tmp_path / "r.html").exists()


def opened(page, folder):
    """What a browser makes of the page: its text, what it logs on the console, and the addresses it asks for."""
    folder.mkdir()
    (folder / "report.html").write_text(page)
    log = folder / "net.json"
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'user'}", f"--log-net-log={log}", "--dump-dom"]
    done = subprocess.run([*command, (folder / "report.html").as_uri()], capture_output=True, text=True, timeout=100)
    # 101845102 marks what a page loads (blink_resource_loader); other requests are the browser's own
    asked = re.findall(r'"traffic_annotation":101845102,"url":"((?!file:|data:)[^"]*)"', log.read_text())
    return done.stdout, "CONSOLE" in done.stderr, set(asked)


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
def test_a_browser_shows_it_without_an_error_or_a_request(page, tmp_path):
    text, errors, asked = opened(page, tmp_path / "good")
    assert "<h2>Environment</h2>" in text
    assert (errors, asked) == (False, set())
    bad = "<img src='http://127.0.0.1:47999/x.png'><script>nothing()</script>"  # so that both would be seen
    _, errors, asked = opened(page + bad, tmp_path / "bad")
    assert (errors, asked) == (True, {"http://127.0.0.1:47999/x.png"})


WIDTHS = """<body><script>
const frames = WIDTHS.map(width => {
  const frame = document.createElement("iframe")
  frame.src = "report.html"
  frame.width = width
  return document.body.appendChild(frame)
})
onload = () => { document.title = frames.map(f => f.contentDocument.documentElement.scrollWidth) }
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
def test_it_fits_a_phone_and_a_desktop(page, tmp_path):
    """Nothing sticks out to the right; what is wide scrolls by itself."""
    (tmp_path / "report.html").write_text(page)
    (tmp_path / "widths.html").write_text(WIDTHS.replace("WIDTHS", "[375, 700, 1600]"))
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'user'}", "--allow-file-access-from-files", "--dump-dom"]
    command.append("--hide-scrollbars")  # whose width would count
    done = subprocess.run([*command, (tmp_path / "widths.html").as_uri()], capture_output=True, text=True, timeout=100)
    assert "<title>375,700,1600</title>" in done.stdout


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
@pytest.mark.parametrize(
    ("scheme", "ink", "paper"), [(0, (228, 231, 234), (21, 24, 27)), (1, (29, 33, 38), (255, 255, 255))]
)
def test_it_is_dark_where_the_reader_has_it_dark(page, tmp_path, scheme, ink, paper):
    (tmp_path / "report.html").write_text(page)
    look = (
        "<iframe src=report.html></iframe><script>onload=()=>{const d=frames[0].document, s=frames[0].getComputedStyle("
    )
    look += "d.body); document.title=s.color+s.backgroundColor}</script>"
    (tmp_path / "look.html").write_text(look)
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'user'}", "--allow-file-access-from-files", "--dump-dom"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", (tmp_path / "look.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert f"<title>rgb{ink}rgb{paper}</title>" in done.stdout
