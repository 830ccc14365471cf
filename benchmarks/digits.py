"""The figures of the README: test accuracy on the digits of unseen writers, mean over seeds, and training time."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from blockrun.plugins.network import load
from blockrun.plugins.training.run import train

CONFIG = Path(__file__).parents[1] / "configs" / "digits.yaml"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0 (default 5)")
    parser.add_argument("--least", type=float, default=98.5, help="the mean accuracy to reach, in percent")
    options = parser.parse_args()
    accuracies, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            run = train(load(CONFIG, f"run.seed={seed}", f"run.dir={folder}"))
            accuracies.append(100 * run.results["accuracy"])
            seconds.append(run.seconds)
            print(f"seed {seed}: {accuracies[-1]:.2f} % in {seconds[-1]:.1f} s", flush=True)
    mean, spread = statistics.mean(accuracies), statistics.pstdev(accuracies)
    print(f"mean {mean:.2f} % (deviation {spread:.2f}), median time {statistics.median(seconds):.1f} s")
    return 0 if mean >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
