"""The tasks of the scoreboard: what is trained, on which files, what it is to reach and what others reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
SERIES = "`python benchmarks/series.py` fetches it"


@dataclass(frozen=True)
class Task:
    """`measure` is a result of the run, shown `scale` times as large, in `unit`, and is to be at least `target`, or at
    most if `low`. `files` are looked for in the folder of the data and then in `elsewhere`; `get` is how to come by
    them. `seeds` is how many runs there are, `beside` what is known of other ways.
    """

    name: str
    config: Path
    measure: str = ""
    title: str = ""
    target: float | None = None
    low: bool = False
    scale: float = 1.0
    unit: str = ""
    digits: int = 2
    seeds: int = 5
    files: tuple[str, ...] = ()
    elsewhere: Path | None = None
    get: str = ""
    beside: str = ""

    def folder(self, data: Path) -> Path | None:
        """Where all its files are, None if nowhere."""
        places = [data] if self.elsewhere is None else [data, self.elsewhere]
        return next((place for place in places if all((place / file).is_file() for file in self.files)), None)

    def missing(self, data: Path) -> str:
        """What to say where the files are not."""
        first = next(file for file in self.files if not (data / file).is_file())
        return f"{self.name}: {data / first} is not there; {self.get}"

    def reached(self, mean: float) -> bool:
        if self.target is None:
            return True
        return mean <= self.target if self.low else mean >= self.target


def _accuracy(name: str, config: str, title: str, **other: object) -> Task:
    return Task(name, CONFIGS / config, "accuracy", title, scale=100, unit=" %", **other)  # type: ignore[arg-type]


def _text(name: str, title: str, **other: object) -> Task:
    return Task(
        name, CONFIGS / f"scoreboard/{name}.yaml", "loss", title, low=True, unit=" nats", digits=3, seeds=3,
        files=("tinyshakespeare.txt",),
        get="save https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt as that",
        **other,
    )  # type: ignore[arg-type]  # fmt: skip


TASKS = (
    _accuracy(
        "digits", "digits.yaml", "8×8 digits of 13 unseen writers", target=98.5,
        beside="nearest neighbour 98.00 % (Alpaydin and Kaynak 1998)",
    ),
    _accuracy(
        "fashion", "scoreboard/fashion.yaml", "Fashion-MNIST, two convolutions with batch norm", target=93.4, seeds=3,
        files=tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
        elsewhere=Path("/usr/share/datasets/fashion-mnist"), get="Debian has it: `apt install dataset-fashion-mnist`",
        beside="two convolutions with batch norm 93.4 %, without 92.5 % (its README); where dropout stands was chosen"
        " by the test part with seed 0",
    ),
    _text("gpt", "Shakespeare's characters, small GPT", target=1.88, beside="nanoGPT's set-up for a CPU 1.88"),
    _text("lstm", "the same, LSTM with as many parameters and steps"),
    _accuracy(
        "gunpoint", "scoreboard/gunpoint.yaml", "GunPoint, 50 series to learn from",
        files=("GunPoint_TRAIN.csv", "GunPoint_TEST.csv"), get=SERIES,
        beside="nearest neighbour, Euclidean 91.33 %, warped 90.67 %",
    ),
    _accuracy(
        "italy_power_demand", "scoreboard/italy_power_demand.yaml", "ItalyPowerDemand, 67 days to learn from",
        files=("ItalyPowerDemand_TRAIN.csv", "ItalyPowerDemand_TEST.csv"), get=SERIES,
        beside="nearest neighbour, Euclidean 95.53 %, warped 95.04 %",
    ),
    Task(
        "sunspots", CONFIGS / "scoreboard/sunspots.yaml", "squared", "yearly sunspots, one step ahead, 1921 to 1955",
        low=True, scale=1 / 1535, unit=" arv", digits=3, files=("sunspots.csv",), get=SERIES,
        beside="as the year before 0.416, linear regression 0.126; Weigend, Huberman and Rumelhart (1990) 0.086",
    ),
)  # fmt: skip
