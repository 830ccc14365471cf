"""A folder of pictures for each class; a picture that is broken, or of another size, is named."""

import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.data.image_folder import ImageFolder
from blockrun.plugins.data.streaming import column
from blockrun.plugins.data.take import Take
from blockrun.plugins.errors import DataError

NET = """blockrun: 1
inputs: {image: [4, 6, 3], label: {shape: [], dtype: int64}}
net:
  flat: {block: flatten, in: image}
  scores: {block: linear, units: $data.classes}
  loss: {block: softmax_cross_entropy, in: [scores, label]}
data: {train: {source: image_folder, folder: pictures}}
train: {steps: 2, optimizer: sgd}
"""


@pytest.fixture
def pictures(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    x = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    for i, place in enumerate(("cat/a.png", "cat/b.PNG", "dog/a.bmp", "dog/z.png", "owl/1.tiff")):
        file = tmp_path / "pictures" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x[i]).save(file)
    (tmp_path / "pictures" / "dog" / "notes.txt").write_text("not a picture")
    return tmp_path / "pictures", x, Image


def test_pictures_are_numbers_from_0_to_1_and_folders_are_classes_in_sorted_order(pictures):
    folder, x, _ = pictures
    source = ImageFolder(folder=folder)
    names = {"classes": 3, "class_names": ["cat", "dog", "owl"]}
    assert source.describe().values == {"examples": 5, "shape": [4, 6, 3], **names}
    found = source.read(np.array([4, 0, 2]))
    np.testing.assert_allclose(found["image"], x[[4, 0, 2]] / 255, rtol=1e-6)
    assert found["label"].tolist() == [2, 0, 1]
    assert (found["image"].dtype, found["label"].dtype) == (np.float32, np.int64)


def test_grey_has_one_channel_weighted_as_the_eye_sees_it(pictures):
    """Rec. 601: 0.299 red + 0.587 green + 0.114 blue, rounded to a byte."""
    folder, x, _ = pictures
    found = ImageFolder(folder=folder, channels=1).read(np.array([1]))["image"]
    np.testing.assert_allclose(found[0, ..., 0] * 255, x[1] @ [0.299, 0.587, 0.114], atol=1)
    assert found.shape == (1, 4, 6, 1)


def test_a_size_makes_all_of_one_size_and_without_one_the_odd_one_is_named(pictures):
    folder, _, Image = pictures
    Image.new("RGB", (9, 5), (255, 0, 0)).save(folder / "owl" / "2.png")
    with pytest.raises(DataError, match=r"owl/2\.png: is 5×9; .*cat/a\.png is 4×6") as caught:
        ImageFolder(folder=folder).read(np.arange(6))
    assert "`size: [height, width]`" in caught.value.help
    found = ImageFolder(folder=folder, size=(2, 3)).read(np.array([5]))["image"]
    np.testing.assert_array_equal(found[0], np.broadcast_to(np.float32([1, 0, 0]), (2, 3, 3)))


def test_a_picture_stands_as_the_camera_was_held(pictures):
    """Orientation 6 of Exif: the first row of what is stored is the right-hand side."""
    folder, x, Image = pictures
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(x[0]).save(folder / "owl" / "1.tiff", exif=exif)
    for file in (*folder.glob("cat/*"), *folder.glob("dog/*")):
        file.with_suffix(".png").write_bytes((folder / "owl" / "1.tiff").read_bytes())
    found = ImageFolder(folder=folder).read(np.array([0]))["image"]
    np.testing.assert_allclose(found[0], np.rot90(x[0], -1) / 255, rtol=1e-6)


def test_a_broken_picture_is_named_in_one_line(pictures):
    folder = pictures[0]
    good = (folder / "cat" / "a.png").read_bytes()
    for bad in (b"", b"no picture", good[:60]):
        (folder / "dog" / "z.png").write_bytes(bad)
        with pytest.raises(DataError, match=r"dog/z\.png: not a readable picture") as caught:
            ImageFolder(folder=folder).read(np.arange(5))
        assert "\n" not in caught.value.message


def test_a_folder_without_classes_or_without_pictures_is_told_what_belongs_there(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        ImageFolder(folder=tmp_path / "none").describe()
    with pytest.raises(DataError, match="has no folders in it"):
        ImageFolder(folder=tmp_path).describe()
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="cat: has no pictures"):
        ImageFolder(folder=tmp_path).describe()


def test_the_labels_are_had_without_opening_a_picture(pictures, monkeypatch):
    folder = pictures[0]
    source = ImageFolder(folder=folder, size=(4, 6))
    monkeypatch.setattr(ImageFolder, "_open", None)
    assert column(source, "label").tolist() == [0, 0, 1, 1, 2]
    assert len(Take(fraction=(0, 0.5), stratify="label").choose(source)) == 2


def test_a_picture_that_is_added_is_seen(pictures):
    folder, x, Image = pictures
    assert ImageFolder(folder=folder).describe().examples == 5
    Image.fromarray(x[0]).save(folder / "cat" / "c.png")
    assert ImageFolder(folder=folder).describe().examples == 6


def test_without_pillow_the_command_says_what_to_install_and_ends_with_3(tmp_path, monkeypatch):
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    (tmp_path / "pictures" / "cat" / "a.png").write_bytes(b"any")
    (tmp_path / "net.yaml").write_text(NET)
    for module in ("PIL", "PIL.Image", "PIL.ImageOps"):
        monkeypatch.setitem(sys.modules, module, None)
    result = CliRunner().invoke(main, ["train", str(tmp_path / "net.yaml")])
    assert result.exit_code == 3
    assert "source `image_folder` needs Pillow, which is not installed" in result.output
    assert re.search(r"net.yaml:7:\d+", result.output)
    assert 'pip install "blockrun[images]"' in result.output


def test_a_network_trains_on_pictures(pictures, monkeypatch):
    monkeypatch.chdir(pictures[0].parent)
    (pictures[0].parent / "net.yaml").write_text(NET)
    result = CliRunner().invoke(main, ["train", "net.yaml", "-q"])
    assert result.exit_code == 0, result.output
