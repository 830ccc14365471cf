"""The pages of documentation that are generated from the blocks."""

from pathlib import Path

from click.testing import CliRunner

from blockrun.plugins.commands.main import main

DOCS = Path(__file__).parents[3] / "docs" / "blocks"


def write(folder: Path) -> dict[str, str]:
    done = CliRunner().invoke(main, ["blocks", "blockrun/*", "--docs", str(folder)])
    assert done.exit_code == 0
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


def test_the_pages_in_docs_are_those_of_the_blocks_as_they_are(tmp_path):
    """If not: `blockrun blocks 'blockrun/*' --docs docs/blocks`."""
    assert write(tmp_path / "new") == {path.name: path.read_text("utf-8") for path in sorted(DOCS.iterdir())}


def test_a_page_says_what_the_command_says_of_a_block(tmp_path):
    page = write(tmp_path)["pooling.md"]
    assert "## max_pool2d\n\n```text\ny[n, i, j, c] = max of x over the window" in page
    assert "| `size` | must be given | an integer, at least 1, or a list of 2" in page
    assert "```yaml\nmax_pool2d: {block: max_pool2d, size: 2}\n```" in page


def test_a_folder_that_cannot_be_written_is_said_to_be(tmp_path):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["blocks", "relu", "--docs", str(tmp_path / "file")])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
