"""A checkpoint is loaded whole and true, or refused by name; one good one is there at any moment."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy

from blockrun.plugins.errors import RunError
from blockrun.plugins.training import container
from blockrun.plugins.training.checkpoint import load_checkpoint, load_latest, save_checkpoint, save_rotating
from blockrun.plugins.training.container import Damage

ABOUT = {"step": 17, "rng": {"state": 2**127 + 1}, "lr": 0.1, "note": "größer\u001f ✓", "none": None}
TENSORS = {
    "fc1.W": np.random.default_rng(0).standard_normal((7, 9)).astype(np.float32),
    "fc1.W:adam.m": np.random.default_rng(1).standard_normal((7, 9)).astype(np.float32),
    "größe/b": np.arange(30, dtype=np.float64),
    "count": np.array(2**53 + 1, np.int64),
    "mask": np.array([True, False, True]),
    "none": np.zeros((0, 3), np.float32),
}


@pytest.fixture
def path(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", TENSORS, ABOUT)
    return tmp_path / "c.safetensors"


def decode(data):
    return container.decode(io.BytesIO(data), len(data))


def refusal(path):
    with pytest.raises(RunError) as caught:
        load_checkpoint(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert "\n" not in caught.value.message
    return caught.value.message.removeprefix(f"{path}: ")


def write(path, header, body=b"", padding=b""):
    raw = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    path.write_bytes(len(raw + padding).to_bytes(8, "little") + raw + padding + body)
    return path


def sealed(record):
    text = json.dumps(record)
    return {"__metadata__": {"blockrun": f"{hashlib.sha256(text.encode()).hexdigest()} {text}"}}


def test_what_was_saved_is_loaded(path):
    tensors, about = load_checkpoint(path)
    assert about == ABOUT
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in tensors.items():
        assert (tensor.dtype, tensor.shape) == (TENSORS[name].dtype, TENSORS[name].shape)
        np.testing.assert_array_equal(tensor, TENSORS[name])
        assert tensor.flags.writeable
        assert tensor.flags.owndata


def test_nothing_at_all_can_be_saved_and_loaded(tmp_path):
    save_checkpoint(tmp_path / "c", {}, {})
    assert load_checkpoint(tmp_path / "c") == ({}, {})


def test_strides_and_byte_order_do_not_matter(tmp_path):
    table = np.arange(12.0).reshape(3, 4)
    given = {"t": table.T, "s": table[:, ::-2], "z": np.broadcast_to(1.5, (2, 2)), "b": table.astype(">f8")}
    save_checkpoint(tmp_path / "c", given, {})
    for name, tensor in load_checkpoint(tmp_path / "c")[0].items():
        np.testing.assert_array_equal(tensor, given[name])


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    save_checkpoint(tmp_path / "d", dict(reversed(TENSORS.items())), dict(reversed(ABOUT.items())))
    assert (tmp_path / "d").read_bytes() == path.read_bytes()


def test_safetensors_itself_can_read_it(path):
    found = safetensors.numpy.load_file(path)
    np.testing.assert_array_equal(found["fc1.W"], TENSORS["fc1.W"])


def test_every_tensor_lies_aligned_so_that_it_can_be_mapped(path):
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    for name, tensor in TENSORS.items():
        assert (8 + length + header[name]["data_offsets"][0]) % tensor.dtype.itemsize == 0


def test_saving_and_loading_take_the_memory_of_the_tensors_once(tmp_path):
    """Written from where they lie, and read into place: beside the tensors, a hundredth of them."""
    tensors = {f"t{i}": np.ones(1_000_000, np.float32) for i in range(5)}
    size = sum(tensor.nbytes for tensor in tensors.values())
    peaks = []
    for action in (lambda: save_checkpoint(tmp_path / "c", tensors, {}), lambda: load_checkpoint(tmp_path / "c")):
        tracemalloc.start()
        action()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 0.01 * size
    assert peaks[1] < 1.01 * size


@pytest.mark.parametrize("flip", [0xFF, 0x01, 0x20])
def test_every_damaged_byte_is_detected(path, flip):
    whole = bytearray(path.read_bytes())
    for i in range(len(whole)):
        whole[i] ^= flip
        with pytest.raises(Damage):
            decode(bytes(whole))
        whole[i] ^= flip
    assert decode(bytes(whole))[1] == ABOUT


def test_space_that_json_would_overlook_is_detected(path):
    """The header ends in blanks; a tab, a line feed or a return there would be the same JSON."""
    whole = path.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little")
    assert whole[end - 1 : end] == b" "
    for blank in b"\t\n\r":
        path.write_bytes(whole[: end - 1] + bytes([blank]) + whole[end:])
        assert "not written as it should be" in refusal(path)


def test_every_truncation_is_detected(path):
    whole = path.read_bytes()
    for size in range(len(whole)):
        with pytest.raises(Damage, match=f"truncated at {size} "):
            decode(whole[:size])


def test_what_is_wrong_is_said(path, tmp_path):
    whole = path.read_bytes()
    at = whole.index(TENSORS["fc1.W"].tobytes())
    path.write_bytes(whole[: at + 5] + b"\x00" + whole[at + 6 :])
    assert refusal(path) == "the digest of tensor `fc1.W` differs from the one recorded; the file is damaged"
    path.write_bytes(whole + b"\x00")
    assert refusal(path) == f"goes on to {len(whole) + 1} bytes, its header says {len(whole)}"
    assert refusal(tmp_path / "none") == "there is no such file"
    assert refusal(tmp_path) == "is not a file"


def test_a_newer_format_is_refused_kindly(tmp_path):
    path = write(tmp_path / "c", sealed({"format": 2, "something": "else"}))
    assert refusal(path) == "has format 2, this blockrun reads up to 1; a newer blockrun wrote it"


def test_files_of_others_are_refused(tmp_path):
    safetensors.numpy.save_file({"w": np.ones(3)}, tmp_path / "plain")
    assert "not a checkpoint of blockrun" in refusal(tmp_path / "plain")
    (tmp_path / "pickle").write_bytes(pickle.dumps({"w": 1}))
    refusal(tmp_path / "pickle")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b'{"a":1,"a":2}', "a key occurs twice"),
        (b'{"a":NaN}', "NaN"),
        (b"[" * 100_000, "not readable"),
        (b"[]", "is not a map"),
        (b'{"a":' + b"9" * 5000 + b"}", "not readable"),
        (b'{"a":"\\ud800"}', "not written as it should be"),
        (b"\xff\xfe", "not readable"),
        ({"__metadata__": {"blockrun": 3}}, "no record"),
        (sealed({"format": True}), "its record is not one of format 1"),
        (sealed({"format": 1, "about": {}, "tensors": {"a": 3}}), "does not list tensors"),
        (sealed({"format": 1, "about": {}, "tensors": {"../a": ["float32", [], ""]}}), "`../a` is in only one"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_headers_are_refused(tmp_path, header, message):
    assert message in refusal(write(tmp_path / "c", header))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]}, "truncated at"),
        ({"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4]}, "would be right"),
        ({"dtype": "F32", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}, "cannot be"),
        ({"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}, "cannot be"),
        ({"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}, "cannot be"),
        ({"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}, "cannot be"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}, "would be right"),
        ({"dtype": "O", "shape": [1], "data_offsets": [0, 4]}, "not known"),
        ({"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}, "not known"),
        ({"dtype": "F32", "shape": [1]}, "does not describe"),
        (3, "does not describe"),
    ],
)
def test_hostile_tensors_are_refused_even_when_their_digests_are_right(tmp_path, entry, message):
    kind = {"dtype": "", "shape": []} if entry == 3 else entry
    body = b"" if kind.get("data_offsets") == [0, 0] else bytes(4)
    seal = ["float32", kind["shape"], hashlib.sha256(body).hexdigest()]
    header = sealed({"format": 1, "about": {}, "tensors": {"a": seal}}) | {"a": entry}
    assert message in refusal(write(tmp_path / "c", header, body))


def test_tensors_that_overlap_are_refused(tmp_path):
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    seal = ["float32", [1], hashlib.sha256(bytes(4)).hexdigest()]
    header = sealed({"format": 1, "about": {}, "tensors": {"a": seal, "b": seal}}) | {"a": entry, "b": entry}
    assert "would be right" in refusal(write(tmp_path / "c", header, bytes(4)))


def test_a_type_that_cannot_be_stored_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(RunError, match="tensor `w` is object"):
        save_checkpoint(tmp_path / "c", {"w": np.array([{}])}, {})
    assert list(tmp_path.iterdir()) == []


def test_the_newest_is_loaded_and_the_one_before_is_kept(tmp_path):
    for step in (1, 2, 3):
        save_rotating(tmp_path, "last", TENSORS, {"step": step})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.previous.safetensors", "last.safetensors"]
    found = load_latest(tmp_path, "last")
    assert (found.about["step"], found.path.name, found.warning) == (3, "last.safetensors", "")


def test_a_damaged_newest_falls_back_to_the_one_before_and_says_so(tmp_path):
    save_rotating(tmp_path, "last", TENSORS, {"step": 1})
    newest = save_rotating(tmp_path, "last", TENSORS, {"step": 2})
    newest.write_bytes(newest.read_bytes()[:100])
    found = load_latest(tmp_path, "last")
    assert found.about["step"] == 1
    assert found.warning.startswith(f"{newest}: truncated at 100 bytes")
    assert found.warning.endswith("took last.previous.safetensors instead")


def test_without_a_good_one_both_reasons_are_given(tmp_path):
    save_rotating(tmp_path, "last", TENSORS, {}).write_bytes(b"")
    with pytest.raises(RunError, match=r"truncated at 0 bytes.*no such file"):
        load_latest(tmp_path, "last")


KILLER = """
import os, sys
from pathlib import Path
import numpy as np
from blockrun.plugins.training.checkpoint import load_latest, save_rotating

