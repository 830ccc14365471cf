"""The series of the scoreboard as tables: taken out of wheels that ship them, since their own sites come and go.

GunPoint and ItalyPowerDemand, of the UCR archive (Dau et al. 2019), are text in the wheel of aeon; the yearly sunspots,
in the public domain, are in that of statsmodels. The wheels are fetched with pip and not installed.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
AEON, STATSMODELS = "aeon==1.6.0", "statsmodels==0.15.0"
LAGS = 12  # years that are known when the next is foretold: one more than a cycle has

Row = Iterable[object]


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as downloads:
        wheel = fetched(AEON, Path(downloads) / "aeon")
        for name in ("GunPoint", "ItalyPowerDemand"):
            for part in ("TRAIN", "TEST"):
                rows = classified(wheel.read(f"aeon/datasets/data/{name}/{name}_{part}.ts").decode())
                write(folder / f"{name}_{part}.csv", [*(f"t{i + 1}" for i in range(len(rows[0]) - 1)), "label"], rows)
        text = fetched(STATSMODELS, Path(downloads) / "statsmodels").read("statsmodels/datasets/sunspots/sunspots.csv")
    rows = lagged(text.decode())
    write(folder / "sunspots.csv", ["year", *(f"lag{i}" for i in range(LAGS, 0, -1)), "spots"], rows)
    return 0


def fetched(wheel: str, folder: Path) -> zipfile.ZipFile:
    """A wheel without what it needs."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--only-binary=:all:", "--dest", str(folder), wheel], check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def classified(text: str) -> list[list[str]]:
    """The rows of a `.ts` file of one series each, and last the class, from 0."""
    lines = [line.rpartition(":") for line in text.lower().partition("@data")[2].split()]
    classes = sorted({label for _, _, label in lines})
    return [[*series.split(","), str(classes.index(label))] for series, _, label in lines]


def lagged(text: str) -> list[list[str]]:
    """For each year that has so many before it the year, its `LAGS` predecessors and its own number of spots."""
    years = list(csv.reader(text.splitlines()))[1:]
    spots = [number for _, number in years]
    return [[years[i][0], *spots[i - LAGS : i + 1]] for i in range(LAGS, len(years))]


def write(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    print(f"{path} written")


if __name__ == "__main__":
    sys.exit(main())
