"""Does the kit ever accuse a correct block? Every registered block, checked again and again with other seeds."""

from __future__ import annotations

import argparse
import sys
import time

from blockrun.plugins.host import load_host
from blockrun.plugins.testing import check_block


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="block runs in all, spread evenly (default 10000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    options = parser.parse_args()
    host = load_host(entry_points=False)
    blocks = {name: host.find("blocks", name) for name in host.names("blocks")}
    seeds = -(-options.runs // len(blocks))
    began, runs, alarms, worst = time.monotonic(), 0, 0, 0.0
    for seed in range(options.first, options.first + seeds):
        for name, cls in blocks.items():
            report = check_block(cls, seed=seed, name=name)
            runs += 1
            worst = max(worst, report.worst_error)
            if not report.ok:
                alarms += 1
                print(f"seed {seed}, {name}:\n{report}", flush=True)
        if sys.stderr.isatty() or seed % 25 == 0:
            left = (time.monotonic() - began) / runs * (seeds * len(blocks) - runs)
            print(f"{runs:,} runs, {alarms} alarms, {left / 60:.0f} min left", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{runs:,} block runs, {alarms} false alarms, worst relative error {worst:.1e}, {minutes:.0f} minutes")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
