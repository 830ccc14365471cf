"""A run from beginning to end: its folder, its loop, its checkpoints, and what is said when it is over."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from blockrun.plugins.errors import Diverged, RunError, UserError

from .checkpoint import load_latest, save_rotating
from .evaluation import evaluate
from .folder import FORMAT, RunFolder, create_folder, environment
from .interrupt import Interrupted, Signals
from .loop import Trainer, restore_network
from .memory import keep_freed_memory
from .progress import Progress
from .threads import limit_threads

if TYPE_CHECKING:
    from blockrun.plugins.host import Host
    from blockrun.plugins.network.network import Network

LAST = "last"  # the name of the rolling checkpoint


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and what the test part (or else the validation part) gave."""

    folder: RunFolder
    part: str
    results: dict[str, float]
    seconds: float


def train(network: Network, progress: Progress | None = None) -> Run:
    """Train `network` as its file says, in a new run folder.

    Raises `UserError` if the file has no data or training, `Interrupted` after a signal and a checkpoint, `Diverged`
    when something is no longer finite, `RunError` when the folder cannot be written.
    """
    sections = network.sections
    if sections.training is None or "train" not in sections.data:
        missing = "train" if sections.training is None else "data.train"
        raise UserError(f"{network.document.file} has no `{missing}` section, so there is nothing to train")
    with limit_threads(network):
        return _go_on(Trainer(network), _begin(network), progress or Progress())


def resume(folder: RunFolder, host: Host | None = None, progress: Progress | None = None) -> Run:
    """Go on with a run that was interrupted, in place; raises `RunError` if it is over or cannot go on."""
    if folder.info["status"] == "finished":
        raise RunError(f"{folder.path} is finished; there is nothing to resume", help="`blockrun eval` measures it")
    progress = progress or Progress()
    network = load_run(folder, host, weights=False)
    trainer = Trainer(network)
    if any(folder.checkpoints.glob(f"{LAST}*.safetensors")):
        found = load_latest(folder.checkpoints, LAST)
        trainer.restore(found.tensors, found.about["progress"])
        progress.note(found.warning)
    folder.forget_after(trainer.step)
    with limit_threads(network):
        return _go_on(trainer, folder, progress)


def load_run(folder: RunFolder, host: Host | None = None, weights: bool = True) -> Network:
    """The network of a run, with the parameters of its latest checkpoint."""
    from blockrun.plugins.network.build import build
    from blockrun.plugins.network.overrides import apply_overrides
    from blockrun.plugins.network.scan import read_document

    document = read_document(folder.config)
    document.folder = Path(folder.info["folder"])
    apply_overrides(document, folder.info["overrides"])
    network = build(document, host)
    if weights:
        restore_network(network, load_latest(folder.checkpoints, LAST).tensors)
    return network


def _begin(network: Network) -> RunFolder:
    """A new folder with everything that says what the run is, before it starts."""
    document, settings = network.document, network.sections.run
    folder = create_folder(settings.dir, settings.name or Path(document.file).stem)
    try:
        folder.config.write_bytes(document.raw)
        resolved = yaml.safe_dump(network.resolved, sort_keys=False, allow_unicode=True)
        (folder.path / "cfg.resolved.yaml").write_text(resolved)
        code = _copy_code(network, folder)
    except OSError as error:
        raise RunError(f"{folder.path} cannot be written: {error.strerror or error}") from None
    folder.save_info(
        format=FORMAT, status="running", started=time.strftime("%Y-%m-%dT%H:%M:%S%z"), file=document.file,
        folder=str(document.folder.resolve()), overrides=document.overrides, seed=settings.seed, code=code,
        parameters=sum(p.size for p in network.params.values()), environment=environment(),
    )  # fmt: skip
    return folder


def _copy_code(network: Network, folder: RunFolder) -> dict[str, str]:
    """Keep the local plugin files of a run, with their digests."""
    copied = {}
    for path in network.local_code:
        (folder.path / "code").mkdir(exist_ok=True)
        shutil.copyfile(path, folder.path / "code" / path.name)
        copied[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return copied


def _go_on(trainer: Trainer, folder: RunFolder, progress: Progress) -> Run:
    keep_freed_memory()
    folder.save_info(status="running")
    clock = _Clock(trainer)
    progress.start(trainer)
    try:
        with Signals() as signals:
            while trainer.step < trainer.steps:
                _run_epoch(trainer, folder, progress, clock, signals)
    except Diverged as error:
        folder.save_info(status="diverged", reason=error.message)
        raise
    except Interrupted:
        folder.save_info(status="interrupted")
        raise
    except BaseException as error:
        folder.save_info(status="failed", reason=f"{type(error).__name__}: {error}")
        raise
    finally:
        progress.stop()
    return _finish(trainer, folder, clock)


class _Clock:
    """How fast training goes, from when this part of it started."""

    def __init__(self, trainer: Trainer) -> None:
        self.began, self.first, self.examples, self.training = time.monotonic(), trainer.step, 0, 0.0

    def left(self, trainer: Trainer) -> float:
        done = max(trainer.step - self.first, 1)
        return (time.monotonic() - self.began) / done * (trainer.steps - trainer.step)


def _run_epoch(trainer: Trainer, folder: RunFolder, progress: Progress, clock: _Clock, signals: Signals) -> None:
    began, examples, number = time.monotonic(), 0, trainer.epoch + 1
    for count in trainer.run_epoch():
        examples += count
        progress.step(trainer, count)
        if signals.received is not None and not trainer.at_epoch_end:
            _stop(trainer, folder, signals.received)
    speed = examples / max(time.monotonic() - began, 1e-9)
    row = _row(trainer, number) | {"examples_per_second": round(speed), "seconds_left": round(clock.left(trainer), 1)}
    folder.append(row)
    progress.epoch(row)
    if signals.received is not None and trainer.step < trainer.steps:
        _stop(trainer, folder, signals.received)
    _save(trainer, folder)


def _row(trainer: Trainer, epoch: int) -> dict[str, Any]:
    """What is recorded of an epoch, apart from how fast it was."""
    row: dict[str, Any] = {"step": trainer.step, "epoch": epoch, "epochs": trainer.epochs}
    row |= {"train": {"loss": trainer.loss}, "lr": trainer.rate_of(trainer.step - 1)}
    if "val" in trainer.network.sections.data:
        row["val"] = evaluate(trainer.network, trainer.network.sections.data["val"])
    return row


def _stop(trainer: Trainer, folder: RunFolder, signum: int) -> None:
    _save(trainer, folder)
    raise Interrupted(
        signum,
        f"interrupted at step {trainer.step} of {trainer.steps}; the checkpoint is written",
        help=f"`blockrun resume {folder.path}` goes on from here",
    )


def _save(trainer: Trainer, folder: RunFolder) -> None:
    save_rotating(folder.checkpoints, LAST, trainer.tensors(), {"progress": trainer.progress()})


def _finish(trainer: Trainer, folder: RunFolder, clock: _Clock) -> Run:
    seconds = time.monotonic() - clock.began
    data = trainer.network.sections.data
    part = next(name for name in ("test", "val", "train") if name in data)
    results = evaluate(trainer.network, data[part])
    total = folder.info.get("seconds", 0.0) + seconds
    folder.save_info(status="finished", seconds=round(total, 2), part=part, results=results, steps=trainer.step)
    return Run(folder, part, results, seconds)
