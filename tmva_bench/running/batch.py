"""Jobs for a batch system: a study in parts, each with a results folder of its own, to be merged."""

import shlex
import sys
from pathlib import Path

from tmva_bench.errors import UserError, unknown
from tmva_bench.events import output
from tmva_bench.results.folder import make_folder
from tmva_bench.study import file as study_file
from tmva_bench.study import plan
from tmva_bench.study.study import Study

# Most of a site's queues take no more jobs of one user at once.
_MOST_JOBS = 10_000

_JOB = """\
#!/bin/bash
# Part $1 of {jobs} of the study {name}; what is finished stays when it is killed, and is not done again.
set -eu
{setup}cd {here}
exec {python} -m tmva_bench.cli study {folder}/study.toml --shard "$1/{jobs}" --results "{folder}/results/$1-of-{jobs}"
"""

_HTCONDOR = """\
# condor_submit study.sub
universe = vanilla
executable = {folder}/job.sh
part = $(Process) + 1
arguments = $INT(part)
initialdir = {folder}
# The folder is on a file system that workers share.
should_transfer_files = IF_NEEDED
when_to_transfer_output = ON_EXIT
output = logs/$INT(part).out
error = logs/$INT(part).err
log = logs/study.log
request_cpus = {cores}
request_memory = {memory}
{time}{options}queue {jobs}
"""

_SLURM = """\
#!/bin/bash
# sbatch study.slurm
#SBATCH --job-name={name}
#SBATCH --array=1-{jobs}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cores}
#SBATCH --mem={memory}M
#SBATCH --chdir={folder}
#SBATCH --output=logs/%a.out
{time}{options}
exec bash {folder}/job.sh "$SLURM_ARRAY_TASK_ID"
"""

# By system: the file, its text, how a limit of time and an option of the user's is said there, and what submits it.
_SYSTEMS = {
    "htcondor": ("study.sub", _HTCONDOR, "+MaxRuntime = {seconds}\n", "{option}\n", "condor_submit"),
    "slurm": ("study.slurm", _SLURM, "#SBATCH --time={minutes}\n", "#SBATCH {option}\n", "sbatch"),
}
SYSTEMS = tuple(_SYSTEMS)


def write(study: Study, system: str, folder: Path, *, jobs: int | None = None, force: bool = False) -> list[str]:
    """Writes what a batch system needs to do a study: the study, a job and what submits it.

    The folder must be on a file system that the workers share, and so must this Python and the files that the study
    names from the current directory.

    Args:
        study: what to do; its table ``[cluster]`` says what a job may take.
        system: one of :data:`SYSTEMS`.
        folder: where to write.
        jobs: how many parts; by default what ``[cluster]`` says.
        force: whether to write over other files that are there.

    Returns:
        The commands that submit, look and join, one a line.

    Raises:
        UserError: an unknown system, too many jobs, a name that no such file can hold, or an output that is there.
    """
    if system not in _SYSTEMS:
        raise unknown("batch system", system, SYSTEMS)
    cluster = study.cluster
    jobs = jobs or cluster.jobs
    most = min(plan.parts(study), _MOST_JOBS)
    if jobs > most:
        raise UserError(f"{jobs} jobs: the study {study.name} can be divided into {most}, give --jobs {most} or fewer")
    folder = folder.absolute()
    for path in (folder, Path.cwd(), Path(sys.executable)):
        # Submit files know no quotes for these.
        if not all(character.isalnum() or character in "/._-+=@,~" for character in str(path)):
            raise UserError(f"{path}: a batch system takes no blanks and quotes in a path; choose another place")
    name, text, time, option, command = _SYSTEMS[system]
    seconds = cluster.time
    filled = {
        "name": study.name,
        "jobs": jobs,
        "folder": folder,
        "here": shlex.quote(str(Path.cwd())),
        "python": shlex.quote(sys.executable),
        "setup": "".join(f"{line}\n" for line in cluster.setup),
        "cores": study.threads,
        "memory": cluster.memory,
        "time": time.format(seconds=seconds, minutes=-(-seconds // 60)) if seconds else "",
        "options": "".join(option.format(option=line) for line in getattr(cluster, system)),
    }
    files = {"study.toml": study_file.text(study), "job.sh": _JOB.format(**filled), name: text.format(**filled)}
    make_folder(folder / "logs")
    for file, content in files.items():
        output.write_text(folder / file, content, force=force)
    (folder / "job.sh").chmod(0o755)
    return [
        f"{command} {folder / name}",
        f"tmva-bench merge {folder}/results/*-of-{jobs} -o results/{study.name}",
        f"tmva-bench table results/{study.name}",
    ]
