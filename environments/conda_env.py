"""The conda route where no conda is installed: asks a channel, makes an environment, with py-rattler.

Run by the set-up program in an environment that has the extra ``rattler``:

* ``conda_env.py ask FILE``: exit 0 if the channel of the environment file answers, else 1 and one line.
* ``conda_env.py create FILE PREFIX``: solve and install the conda part, then the ``pip:`` section.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import rattler
import yaml

ANSWER_SECONDS = 5


@dataclass(frozen=True)
class EnvironmentFile:
    """What an environment file asks for.

    Attributes:
        folder: where it lies; paths in the ``pip:`` section are relative to it.
        channels: channels, the first with the highest priority.
        specs: conda packages.
        pip: lines of the ``pip:`` section, in pip's requirements format.
    """

    folder: Path
    channels: list[rattler.Channel]
    specs: list[str]
    pip: list[str]


def read(file: Path) -> EnvironmentFile:
    """Read an environment file.

    Channel names become addresses as conda makes them: beside its usual alias, or the one that conda's own variable
    ``CONDA_CHANNEL_ALIAS`` names (a mirror).
    """
    content = yaml.safe_load(file.read_text())
    alias = os.environ.get("CONDA_CHANNEL_ALIAS")
    config = rattler.ChannelConfig(alias.rstrip("/") + "/") if alias else rattler.ChannelConfig()
    dependencies = content["dependencies"]
    return EnvironmentFile(
        folder=file.resolve().parent,
        channels=[rattler.Channel(name, config) for name in content["channels"]],
        specs=[entry for entry in dependencies if isinstance(entry, str)],
        pip=[line for entry in dependencies if isinstance(entry, dict) for line in entry["pip"]],
    )


def ask(file: Path) -> None:
    """Ask each channel for its index.

    Raises:
        OSError: a channel does not answer.
    """
    for channel in read(file).channels:
        request = urllib.request.Request(f"{channel.base_url}noarch/repodata.json", method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):
                pass
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise OSError(f"the channel {channel.name} does not answer at {channel.base_url} ({reason})") from error


async def create(file: Path, prefix: Path) -> None:
    """Make an environment.

    Raises:
        rattler.exceptions.SolverError: no set of packages fulfils the file.
        subprocess.CalledProcessError: pip failed.
    """
    wanted = read(file)
    here = rattler.VirtualPackage.detect()
    records = await rattler.solve(wanted.channels, wanted.specs, virtual_packages=here)
    await rattler.install(records, prefix, execute_link_scripts=True, show_progress=False)
    if wanted.pip:
        requirements = [word for line in wanted.pip for word in shlex.split(line)]
        pip = [str(prefix / "bin" / "python"), "-m", "pip", "install", *requirements]
        subprocess.run(pip, cwd=wanted.folder, check=True)


def main(arguments: list[str]) -> int:
    """Carry out ``ask FILE`` or ``create FILE PREFIX``; return the exit code."""
    verb, *paths = arguments
    if verb == "create":
        file, prefix = paths
        try:
            asyncio.run(create(Path(file), Path(prefix)))
        except Exception as error:  # rattler has an exception for every step, without a common class
            sys.stderr.write(f"{' '.join(str(error).split())}\n")
            return 1
        return 0
    (file,) = paths
    try:
        ask(Path(file))
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
