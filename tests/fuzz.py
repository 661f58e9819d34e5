"""Seeded attacks on study files, parameters and names; the suite runs a tenth, `python tests/fuzz.py` all.

Every try must end in an answer or in one line, and within the time.
"""

import os
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uproot
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.basis import config
from tmva_bench.errors import UserError
from tmva_bench.study import file as study_file
from tmva_bench.study import plan

SECONDS = 30
# Tries of the whole campaign.
TRIES = {"study files": 1600, "parameter values": 3000, "names": 300, "studies with changes": 800}
STUDY = """\
name = "mine"
preset = "seed"
repetitions = 2
zip = [["neurons", "layers"]]

[point]
max_epochs = 3
learning_rate = 0.05
transformations = "N,D"

[axes]
neurons = [5, 20]
layers = [1, 2]
seed = [1, 7]

[only.tmva]
factory_string = "!V:Silent"

[only.keras]
start = "keras"

[limits]
time = 60.5
memory = 2000
threads = 1

[environments.other]
python = "./python3"
make = "make env"

[[sample]]
name = "gauss"
variables = 3
correlation = 0.2
weights = "random"
seed = 2

[[sample]]
name = "rings"

[sample.axes]
dropout = [0.0, 0.1]

[[series]]
method = "keras"
backend = "jax"
optimizer = "adam"

[[series]]
method = "tmva-dnn"
environment = "other"
"""
VALUES = [
    "[]", "[[]]", "{}", "{a = 1}", '""', '"x"', "0", "-1", "1", "3.5", "inf", "-inf", "nan", "true", "false", "1e308",
    "1e-320", "9" * 5000, "0x" + "f" * 5000, "-" + "9" * 400, "2147483648", "1979-05-27", "07:32:00",
    "1979-05-27T07:32:00Z", '"' + "a" * 300 + '"', '"\\u001b[31m"', '"a\\nb"', '"\\u0000"', '"../../x"', '"~nobody"',
    "[" * 900 + "]" * 900, '["a", 1]', "[1, 1, 1]", "[[1, 2], [3]]", '[["neurons", "neurons"]]', '"=1+1"', "'''a\nb'''",
    '"N,D,A(k=2)"', '"A(k=' + "9" * 400 + ')"', '"\\u202e"', '"é"', '"5"', '[1, "1", 1.0]', "[0.1, 0.2, 0.3]",
]  # fmt: skip
TEXTS = [
    "", " ", "0", "-0", "1", "-1", "1.5", "nan", "inf", "-inf", "1e400", "9" * 5000, "2147483648", "true", "None", "x",
    "a" * 3000, "\x1b[31mred", "a\nb", "a\0b", "\udcff", "é", "٣", "１", "1_0", " 1 ", "0x10", "1e3", "1,2,3", "3,3,3",
    ",", "=", "==", "name=value", "N,D", "N,,D", "A(k=3)", "A(k=0)", "A(k=-1)", "A(k=1e9)", "A(", ")", "N_Signal",
    "seed", "tanh", "TANH", "'; rm -rf /", "$(id)", "{}", "[]", "%s%n", "\\", "../..", "~", "--help", "-1e-320",
    "1e-320",
]  # fmt: skip


# A user's trees, which campaign() makes.
_CONVERT = ["convert", "-o", "new.root", "--force", "--signal=own.root:t", "--background=b.root:t", "--variables=x"]
_CONVERT_OPTIONS = [
    "--variables", "--spectators", "--label", "--pad", "--cut", "--signal-cut", "--weight", "--background-weight",
    "--scale", "--split", "--fold", "--friend", "--signal", "--test-signal", "--test-background", "--train-signal",
]  # fmt: skip


class Slow(Exception):
    """A try took longer than it may."""


