"""A run from beginning to end: made, trained, resumed, and what is written down about it."""

from __future__ import annotations

import hashlib
import shutil
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from blockrun.plugins.data.arrays import Arrays, saved_arrays
from blockrun.plugins.data.transformed import untransformed
from blockrun.plugins.errors import Diverged, OlderCheckpoint, RunError, UserError

from .checkpoint import Loaded, load_checkpoint, load_latest, save_checkpoint
from .environment import changes, digest, environment, refuse_changes
from .files import disk_errors
from .folder import FORMAT, LAST, RunFolder, create_folder, open_folder
from .interrupt import Interrupted
from .lock import locked
from .loop import Trainer, restore_network
from .memory import keep_freed_memory
from .progress import Progress
from .session import Session
from .start import Start
from .threads import limit_threads

if TYPE_CHECKING:
    from blockrun.plugins.host import Host
    from blockrun.plugins.network.network import Network


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and what the test part (or else the validation part) gave.

    `reason` says why it ended before its last step, "" if it did not.
    """

    folder: RunFolder
    part: str
    results: dict[str, Any]
    seconds: float
    reason: str = ""


def train(network: Network, progress: Progress | None = None, start: Start | None = None) -> Run:
    """Train `network` as its file says, in a new run folder; its parameters are then those that were measured.

    `start` is what `start_from` said, if its parameters are not those that were drawn. Raises `UserError` if the file
    has no data or training, `Interrupted` after a signal and a checkpoint, `Diverged`
    when something is no longer finite, `RunError` when the folder cannot be written.
    """
    sections = network.sections
    if sections.training is None or "train" not in sections.data:
        missing = "train" if sections.training is None else "data.train"
        raise UserError(f"{network.document.file} has no `{missing}` section, so there is nothing to train")
    with limit_threads(network):
        trainer = Trainer(network)
        folder = create_folder(sections.run.dir, sections.run.name or Path(network.document.file).stem)
        with disk_errors(folder.path), locked(folder.path):
            _describe(network, folder, start)
            session = Session(trainer, folder, progress or Progress())
            if start is not None:
                session.save()  # for `resume`: the run that these values are from may be gone, or go on
            return _go_on(session)


def resume(
    folder: RunFolder, host: Host | None = None, progress: Progress | None = None, allow: tuple[str, ...] = ()
) -> Run:
    """Go on with a run that was interrupted, in place.

    Raises `RunError` if it is over, cannot go on, or is being trained, and if something that its numbers depend on has
    changed and is not in `allow`, the names in `environment.CHANGES`.
    """
    if folder.checkpoint != LAST:
        raise RunError(f"a run goes on from its last checkpoint, not from `{folder.checkpoint}`", help="leave it out")
    with disk_errors(folder.path), locked(folder.path):
        folder = open_folder(folder.path)
        if folder.info["status"] == "finished":
            raise RunError(f"{folder.path} is finished; there is nothing to resume", help="`blockrun eval` measures it")
        if "init_from" in folder.info and not _saved(folder):
            help = f"train it again, with --init-from {folder.info['init_from']['origin']}"
            raise RunError(f"{folder.path} ended before what it starts from was written", help=help)
        network = load_run(folder, host, weights=False, drawn=not _saved(folder))
        threads = None if "threads" in allow else folder.info["environment"].get("threads")
        with limit_threads(network, threads):
            session = Session(Trainer(network), folder, progress or Progress())
            return _go_on(_restored(session, allow))


def load_run(folder: RunFolder, host: Host | None = None, weights: bool = True, drawn: bool = False) -> Network:
    """The network of a run, with the parameters of `folder.checkpoint`, or their average where the run has one.

    Without `weights` they are 0, or if `drawn` the initial ones. Raises `RunError` if no good checkpoint is there, and
    warns of `OlderCheckpoint` where the newest is not.
    """
    from blockrun.plugins.network.build import build
    from blockrun.plugins.network.extends import read_file
    from blockrun.plugins.network.overrides import apply_overrides

    kept = {path: folder.path / "extends" / name for path, name in folder.info.get("extends", {}).items()}
    document = read_file(folder.config, Path(folder.info["folder"]), kept)
    apply_overrides(document, folder.info["overrides"])
    given = saved_arrays(folder.path / "data", folder.info.get("arrays", {}))
    network = build(document, host, drawn, given)
    if network.sections.transforms is not None and folder.transforms.exists():
        network.sections.transforms.restore(load_checkpoint(folder.transforms)[0])
    if weights:
        loaded = load_latest(folder.checkpoints, folder.checkpoint)
        if loaded.warning:
            warnings.warn(loaded.warning, OlderCheckpoint, stacklevel=2)
        restore_network(network, loaded.tensors, averaged=True)
    return network


def _describe(network: Network, folder: RunFolder, start: Start | None) -> None:
    """Write down everything that says what the run is, before it starts."""
    document, settings = network.document, network.sections.run
    folder.config.write_bytes(document.raw)
    resolved = yaml.safe_dump(network.resolved, sort_keys=False, allow_unicode=True)
    (folder.path / "cfg.resolved.yaml").write_text(resolved)
    code, extends = _copy_code(network, folder), _keep_extended(document.files, folder)
    if network.sections.transforms is not None and (known := network.sections.transforms.tensors()):
        save_checkpoint(folder.transforms, known, {})
    folder.save_info(
        format=FORMAT, status="running", started=_now(), file=document.file, folder=str(document.folder.resolve()),
        overrides=document.overrides, seed=settings.seed, config=hashlib.sha256(document.raw).hexdigest(), code=code,
        extends=extends, arrays=_keep_arrays(network, folder),
        parameters=sum(p.size for p in network.params.values()), environment=environment(),
        **({"init_from": start.as_data()} if start else {}),
    )  # fmt: skip


def _copy_code(network: Network, folder: RunFolder) -> dict[str, str]:
    """Keep the local plugin files of a run, with their digests."""
    copied = {}
    for path in network.local_code:
        (folder.path / "code").mkdir(exist_ok=True)
        shutil.copyfile(path, folder.path / "code" / path.name)
        copied[path.name] = digest(path)
    return copied


def _keep_extended(files: Mapping[str, bytes], folder: RunFolder) -> dict[str, str]:
    """Keep the files that the file of a run extends; the name of each copy by the path of its original."""
    names = {path: f"{i}_{Path(path).name}" for i, path in enumerate(files)}
    for path, name in names.items():
        (folder.path / "extends").mkdir(exist_ok=True)
        (folder.path / "extends" / name).write_bytes(files[path])
    return names


def _keep_arrays(network: Network, folder: RunFolder) -> dict[str, dict[str, str]]:
    """Keep the arrays that a program handed over; the file of each field, by part."""
    found = {}
    for name, part in network.sections.data.items():
        source = untransformed(part.source)
        if isinstance(source, Arrays):
            (folder.path / "data").mkdir(exist_ok=True)
            found[name] = source.save(folder.path / "data", name)
    return found


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _saved(folder: RunFolder) -> bool:
    """Whether the run has come as far as its first checkpoint, good or not."""
    return any(folder.checkpoints.glob(f"{LAST}*.safetensors"))


def _restored(session: Session, allow: tuple[str, ...]) -> Session:
    """The session where its last checkpoint was written, or at the beginning if there is none."""
    folder, trainer = session.folder, session.trainer
    found = load_latest(folder.checkpoints, LAST) if _saved(folder) else None
    changed = _changes(session, found)
    refuse_changes(changed, allow, folder.path)
    if found is not None:
        session.restore(found.tensors, found.about)
        session.note(found.warning)
    folder.forget_after(trainer.step)
    event = {"step": trainer.step, "time": _now(), "changed": sorted(changed)}
    folder.save_info(resumed=[*folder.info.get("resumed", []), event])
    return session


def _changes(session: Session, found: Loaded | None) -> dict[str, tuple[Any, Any]]:
    info, trainer = session.folder.info, session.trainer
    then = {**info["environment"], **{key: info[key] for key in ("config", "code") if key in info}}
    code = {path.name: digest(path) for path in session.network.local_code}
    now = {**environment(), "config": digest(session.folder.config), "code": code}
    if found is not None:
        now["data"] = f"{trainer.per_epoch} and {trainer.steps}"
        progress = found.about["progress"]
        then["data"] = f"{progress['per_epoch']} and {progress['steps']}"
    changed = changes(then, now)
    if "config" in changed:
        changed.pop("data", None)  # follows from it
    return changed


def _go_on(session: Session) -> Run:
    """Train and measure, and leave word of how it ended."""
    keep_freed_memory()
    folder, progress, began = session.folder, session.progress, time.monotonic()
    folder.save_info(status="running")
    progress.start(session.trainer, folder)
    try:
        with session.signals:
            session.train()
            progress.stop()
            part, results = session.finish()
    except BaseException as error:
        _record_failure(session, error, _seconds(folder, began))
        if isinstance(error, KeyboardInterrupt) and session.signals.received is not None:
            raise session.interrupted(", at once", "goes on from the last checkpoint") from None
        raise
    finally:
        progress.stop()
    folder.save_info(
        status="finished", seconds=_seconds(folder, began), part=part, results=results, steps=session.trainer.step,
        reason=session.reason,
    )  # fmt: skip
    session.network.params.update({n: session.trainer.trained[n] for n in session.network.params})
    session.network.state.update({n: session.trainer.trained[n] for n in session.network.state})
    return Run(folder, part, results, time.monotonic() - began, session.reason)


def _seconds(folder: RunFolder, began: float) -> float:
    """How long the run has been trained, the parts of it before this one too."""
    return round(folder.info.get("seconds", 0.0) + time.monotonic() - began, 2)


def _record_failure(session: Session, error: BaseException, seconds: float) -> None:
    """Say in `run.json` how the run ended, if that can be written: what went wrong matters more."""
    status, reason = "failed", f"{type(error).__name__}: {error}"
    if isinstance(error, Diverged):
        status, reason = "diverged", error.message
    elif isinstance(error, (Interrupted, KeyboardInterrupt)):
        status, reason = "interrupted", ""
    with suppress(RunError):
        session.folder.save_info(status=status, reason=reason, seconds=seconds)
