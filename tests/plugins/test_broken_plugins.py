"""With every kind of broken plugin installed at once, the shipped network trains as if there were none."""

from pathlib import Path

from click.testing import CliRunner

from blockrun.plugins.commands.main import main

CONFIG = Path(__file__).parents[2] / "configs" / "digits.yaml"
BROKEN = sorted((Path(__file__).parent / "broken").glob("*.txt"))


def test_ten_broken_plugins_do_not_stop_training(site, tmp_path, monkeypatch):
    assert len(BROKEN) >= 10
    for file in BROKEN:
        site.add(f"acme-{file.stem}", file.read_text(), name=file.stem)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["train", str(CONFIG), "train.epochs=1", "-q"])
    assert result.exit_code == 0, result.output
    assert "accuracy" in result.stdout
    listed = CliRunner().invoke(main, ["plugins"]).stdout
    assert all(file.stem in listed for file in BROKEN)