def outcome(arguments: list[str]) -> str:
    """How a command ends: "answer", "one line", or what is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ended = _in_time(lambda: CliRunner().invoke(cli.main, arguments))
    if isinstance(ended, str):
        return ended
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        return f"traceback {type(ended.exception).__name__}"
    lines = [line for line in ended.stderr.split("\n") if line]
    if ended.exit_code == 0:
        return "answer"
    if ended.exit_code not in (1, 2) or not lines or not lines[-1].startswith("tmva-bench: ") or len(lines) > 3:
        return f"exit code {ended.exit_code}, {len(lines)} lines"
    if len(lines[-1]) > 2500 or not lines[-1].isprintable():
        return "a line that no terminal shows"
    return "one line"


def _in_time(work: Callable[[], object]) -> object:
    def late(*_: object) -> None:
        raise Slow

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        return work()
    except Slow:
        return f"longer than {SECONDS} s"
    except Exception as error:
        return f"traceback {type(error).__name__}"
    finally:
        signal.alarm(0)


def study_texts(number: int, seed: int) -> Iterator[str]:
    """Study files with one to three things wrong."""
    draw = random.Random(seed)
    for _ in range(number):
        lines = STUDY.splitlines()
        for _ in range(draw.choice([1, 1, 1, 2, 3])):
            line = draw.randrange(len(lines))
            kind = draw.randrange(8)
            if kind < 4 and "=" in lines[line]:
                lines[line] = f"{lines[line].partition('=')[0]}= {draw.choice(VALUES)}"
            elif kind == 4:
                lines[line] = draw.choice(["", "[", "[[series]]", "[sample]", "[point]", "[environments.'a b']", "= 1"])
            elif kind == 5:
                lines.insert(line, f"{draw.choice([*config.PARAMETERS, *study_file.KEYS['']])} = {draw.choice(VALUES)}")
            elif kind == 6:
                del lines[line]
            else:
                place = draw.randrange(len(lines[line]) + 1)
                lines[line] = (
                    lines[line][:place] + chr(draw.choice([0, 27, 34, 61, 91, 93, 0x7F, 0x202E])) + lines[line][place:]
                )
        yield "\n".join(lines)


def changes(number: int, seed: int) -> Iterator[list[str]]:
    """What users give to --set, mostly possible."""
    draw = random.Random(seed)
    possible = {
        "neurons": "1 3 5 20", "layers": "0 1 2", "seed": "1 2 3", "dropout": "0 0.1 0.5", "optimizer": "sgd adam 1",
        "learning_rate": "1e-3 0.1 .5", "batch_size": "10 128", "transformations": "N,D I N,A(k=2) N,A(k=2),D P,_x",
        "start": "keras tmva", "factory_string": "V:Silent !V é='1' \"q\"", "train_signal": "0 100 20000",
        "repetitions": "1 2 5", "weight_decay": "0 0.1", "regularization": "l1 l2 none", "activation": "0 tanh RELU",
        "last_activation": "sigmoid 3", "loss": "0 cross_entropy sum_of_squares", "validation_fraction": "0.1 0.5",
    }  # fmt: skip
    for _ in range(number):
        wanted = []
        for name in draw.sample(sorted(possible), draw.choice([1, 1, 2, 3])):
            values = draw.choices(possible[name].split(), k=draw.choice([1, 1, 2, 3]))
            wanted.append(f"{name}={values[0] if name == 'transformations' else ','.join(values)}")
        yield wanted


def try_study(text: str, folder: Path, changed: Sequence[str] = ()) -> str:
    """How a study file is read, and whether what would be left of it is read back equal."""
    path = folder / "mine.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    def work() -> str:
        try:
            study = study_file.read(path, changed)
        except UserError as error:
            return "one line" if "\n" not in str(error) and len(str(error)) < 2500 else "many lines"
        left = folder / "left.toml"
        left.write_text(study_file.text(study), encoding="utf-8")
        try:
            again = study_file.read(left)
        except UserError:
            return "its study.toml is refused"
        return "answer" if plan.plan(again) == plan.plan(study) else "its study.toml is another study"

    return str(_in_time(work))


def parameter_arguments(number: int, seed: int) -> Iterator[list[str]]:
    """Commands with hostile values of parameters; none of them trains anything."""
    draw = random.Random(seed)
    names = list(config.PARAMETERS)
    for _ in range(number):
        value, name = draw.choice(TEXTS), draw.choice(names)
        if draw.random() < 0.3:
            value = str(draw.choice([draw.uniform(-2, 2), draw.randrange(-(10**6), 10**9), draw.choice(TEXTS) + value]))
        dashed = f"--{name.replace('_', '-')}"
        yield draw.choice(
            [
                ["explain", f"{dashed}={value}"],
                ["explain", f"{dashed}={value}", f"{dashed}={value}"],
                ["explain", "quick", f"{dashed}={value}"],
                ["explain", f"--preset={value}"],
                ["explain", f"--format={value}"],
                ["study", "quick", "--dry-run", "--limit=1", "--only=method=keras", f"--set={name}={value}"],
                ["study", "quick", "--dry-run", "--limit=1", f"--only={name}={value}"],
                ["study", "quick", "--dry-run", f"--only={value}"],
                ["study", "quick", "--dry-run", f"--limit={value}", f"--rerun={value}"],
                ["keys", f"--format={value}"],
                ["run", "none.root", "--method=keras", f"{dashed}={value}"],
                ["run", "none.root", f"--method={value}", f"--backend={value}"],
                ["generate", "-o", "/nowhere/x.root", f"--sample={value}"],
                [
                    "generate",
                    "-o",
                    "/nowhere/x.root",
                    f"--{draw.choice(['variables', 'seed', 'train-signal'])}={value}",
                ],
                ["generate", "-o", "/nowhere/x.root", f"--{draw.choice(['correlation', 'separation'])}={value}"],
                ["convert", "-o", "/nowhere/x.root", f"--signal={value}", "--background=b:t", f"--variables={value}"],
                [
                    "convert",
                    "-o",
                    "/nowhere/x.root",
                    "--signal=a.root:t",
                    "--background=b.root:t",
                    f"--variables={value}",
                ],
                [*_CONVERT, f"{draw.choice(_CONVERT_OPTIONS)}={value}"],
                ["table", "/nowhere", f"--by={value}", f"--format={value}"],
                ["differences", "/nowhere", f"--reference={value}", f"--quality={value}"],
                ["compare", "/nowhere", "/nowhere", f"--fail-if={value}"],
                ["encode", "none.root", "-o", "/nowhere/x.root", f"-k{value}"],
                ["encode", "none.root", "-o", "/nowhere/x.root", "-k2", f"--layout={value}"],
            ]
        )


def hostile_names(folder: Path) -> list[str]:
    """Names of what is no file that a command could use, some of them made in a folder."""
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "link").symlink_to("/dev/null")
    (folder / "empty").write_bytes(b"")
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0)
    (folder / "a folder").mkdir()
    (folder / "no.root").write_bytes(b"root" + bytes(300))
    (folder / "no.toml").write_bytes(b"\xff\xfe")
    names = [
        str(folder / name) for name in ("pipe", "loop", "link", "empty", "closed/x", "a folder", "no.root", "no.toml")
    ]
    return [
        *names, "", " ", "~nouser/x", "~", "a" * 300, f"{'a' * 200}/{'b' * 300}", "a\0b", "a\nb", "\udcff", "\x1b[31m",
        "\u202egnp", str(folder / "empty" / "x"), "/dev/null/x", "/proc/none", ".", "..", "-",
        "root://host//path/x.root", "https://host.invalid/x.root", "x" * 5000, "$(id)", "*", "a:b", ":",
        "con:t:t",
    ]  # fmt: skip


def name_arguments(number: int, seed: int, folder: Path) -> Iterator[list[str]]:
    """Commands with hostile names in every place that takes one."""
    names, draw = hostile_names(folder), random.Random(seed)
    places = [
        ["generate", "--train-signal=9", "--train-background=9", "--test-signal=9", "--test-background=9", "-o", "{}"],
        ["convert", "--signal={}:t", "--background=b:t", "--variables=x", "-o", "/nowhere/x"],
        ["convert", "--signal={}", "--background=b:t", "--variables=x", "-o", "{}"],
        ["encode", "{}", "-k2", "-o", "/nowhere/x"], ["encode", "x.root", "--encoder={}", "-o", "{}"],
        ["decode", "{}", "-o", "{}"], ["run", "{}", "--method=keras"], ["study", "{}", "--dry-run"],
        ["study", "quick", "--dry-run", "--limit=0", "--only=repetition=1", "--results={}"],
        ["status", "{}"], ["table", "{}"], ["differences", "{}"], ["compare", "{}", "{}"], ["report", "{}"],
        ["report", "{}", "-o", "{}"], ["remove", "{}", "--only=method=keras", "--yes"], ["explain", "{}"],
        ["replay", "{}"], ["verify", "{}"], ["merge", "{}", "-o", "/proc/none"],
    ]  # fmt: skip
    for _ in range(number):
        place, name = draw.choice(places[:-3] if draw.random() < 0.97 else places), draw.choice(names)
        yield [part.replace("{}", name) for part in place]


def campaign(kind: str, number: int, seed: int) -> Counter[str]:
    """How many tries of a kind ended in which way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = Path.cwd()
        os.chdir(folder)
        for own in ("own.root", "b.root"):
            with uproot.recreate(own) as file:
                lists = [[1.0], [], [2.0, 3.0]] * 8
                file.mktree("t", {"x": "f4", "y": "var * float32"}).extend({"x": range(24), "y": lists})
        try:
            if kind == "study files":
                return Counter(try_study(text, folder) for text in study_texts(number, seed))
            if kind == "studies with changes":
                return Counter(try_study(STUDY, folder, changed) for changed in changes(number, seed))
            if kind == "names":
                return Counter(_told(arguments) for arguments in name_arguments(number, seed, folder))
            return Counter(_told(arguments) for arguments in parameter_arguments(number, seed))
        finally:
            os.chdir(before)
            if (folder / "closed").exists():
                (folder / "closed").chmod(0o700)


def _told(arguments: list[str]) -> str:
    ended = outcome(arguments)
    if ended not in ("answer", "one line") and os.environ.get("FUZZ_TELL"):
        sys.stdout.write(f"{ended}: {[part[:80] for part in arguments]}\n")
    return ended


if __name__ == "__main__":
    # What asks for too much memory is to fail, not the machine.
    resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30, 12 * 2**30))
    for tried, tries in TRIES.items():
        sys.stdout.write(f"{tried}: {tries} tries: {dict(campaign(tried, tries, 1).most_common())}\n")
        sys.stdout.flush()
