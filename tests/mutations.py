"""Copies of files with seeded changes, as an attack or a bad disk makes them: ``python mutations.py COPIES FOLDER``.

Prints for each kind of file how the answers to ``verify`` and ``replay`` came out.
"""

import collections
import random
import re
import shutil
import sys
from pathlib import Path

import numpy
import uproot
from made_up_jobs import FUNCTIONS, NUMBERS
from verify_jobs import answers

from tmva_bench.running import replay

SHIPPED = replay.SHIPPED
FILES = ("TMVA.root", "job_Method.weights.xml", "log.txt")
# The file that is changed, and what is asked.
KINDS = (
    ("TMVA.root", "verify"),
    ("job_Method.weights.xml", "verify"),
    ("log.txt", "replay"),
    ("job_Method.weights.xml", "replay"),
    ("TMVA.root", "replay"),
)
TEXTS = (
    "nan",
    "-1",
    "",
    "inf",
    "1e999",
    "9" * 400,
    "../..",
    "%s%n",
    "\x00",
    "&amp;",
    "<",
    "N",
    "DL::",
    "é",
    "\ud7ff",
    "|",
    ",",
)
# No answer may take longer [s].
PATIENCE = 30


def mutate(data: bytes, generator: random.Random) -> bytes:
    """A changed copy: flipped bits, bytes cut out, doubled or exchanged, numbers and texts replaced."""
    data = bytearray(data)
    for _ in range(generator.choice((1, 1, 1, 3, 20))):
        place, length = generator.randrange(len(data)), generator.choice((1, 2, 8, 100, 5000))
        match generator.randrange(6):
            case 0:
                data[place] ^= 1 << generator.randrange(8)
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place : place + length] = generator.randbytes(length)
            case 4:
                numbers = list(re.finditer(rb"[-+0-9.e]+", data[place : place + 4000]))
                if numbers:
                    number = generator.choice(numbers)
                    data[place + number.start() : place + number.end()] = generator.choice(TEXTS).encode(
                        "utf-8", "replace"
                    )
            case 5:
                words = list(re.finditer(rb'"[^"<>]{0,80}"', data[place : place + 4000]))
                if words:
                    number = generator.choice(words)
                    data[place + number.start() + 1 : place + number.end() - 1] = generator.choice(TEXTS).encode()
        if len(data) < 10:
            break
    return bytes(data)


def evaluated(folder: Path) -> float:
    """Largest difference of the scores in a folder from those of its weight file, by readers of this module's own."""
    text = (folder / "job_Method.weights.xml").read_text(errors="replace")
    numbers = [
        numpy.array(answered.split(), float)
        for answered in re.findall(r"<(?:Weights|Biases) [^>]*>([^<]*)<", text)[-8:]
    ]
    codes = re.findall(r'ActivationFunction="(\d+)"', text)
    names = [next(name for name, number in NUMBERS.items() if number == int(code)) for code in codes]
    ranges = re.findall(r'<Range Index="\d+" Min="([^"]*)" Max="([^"]*)"', text)[-4:]
    low, high = numpy.array(ranges, float).T
    matrix = numpy.array(re.findall(r"<Matrix [^>]*>([^<]*)<", text)[-1].split(), float).reshape(4, 4)
    largest = 0.0
    with uproot.open(folder / "TMVA.root") as file:
        for tree in ("TrainTree", "TestTree"):
            held = file[f"dataset/{tree}"]
            columns = {name: held[name].array(library="np") for name in ("var1", "var2", "var3", "var4", "Method")}
            x = numpy.stack([columns[f"var{n}"] for n in range(1, 5)], axis=1).astype(float)
            x = ((2 * (x - low) / (high - low) - 1).astype("f4") @ matrix.T).astype("f4").astype(float)
            for weights, biases, name in zip(numbers[::2], numbers[1::2], names, strict=True):
                x = FUNCTIONS[name](x @ weights.reshape(len(biases), -1).T + biases)
            largest = max(largest, float(numpy.abs(FUNCTIONS["SIGMOID"](x[:, 0]) - columns["Method"]).max()))
    return largest


def epochs(log: str) -> list[tuple[float, ...]]:
    """Number and losses of the epochs of a log's last training, of the rows that are whole."""
    number = r"[-+.\dainfe]+"
    row = rf":\s+(\d+) \|\s+({number})\s+({number})(?:\s+{number}){{3}}\s+\d+\s*$"
    lines = re.findall(row, log.rpartition("Train method: ")[2], re.MULTILINE)
    return [tuple(map(float, line)) for line in lines]


def outcomes(folder: Path, kind: str, action: str, copies: int, seed: int = 1) -> dict[str, str]:
    """How each changed copy came out: ``agrees``, ``differs``, ``refused``, or what must not be.

    Args:
        folder: where the copies go.
        kind: the file to change.
        action: ``verify`` or ``replay``.
        copies: how many.
        seed: of the changes.
    """
    plan = {}
    for number in range(copies):
        run = folder / f"{number}"
        run.mkdir(parents=True)
        for name in FILES:
            if name == kind:
                changed = mutate((SHIPPED / name).read_bytes(), random.Random(f"{seed} {kind} {number}"))
                (run / name).write_bytes(changed)
            else:
                (run / name).hardlink_to(shutil.copy(SHIPPED / name, folder / name) if number == 0 else folder / name)
        plan[str(number)] = (action, run, "")
    answered = answers(folder / "asked", plan, timeout=3600)
    return {name: _outcome(answer, action, plan[name][1]) for name, answer in answered.items()}


def _outcome(answer, action, run):
    if answer["seconds"] > PATIENCE:
        return f"took {answer['seconds']:.0f} s"
    if "error" in answer:
        name, text = answer["error"]
        if name not in ("UserError", "TrainingFailed") or len(text.splitlines()) != 1 or len(text) > 1000:
            return f"raised {name}: {text}"
        return "refused"
    if action == "verify":
        if replay.score_difference(answer, 1e-5):
            return "differs"
        return "agrees" if evaluated(run) < 1e-5 else "agrees wrongly"
    if replay.difference(answer, 1e-4):
        return "differs"
    # TMVA's losses in the log are those of the whole one, or those in the output file were taken.
    true, told = (epochs((path / "log.txt").read_text(errors="replace")) for path in (SHIPPED, run))
    # Of a log with its table twice the last training counts.
    last = told[-len(true) :]
    close = len(true) == len(last) and numpy.allclose(true, last, atol=1e-4)
    return "agrees" if close or not told else "agrees wrongly"


if __name__ == "__main__":
    wanted, top = int(sys.argv[1]), Path(sys.argv[2])
    for each, asked in KINDS:
        result = outcomes(top / asked / each, each, asked, wanted)
        sys.stdout.write(f"{asked}, {each}: {dict(collections.Counter(text[:60] for text in result.values()))}\n")
        for name, text in result.items():
            if text not in ("agrees", "differs", "refused"):
                sys.stdout.write(f"  {name}: {text}\n")
        sys.stdout.flush()
