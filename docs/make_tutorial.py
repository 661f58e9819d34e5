"""Runs the commands of the tutorial and writes their output and pictures into its page: ``make tutorial``.

The page is its own source. Of a ``console`` block the lines that begin with ``$ `` are run, in order, in one temporary
folder with the checkout's macros, examples and input; what they print takes the place of the other lines. A block with
a title is a file, written before the commands that follow. A picture ``NAME.png`` of the page is taken from the
folder, or from its figures/.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "tutorial" / "index.md"
BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[\w.]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)


def run(command: str, folder: Path) -> str:
    """What a command prints, stderr in its place among stdout."""
    sys.stderr.write(f"$ {command}\n")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore::UserWarning:ROOT"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    answer = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # The runs' folder is nobody's business, nor is white space at the ends of lines.
    printed = "\n".join(line.rstrip() for line in answer.stdout.replace(f"{folder}/", "").splitlines())
    return re.sub(r"\n{3,}", "\n\n", printed.strip("\n"))


def fill(block: re.Match[str], folder: Path) -> str:
    """A block of the page with the present output of its commands."""
    if block["title"]:
        (folder / block["title"]).write_text(block["text"], encoding="utf-8")
    if block["language"] != "console":
        return block[0]
    commands = [line.removeprefix("$ ") for line in block["text"].splitlines() if line.startswith("$ ")]
    parts = [f"$ {command}\n{run(command, folder)}".rstrip() for command in commands]
    return "\n".join(["```console", *parts, "```"])


def main() -> None:
    """Writes the page and its pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shared in ("macros", "examples"):
            (folder / shared).symlink_to(CHECKOUT / shared)
        page = BLOCK.sub(lambda block: fill(block, folder), PAGE.read_text(encoding="utf-8"))
        for picture in re.findall(r"\]\(([\w-]+\.png)\)", page):
            drawn = folder / "figures" / picture
            shutil.copy(drawn if drawn.exists() else folder / picture, PAGE.parent / picture)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
