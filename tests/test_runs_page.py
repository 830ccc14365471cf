"""The page on what comes after training: its commands are run in order, and print what it says they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from blockrun.plugins.export.contracts import Trained
from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_print_what_the_page_says(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OPENBLAS_NUM_THREADS": "1"}
    for part in re.split(r"^\$ ", "".join(blocks("console")), flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        done = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        pattern = ".*?".join(re.escape(piece) for piece in expected.strip().split("..."))
        assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), f"{command}\n{done.stdout}"


def test_the_exporter_of_the_page_is_one(tmp_path):
    (tmp_path / "mine.py").write_text(blocks("python")[0])
    exporter = load_host(entry_points=False, local=[tmp_path / "mine.py"]).find("exporters", "sizes")()
    exporter.export(Trained(load(ROOT / "configs" / "kamper_mlp1.yaml")), tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "z1.W 6\nz1.b 2\n"
