"""What a shell and a terminal do to a command: Ctrl-C, closed or full output, other encodings, hostile folders."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import all_commands, command_line

from tmva_bench import cli
from tmva_bench.cli import shell

COMMAND = [sys.executable, "-c", "from tmva_bench.cli import main; main()"]
EVENTS = ["--train-signal=90", "--train-background=90", "--test-signal=90", "--test-background=90"]
# What the current folder may hold.
MODULES = ("json", "ROOT", "numpy", "tmva_bench", "keras", "sitecustomize", "uproot", "click", "awkward", "re")


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def single_valued():
    for name, command in all_commands().items():
        for option in command.params:
            if option.param_type_name == "option" and not option.multiple and not option.is_eager:
                yield pytest.param(name, option, id=f"{name}-{option.name}")


@pytest.mark.parametrize(("name", "option"), list(single_valued()))
def test_an_option_given_twice_is_an_error(name, option):
    value = [] if option.is_flag else ["1"]
    answer = CliRunner().invoke(cli.main, [name, option.opts[0], *value, option.opts[-1], *value])
    assert answer.exit_code == 2
    assert answer.stderr == f"tmva-bench: {option.opts[-1]} is given twice; give it once\n"


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.4])
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_in_the_first_moments_is_one_line(tmp_path, delay, times):
    code = "import sys; from tmva_bench import cli; print('begins', flush=True); cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "keys"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout.readline() == "begins\n"
        time.sleep(delay)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    # A fast machine may have ended before.
    assert process.returncode in (130, -signal.SIGINT, 0)
    assert "Traceback" not in said
    assert len(said.split("\n")) <= 3


def test_a_full_disk_behind_the_output_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "keys"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "tmva-bench: standard output: No space left on device; not all is there\n"


def test_a_reader_that_ends_early_is_one_line():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, "keys"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == "tmva-bench: standard output: closed before all was written\n"


def test_without_any_output_nothing_fails():
    done = subprocess.run(["sh", "-c", '"$0" "$@" >&-', *COMMAND, "keys"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_output_of_ascii_gets_ascii(tmp_path):
    variables = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C"}
    done = run("generate", "-o", "größe±.root", *EVENTS, cwd=tmp_path, env=variables)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert (tmp_path / "größe±.root").exists()
    done = run("explain", cwd=tmp_path, env=variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_without_a_home_everything_is_as_usual(tmp_path):
    variables = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    assert run("generate", "-o", "x.root", *EVENTS, cwd=tmp_path, env=variables).returncode == 0


def test_control_characters_reach_no_terminal(capsys):
    shell.say("a\x1b[31mb\tc\nd\u202ee\x9b")
    assert capsys.readouterr().out == "a\\x1b[31mb\tc\nd\\u202ee\\x9b\n"


@pytest.fixture
def hostile(tmp_path):
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'hit')!r}, 'a').write('{name} ')\n")
    return folder


def test_modules_of_the_current_folder_are_never_loaded(hostile, tmp_path):
    pytest.importorskip("ROOT")
    pytest.importorskip("jax")
    # As the script that pip makes does: its own folder is first on the path, not the current one.
    script = tmp_path / "script" / "tmva-bench"
    script.parent.mkdir()
    script.write_text("from tmva_bench.cli import main\nmain()\n")
    (hostile / "mine.toml").write_text(
        '[sample]\nname = "higgs"\ntrain_signal = 90\ntrain_background = 90\ntest_signal = 90\ntest_background = 90\n'
        "[point]\nneurons = 2\nlayers = 1\nmax_epochs = 1\nbatch_size = 10\n"
        '[[series]]\nmethod = "keras"\nbackend = "jax"\n'
    )
    commands = [
        ["generate", "-o", "higgs.root", "--sample", "higgs", *EVENTS],
        ["study", "mine.toml", "--dry-run"],
        ["study", "mine.toml"],
        ["status", "mine.toml"],
        ["table", "results/mine"],
        ["report", "mine.toml"],
        ["explain", "mine.toml"],
        ["convert", "-o", "o.root", "--signal", "higgs.root:TrainS", "--background", "higgs.root:TrainB"]
        + ["--variables", "m_bb,m_wbb"],
        ["encode", "higgs.root", "-k", "2", "-o", "e.root", "--backend", "jax"]
        + ["--training-strategy", "MaxEpochs=2,BatchSize=10"],
        ["verify", "--backend", "jax"],
    ]
    for arguments in commands:
        done = subprocess.run(
            [sys.executable, script, *arguments], cwd=hostile, capture_output=True, text=True, check=False
        )
        assert not (tmp_path / "hit").exists(), (arguments, (tmp_path / "hit").read_text())
        assert done.returncode == 0, (arguments, done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "root://eos//a/b.root", "--method", "keras"),
        ("decode", "https://x//y.root", "-o", "z.root"),
        ("generate", "-o", "root://eos//x.root"),
        ("table", "https://x//results"),
    ],
)
def test_an_address_stays_whole(tmp_path, arguments):
    done = command_line(tmp_path, *arguments)
    (address,) = (text for text in arguments if "://" in text)
    assert done.returncode == 2
    assert f"{address}: an address" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
