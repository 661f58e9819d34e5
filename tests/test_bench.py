"""The standard benchmark: which runs, on what; what cannot run is a row, and nothing is run twice."""

import uproot
from click.testing import CliRunner

from tmva_bench import bench, cli, config, environments

SERIES = {
    ("tmva-dnn", "tmva", "cpu"),
    ("tmva-dnn", "tmva", "gpu"),
    ("pykeras", "tensorflow", "cpu"),
    ("keras", "tensorflow", "cpu"),
    ("keras", "jax", "cpu"),
    ("keras", "torch", "cpu"),
}
RUNS = {(*series, optimizer) for series in SERIES for optimizer in ("sgd", "adam")}


def test_every_method_backend_and_optimizer_once():
    requests = bench.requests(2)
    assert len(requests) == len(RUNS)
    assert {(r.method, r.backend, r.architecture, r.point.optimizer) for r in requests} == RUNS
    assert {(r.threads, r.repetition) for r in requests} == {(2, 1)}


def test_the_presets_network_for_few_epochs():
    preset = vars(config.point(preset="seed"))
    for request in bench.requests(1):
        changed = {name for name, value in vars(request.point).items() if preset[name] != value}
        # The file's events are all taken; colours and the progress bar stay out of the log.
        assert changed - set(config.COUNTS) <= {"max_epochs", "optimizer", "learning_rate", "factory_string"}
        assert request.point.max_epochs <= 10
    assert bench.EVENTS == {
        "train_signal": 20000,
        "train_background": 20000,
        "test_signal": 50000,
        "test_background": 50000,
    }


def test_what_cannot_run_is_a_row_and_is_not_tried_again(fake_python, tmp_path, monkeypatch):
    tried = tmp_path / "tried"
    fake = fake_python(f"""
        with Path({str(tried)!r}).open("a") as file:
            print(folder.name, file=file)
        worker.run = lambda folder: {{"status": "unavailable", "reason": "nothing here; make env"}}
        worker.main()
    """)
    monkeypatch.setattr(environments, "describe", lambda: fake)
    folder = tmp_path / "bench"
    answers, children = [], []
    for _ in range(2):
        answers.append(CliRunner().invoke(cli.main, ["bench", "--results", str(folder)]))
        children.append(tried.read_text().splitlines())
    assert children[0] == children[1]
    for answer in answers:
        assert answer.exit_code == 1
        assert answer.stderr.splitlines()[-1].startswith("tmva-bench: no method can run here")
        assert answer.stdout.count("nothing here; make env") == 1
    with uproot.open(folder / "results.root") as file:
        names = ["run_id", "status", "reason", "method", "max_epochs", "roc_auc_best_possible"]
        rows = file["benchmark"].arrays(names, library="np")
    assert len(set(rows["run_id"])) == len(rows["run_id"]) >= len(children[0]) >= 4
    assert set(rows["method"]) == set(config.METHODS)
    assert set(rows["status"]) == {"unavailable"}
    assert set(rows["reason"]) == {"nothing here; make env"}
    assert max(rows["max_epochs"]) <= 10
    (best,) = set(rows["roc_auc_best_possible"])
    assert all(f"(likelihood ratio): {best:.4f}" in answer.stdout for answer in answers)
