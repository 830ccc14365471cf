"""What stands beside the series of the scoreboard: nearest neighbours, straight and warped, and simpler forecasts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data"
VARIANCE = 1535  # of the sunspots from 1700 to 1979, by which Weigend, Huberman and Rumelhart (1990) divide


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    for name in ("GunPoint", "ItalyPowerDemand"):
        (x, label), (new, wanted) = (table(folder / f"{name}_{part}.csv") for part in ("TRAIN", "TEST"))
        for how, distances in (("Euclidean", euclidean), ("warped", warped)):
            nearest = np.array([distances(x, series).argmin() for series in new])
            print(f"{name}: nearest neighbour, {how}: {100 * np.mean(label[nearest] == wanted):.2f} %")
    years, spots = table(folder / "sunspots.csv")
    known, (end, last) = np.c_[years[:, 1:], np.ones(len(years))], np.searchsorted(years[:, 0], (1921, 1956))
    weights, *_ = np.linalg.lstsq(known[:end], spots[:end])
    for how, forecast in (("as many as the year before", years[:, -1]), ("a linear regression", known @ weights)):
        print(f"sunspots, {how}: arv {np.mean((forecast - spots)[end:last] ** 2) / VARIANCE:.3f}")
    return 0


def table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The series (N, T) and their classes (N,)."""
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return rows[:, :-1], rows[:, -1]


def euclidean(x: np.ndarray, series: np.ndarray) -> np.ndarray:
    """The squared distance of one series from each of x (N, T)."""
    return ((x - series) ** 2).sum(axis=1)


def warped(x: np.ndarray, series: np.ndarray) -> np.ndarray:
    """The same by dynamic time warping with no window (Sakoe and Chiba 1978), one diagonal of its table at a time.

    D[i, j] = (x[i] − s[j])² + min(D[i−1, j], D[i, j−1], D[i−1, j−1]); the cells with i + j = d depend on d − 1, d − 2.
    """
    N, T = x.shape
    two, one = np.full((2, N, T + 1), np.inf)  # D on the two diagonals before, at [:, i + 1]
    for d in range(2 * T - 1):
        i = np.arange(max(0, d - T + 1), min(d, T - 1) + 1)
        best = np.minimum(np.minimum(one[:, i], one[:, i + 1]), two[:, i]) if d else 0
        now = np.full((N, T + 1), np.inf)
        now[:, i + 1] = (x[:, i] - series[d - i]) ** 2 + best
        two, one = one, now
    return one[:, T]


if __name__ == "__main__":
    sys.exit(main())