folder, calls, kill_at = Path(sys.argv[1]), 0, 0

def dying(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == kill_at:
            os._exit(9)
        return real(*args, **kwargs)
    return call

for step in (1, 2):
    save_rotating(folder, "last", {"w": np.full(9, float(step))}, {"step": step})
done = 2
for name in ("open", "fsync", "replace", "close", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
while True:
    kill_at += 1
    if (child := os.fork()) == 0:
        save_rotating(folder, "last", {"w": np.full(9, done + 1.0)}, {"step": done + 1})
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found = load_latest(folder, "last")
    assert found.about["step"] in (done, done + 1), (kill_at, found)
    assert found.tensors["w"][0] == found.about["step"]
    done = found.about["step"]
    if ended == 0:
        break
print(kill_at - 1, "kills;", sorted(p.name for p in folder.iterdir()))
"""


def test_a_save_killed_at_any_call_leaves_one_no_older_than_the_last(tmp_path):
    """Each child dies, without clean-up, at the next later call to the operating system, until one survives."""
    run = subprocess.run([sys.executable, "-c", KILLER, tmp_path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    kills, _, left = run.stdout.strip().partition(" kills; ")
    assert int(kills) >= 7  # open, fsync and close twice each, less the file's own close; two renames
    assert left == "['last.previous.safetensors', 'last.safetensors']"
