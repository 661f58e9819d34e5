"""The HTML page: what stands on it, that nothing in it is taken for code, its size, and how it works in Chromium."""

import dataclasses
import html.parser
import json
import math
import shutil
import tempfile

import made_up_results
import made_up_rows
import numpy
import pytest
import uproot
from classifiers import absent
from click.testing import CliRunner
from made_up_results import Series
from made_up_rows import changed
from plotly import offline

from tmva_bench import cli
from tmva_bench.basis import config
from tmva_bench.compare import differences, verdict
from tmva_bench.events import inputs, samples
from tmva_bench.report import page
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.study import file as study_file
from tmva_bench.study import plan

EVIL = "<img src=x onerror=alert(1)></script><b>&"
JAX, TORCH, TMVA = Series("keras", "jax", "sgd"), Series("keras", "torch", "sgd"), Series("tmva-dnn", "tmva", "adam")


class InMemory(ResultsFolder):
    """A folder that is not there, of these records."""

    def __init__(self, records):
        super().__init__("nowhere")
        self._records_by_name = {record.row.run_id: record for record in records}

    def read(self, name):
        return self._records_by_name[name]


EVENTS = dict.fromkeys(config.COUNTS, 300)
STUDY = (
    "repetitions = 3\n[axes]\nneurons = [5, 20, 100]\nlayers = [1, 3]\n[[series]]\nmethod = 'keras'\nbackend = 'jax'\n"
)


def records_of(runs):
    """Records of made-up runs, each given as series, repetition, parameters and status."""
    tables = made_up_results.empty_tables()
    random = numpy.random.default_rng(3)
    for run in runs:
        made_up_results.add_run(tables, random, *run)
    records = made_up_rows.of_tables(tables)
    return [changed(record, start_time=f"2026-01-02T03:04:{n:06d}") for n, record in enumerate(records)]


def leave(records, folder):
    """Leaves records in a results folder, with an input file, and scores for the verdicts."""
    folder.mkdir()
    inputs.write(samples.gauss(**EVENTS), folder / "input.root")
    digest = inputs.read(folder / "input.root").metadata["digest"]
    random = numpy.random.default_rng(5)
    with ResultsFolder(folder).held():
        for record in records:
            record = changed(record, input_digest=digest)
            with ResultsFolder(folder).under_way(record.row.run_id) as run:
                (run / "task.json").write_text(json.dumps({"input_file": str(folder / "input.root")}))
                with uproot.recreate(run / "scores.root") as file:
                    for tree, shift in (("TestS", 1.5), ("TestB", 0.0)):
                        scores = random.normal(shift, size=300)
                        file.mktree(tree, {"score": numpy.float64}).extend({"score": scores})
                ResultsFolder(folder).finish(run, record)


def test_a_method_without_the_scanned_parameter_is_shown_at_every_point_of_the_others():
    runs = [(JAX, 1, {"neurons": neurons, "layers": layers}) for neurons in (5, 20) for layers in (1, 3)]
    trees, *networks = records_of([(JAX, 1, {"learning_rate": 0.2}), *runs])
    trees = changed(trees, method="boosting", backend="sklearn", **absent("boosting"))
    shown = page.make([trees, *networks], InMemory([trees, *networks]))
    plots = shown.plots
    at = {name: [g["p"] for g in plots["groups"] if plots["series"][g["s"]] == name] for name in plots["series"]}
    assert sorted(at["boosting sklearn"]) == sorted(at["keras jax sgd"]) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert [axis["values"] for axis in plots["axes"]] == [[5, 20], [1, 3]]
    assert len(plots["runs"]) == len(plots["groups"]) == 8
    alone = {line[0] for line in page.make([trees], InMemory([trees])).parameters.rows}
    assert alone == set(config.PARAMETERS) - set(absent("boosting"))


def test_the_command_that_repeats_a_run_says_nothing_that_its_method_lacks(tmp_path):
    (record,) = records_of([(JAX, 1, {"learning_rate": 0.2})])
    record = changed(record, method="boosting", backend="sklearn", **absent("boosting"))
    command = page._run_command(record.row, "inputs/one.root")
    assert "--method boosting --backend sklearn" in command
    assert "--learning-rate 0.2" in command
    for name in absent("boosting"):
        assert f"--{name.replace('_', '-')} " not in command
    # The file is all that is missing.
    answer = CliRunner().invoke(cli.main, command.split()[1:-2] + ["--results", str(tmp_path)])
    assert answer.exit_code == 2
    assert "inputs/one.root" in answer.stderr


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A made-up study with two axes, a point that is missing, and a reason that would be code."""
    folder = tmp_path_factory.mktemp("page") / "mine"
    runs = [
        (series, repetition, {"neurons": neurons, "layers": layers}, "timeout" if lost else "ok")
        for repetition in (1, 2, 3)
        for neurons in (5, 20, 100)
        for layers in (1, 3)
        for series in (JAX, TORCH)
        for lost in [series is TORCH and neurons == 20]
    ]
    records = records_of([*runs, (TMVA, 1, {}, "unavailable")])
    for n, record in enumerate(records):
        record = changed(record, overtraining_signal=0.25, overtraining_background=0.5)
        times = [0.5 + 0.01 * n] * len(record.history)
        records[n] = dataclasses.replace(record, history=dataclasses.replace(record.history, real_time=times))
    records[-1] = changed(records[-1], reason=EVIL)
    leave(records, folder)
    (folder / "study.toml").write_text(STUDY.replace("\n[axes]", f"\nname = 'mine'\n# {EVIL}\n[axes]"))
    return folder


@pytest.fixture(scope="module")
def written(results):
    answer = CliRunner().invoke(cli.main, ["report", str(results)])
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"Page: {results / 'report.html'}\n"
    return results / "report.html"


class Reader(html.parser.HTMLParser):
    """What a browser would take the page for."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.texts, self._in = [], [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag in ("td", "th"):
            self.handle_data(" ")
        if tag == "section":
            self._in = [dict(attributes)["id"]]
        if tag in ("style", "script"):
            self._in = [f"{tag} {dict(attributes).get('id', self.tags.count(tag))}"]

    def handle_data(self, text):
        if self._in:
            self.texts[self._in[0]] = self.texts.get(self._in[0], "") + text

    def handle_endtag(self, tag):
        if tag in ("section", "style", "script"):
            self._in = []

    def words(self, section):
        return " ".join(self.texts[section].split())

    @property
    def data(self):
        return json.loads(self.texts["script data"])


@pytest.fixture(scope="module")
def read(written):
    return Reader(written.read_text())


def test_every_section_says_its_own(read):
    headline = read.words("headline")
    assert "series neurons layers runs ROC area" in headline
    # One best ROC area, one best time of each clock that was measured.
    assert headline.count("(best)") == 3
    assert "tmva-dnn adam unavailable" in headline
    verdicts = read.words("verdicts")
    assert "ROC area less that of keras jax sgd" in verdicts
    assert "± training ± test 95 % interval verdict" in verdicts
    assert "Time to train: the series over keras jax sgd" in verdicts
    assert "Time to 90 % of the way to the best validation loss" in read.words("quality")
    assert "ConvergenceSteps" in read.words("mapping")
    assert "made-up" in read.words("versions")
    assert f"unavailable: tmva-dnn adam: {EVIL}" in read.words("stopped")
    assert "timeout: keras torch sgd: made-up reason" in read.words("stopped")
    again = read.words("again")
    assert "tmva-bench study mine.toml" in again
    assert f"# {EVIL} [axes] neurons = [5, 20, 100]" in again


def test_plots_have_every_run_and_the_curves_of_the_first_repetitions(read, results):
    data = read.data
    rows = {record.row.run_id: record.row for record in ResultsFolder(results).load(curves=())}
    finished = [name for name, row in rows.items() if row.status == "ok"]
    assert sorted(run["id"] for run in data["runs"]) == sorted(finished)
    quantity = [one["name"] for one in data["quantities"]].index("roc_auc")
    for run in data["runs"]:
        assert run["v"][quantity] == pytest.approx(rows[run["id"]].roc_auc, rel=1e-4)
    assert [axis["values"] for axis in data["axes"]] == [[5, 20, 100], [1, 3]]
    for group in data["groups"]:
        row = rows[data["runs"][group["run"]]["id"]]
        assert row.repetition == 1
        values = [axis["values"][n] for axis, n in zip(data["axes"], group["p"], strict=True)]
        assert [row.value(axis["name"]) for axis in data["axes"]] == values
        values_of_group = [run["v"][quantity] for run in data["runs"] if data["groups"][run["g"]] is group]
        assert (len(values_of_group), group["n"]) == (3, 3)
        assert group["m"][quantity] == pytest.approx(numpy.mean(values_of_group), rel=1e-4)
        assert group["scores"]["kolmogorov"] == [0.25, 0.5]


def test_curves_are_thinned_and_stay_where_they_were():
    (record,) = records_of([(JAX,)])
    roc, (group,) = record.roc, page.make([record], InMemory([record])).plots["groups"]
    assert len(group["roc"]["x"]) == 100 < len(roc)
    expected = numpy.interp(group["roc"]["x"], roc.signal_efficiency, roc.background_rejection)
    assert 1 - numpy.array(group["roc"]["y"]) == pytest.approx(expected, abs=2e-3)
    assert group["history"]["time"][-1] == pytest.approx(sum(record.history.real_time))
    # 20 bins of 40: the area stays, and errors add in quadrature.
    area = sum(record.scores.density[80:120]) / 40
    fine, coarse = group["scores"], page._scores(record.scores, 2)
    for scores, bins in ((fine, 40), (coarse, 20)):
        assert sum(scores["test_signal"]) * scores["unit"] / bins == pytest.approx(area, rel=1e-3)
    errors = numpy.array(fine["train_signal_error"])
    assert coarse["train_signal_error"] == pytest.approx(numpy.hypot(errors[::2], errors[1::2]) / 2, abs=1)
    assert errors * fine["unit"] == pytest.approx(record.scores.density_error[:40], abs=fine["unit"])


def test_no_text_from_outside_is_taken_for_code(read):
    assert "img" not in read.tags
    assert read.tags.count("script") == 3
    assert "b" not in read.tags


def test_series_names_from_outside_are_no_code():
    records = [changed(*records_of([(JAX,)]), backend=EVIL, sample=EVIL, host=EVIL, cpu_model=EVIL)]
    read = Reader(page.render(page.make(records, InMemory(records))))
    assert read.data["series"] == [f"keras {EVIL} sgd"]
    assert read.tags.count("script") == 3
    assert "img" not in read.tags


def test_the_page_needs_nothing_beside_it(read, written):
    assert all(link.startswith(("#", "data:")) for link in read.links)
    (style,) = [text for name, text in read.texts.items() if name.startswith("style")]
    assert "url(" not in style and "@import" not in style
    # A browser that holds to it loads nothing.
    assert "default-src 'none'; script-src 'unsafe-inline'" in written.read_text()


@pytest.mark.slow
def test_a_thousand_runs_make_a_small_page(monkeypatch):
    """Each at a point of its own, with verdicts: more to show than any other thousand."""
    monkeypatch.setattr(made_up_results, "EPOCHS", 100)
    weights = dict.fromkeys(("TestS", "TestB"), numpy.ones(20))
    data = inputs.InputFile("input.root", [], {}, weights, {"digest": ""})
    scores = numpy.random.default_rng(8).normal(size=(2, 20))
    monkeypatch.setattr(differences, "input_of", lambda group, results: data)
    monkeypatch.setattr(verdict, "_read_scores", lambda folder, data: scores * int(folder.parent.name[-2:]))
    runs = [
        (series, 1, {"neurons": neurons, "layers": layers})
        for series in made_up_results.SERIES[:10]
        for neurons in range(1, 51)
        for layers in (1, 2)
    ]
    done = records_of(runs)
    for n, record in enumerate(done):
        values = {name: math.pi * (n + 1) for name in page._QUANTITIES if name != "roc_auc"}
        done[n] = changed(record, run_id=f"keras-tensorflow-sgd-{n:012d}", **values)
    shown = page.make(done, InMemory(done))
    assert [len(table.rows) for table in shown.verdicts] == [900, 900, 1000]
    text = page.render(shown)
    assert len(Reader(text).data["runs"]) == 1000
    assert len(text.encode()) - len(offline.get_plotlyjs().encode()) < 3.1e6


def test_without_any_result_the_page_says_why(tmp_path):
    records = records_of([(TMVA, 1, {}, "unavailable")])
    page.write(records, ResultsFolder(tmp_path), tmp_path / "page.html")
    read = Reader((tmp_path / "page.html").read_text())
    assert "no finished run with a result" in read.words("verdicts")
    assert "unavailable: tmva-dnn adam: made-up reason" in read.words("stopped")
    assert "input.root" in read.data["correlations"]["missing"]


def test_without_a_study_file_the_runs_are_named_by_hand():
    records = records_of(
        [(JAX, 1, {"neurons": 7, "start": "keras"}), (JAX, 2, {"neurons": 7, "start": "keras"}), (TMVA, 1)]
    )
    commands = page.make(records, InMemory(records)).commands
    assert [command.split("input.root ")[1].split(" --max-epochs")[0] for command in commands] == [
        "--method keras --optimizer sgd --backend jax --neurons 7",
        "--method tmva-dnn --optimizer adam",
    ]
    assert "--start keras" in commands[0] and "--start" not in commands[1]


def test_events_of_the_users_own_are_drawn_and_named(tmp_path):
    """As a results folder lies there that has no link: the run's own file is taken."""
    folder = ResultsFolder(tmp_path / "mine")
    leave(records_of([(JAX, 1), (TORCH, 1)]), folder.path)
    folder.inputs.mkdir()
    folder.input.rename(folder.inputs / "selection a.root")
    for name in folder.names():
        (folder.run_folder(name) / "task.json").write_text(json.dumps({"input_file": "../../inputs/selection a.root"}))
    shown = page.make(folder.load(), folder)
    data = inputs.read(folder.inputs / "selection a.root")
    expected = numpy.corrcoef(data.events["TrainS"].T)
    assert numpy.array(shown.plots["correlations"]["signal"], dtype=float) == pytest.approx(expected, abs=0.006)
    assert [command.split(" --method")[0] for command in shown.commands] == [
        "tmva-bench run 'inputs/selection a.root'"
    ] * 2
    assert shown.events == [
        f"Sample made-up, digest {data.metadata['digest'][:12]}: inputs/selection a.root in the results folder"
    ]


def refused(*arguments):
    answer = CliRunner().invoke(cli.main, ["report", *map(str, arguments)])
    assert answer.exit_code == 2
    (line,) = answer.stderr.splitlines()
    return line


def test_what_cannot_be_read_or_written_is_one_line(results, tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'none'}: no finished runs there" in refused(tmp_path / "none")
    assert f"{tmp_path / 'file'}: no finished runs there" in refused(tmp_path / "file")
    assert f"{tmp_path / 'none' / 'x.html'}: cannot be written" in refused(results, "-o", tmp_path / "none" / "x.html")
    assert "no folder" in refused(results, "-o", tmp_path / "file" / "x.html")
    assert f"{tmp_path}: is a folder" in refused(results, "-o", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    broken = tmp_path / "broken"
    shutil.copytree(results, broken)
    (broken / "study.toml").write_text("neurons = ")
    assert "study.toml: no TOML" in refused(broken)


def test_a_damaged_input_file_is_said_on_the_page(results, tmp_path):
    shutil.copytree(results, tmp_path / "broken")
    (tmp_path / "broken" / "input.root").write_bytes(b"no ROOT file")
    plots = page.make(ResultsFolder(tmp_path / "broken").load(), ResultsFolder(tmp_path / "broken")).plots
    assert "input.root" in plots["correlations"]["missing"]


def test_a_run_whose_curves_are_damaged_is_shown_without_them(results, tmp_path, caplog):
    shutil.copytree(results, tmp_path / "broken")
    folder = ResultsFolder(tmp_path / "broken")
    before = page.make(folder.load(curves=("history",)), folder).plots["groups"][0]
    assert {"roc", "scores"} <= set(before)
    path = folder.run_folder(folder.load(curves=())[0].row.run_id) / "curves.json"
    path.write_text("{")
    after = page.make(folder.load(curves=("history",)), folder).plots["groups"][0]
    assert (after["m"], set(after) & {"roc", "scores"}) == (before["m"], set())
    assert f"without its curves: {path}" in caplog.text


def test_a_study_leaves_its_file_with_its_changes(fake_study, tmp_path):
    made_here = tmp_path / "results"
    answer = CliRunner().invoke(
        cli.main, ["study", str(fake_study("")), "--set", "neurons=7", "--limit", "0", "--results", str(made_here)]
    )
    assert answer.exit_code == 0, answer.output
    left = study_file.read(made_here / "study.toml")
    assert (left.name, left.axes) == ("mine", {"neurons": [7]})
    assert plan.plan(left) == plan.plan(study_file.read(tmp_path / "mine.toml", ["neurons=7"]))


# --- In a browser ---


@pytest.fixture(scope="module")
def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    quiet = "quic", "background-networking", "component-update", "sync", "gpu", "dev-shm-usage"
    for argument in ("headless", "no-sandbox", "no-first-run", *(f"disable-{name}" for name in quiet)):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        started = webdriver.Chrome(options=options, service=Service(driver))
        yield started
        started.quit()


@pytest.fixture(params=[1280, 390])
def opened(browser, written, request):
    """The page at the width of a desk and of a phone; no error may stand on the console at the end."""
    size = {"width": request.param, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(written.as_uri())
    yield browser
    assert browser.get_log("browser") == []


# All that a plot is drawn from.
STATE = "const p = arguments[0].querySelector('.plot'); return JSON.stringify([p.data, p.layout, p.hidden]);"
PLOTS = ["scan", "times", "roc", "history", "quality", "scores", "cut"]


def section(browser, name):
    return browser.find_element("id", name)


def test_nothing_sticks_out_and_every_plot_is_drawn(opened):
    root = "document.documentElement"
    assert opened.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    assert len(opened.find_elements("css selector", "main .js-plotly-plot")) == len(PLOTS) + 2
    for name in PLOTS:
        assert section(opened, name).find_elements("css selector", ".plot .scatterlayer .trace")
    out = "return [...document.querySelectorAll('.plot')].filter((p) => p.scrollWidth > p.clientWidth).length"
    assert opened.execute_script(out) == 0
    assert opened.find_elements("css selector", "main img") == []


# Every option of a select chosen one after the other, back to the first at the end; gives what was drawn for each.
CHOOSE = f"""
const state = function () {{ {STATE} }};
const [place, number] = arguments;
const select = place.querySelectorAll("select")[number];
const choose = (n) => {{ select.selectedIndex = n; select.dispatchEvent(new Event("change")); return state(place); }};
const states = [...select.options].map((_, n) => choose(n));
choose(0);
return states;
"""


def test_every_control_changes_its_plot(opened):
    for name in PLOTS:
        place = section(opened, name)
        for number in range(len(place.find_elements("css selector", "select"))):
            states = opened.execute_script(CHOOSE, place, number)
            assert len(set(states)) == len(states) > 1, f"{name}, select {number}"
        for control in place.find_elements("css selector", "input"):
            before = opened.execute_script(STATE, place)
            control.click() if control.get_attribute("type") == "checkbox" else control.send_keys("0")
            assert opened.execute_script(STATE, place) != before, f"{name}, {control.accessible_name}"


def test_it_opens_on_the_best_point_and_says_which(opened):
    data = opened.execute_script("return data")
    area = [one["name"] for one in data["quantities"]].index("roc_auc")
    best = max(data["groups"], key=lambda group: group["m"][area])
    words = ", ".join(f"{axis['name']} = {axis['values'][n]}" for axis, n in zip(data["axes"], best["p"], strict=True))
    for name in ("roc", "history", "scores", "cut"):
        assert f"At {words}." in section(opened, name).find_element("css selector", "[role=status]").text


def test_long_tables_are_folded_and_sorted_by_their_headings(browser, tmp_path):
    records = records_of([(JAX, 1, {"neurons": n}) for n in range(30, 0, -1)])
    page.write(records, InMemory(records), tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    fold = section(browser, "headline").find_element("css selector", "details")
    assert (fold.get_attribute("open"), "30 rows" in fold.text) == (None, True)
    fold.find_element("css selector", "summary").click()
    for wanted in (sorted, lambda values: sorted(values, reverse=True)):
        fold.find_elements("css selector", "th button")[1].click()
        rows = fold.find_elements("css selector", "tbody tr")
        shown = [int(row.find_elements("css selector", "td")[0].text) for row in rows]
        assert shown == wanted(shown)
        assert len(shown) == 30
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.get_log("browser") == []


def test_a_missing_point_is_a_gap(opened):
    (y,) = opened.execute_script(
        "return document.querySelector('#scan .plot').data.filter((t) => t.name === 'keras torch sgd' && "
        "t.mode.includes('lines')).map((t) => t.y)"
    )
    assert [value is None for value in y] == [False, True, False]


def test_hovering_gives_the_run_and_its_values(opened):
    text = opened.execute_script(
        "const p = document.querySelector('#scan .plot');"
        "const n = p.data.findIndex((t) => t.mode === 'markers');"
        "Plotly.Fx.hover(p, [{ curveNumber: n, pointNumber: 1 }]);"
        "return p.querySelector('.hoverlayer').textContent"
    )
    for word in ("made-up-00", "repetition", "neurons = 5", "ROC area = 0."):
        assert word in text


@pytest.mark.parametrize(
    ("runs", "points"),
    [
        ([(JAX, 1), (TORCH, 1)], [["keras jax sgd"], ["keras torch sgd"]]),
        ([(JAX, 1, {"activation": name}) for name in ("tanh", "relu")], [["tanh", "relu"]]),
        ([(JAX, 1, {"neurons": n, "layers": n}) for n in (1, 2, 3)], [[1, 2, 3]]),
    ],
    ids=["no axis", "names", "axes that move together"],
)
def test_scans_of_other_kinds(browser, tmp_path, runs, points):
    records = records_of(runs)
    page.write(records, InMemory(records), tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    means = (
        "return document.querySelector('#scan .plot').data.filter((t) => t.mode === 'lines+markers').map((t) => t.x)"
    )
    assert browser.execute_script(means) == points
    assert browser.get_log("browser") == []


def test_names_from_outside_are_shown_as_they_stand(browser, tmp_path):
    records = [changed(record, backend=EVIL) for record in records_of([(JAX, 1, {"neurons": n}) for n in (5, 20)])]
    page.write(records, InMemory(records), tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    assert section(browser, "scan").find_element("css selector", ".legendtext").text == f"keras {EVIL} sgd"
    assert browser.find_elements("css selector", "main img, main b") == []
    assert browser.get_log("browser") == []


def visible(browser):
    return browser.execute_script(
        "return document.querySelector('#roc .plot').data.map((t) => t.visible !== 'legendonly')"
    )


def test_the_legend_hides_series_by_mouse_and_by_keyboard(opened):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    def until(wanted):
        WebDriverWait(opened, 5).until(lambda browser: visible(browser) == wanted)

    place = section(opened, "roc")
    opened.execute_script("arguments[0].scrollIntoView()", place)
    until([True, True])
    ActionChains(opened).move_to_element(place.find_element("css selector", ".legendtoggle")).click().perform()
    until([False, True])
    # The series stays hidden when a control draws the plot anew.
    place.find_elements("css selector", "select")[-1].send_keys(Keys.ARROW_DOWN)
    until([False, True])
    opened.execute_script("document.querySelectorAll('#roc .legendtoggle')[0].focus()")
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    until([True, True])
    assert opened.switch_to.active_element.get_attribute("aria-label") == "Show keras jax sgd"
    opened.switch_to.active_element.send_keys(Keys.SPACE)
    until([False, True])


def test_everything_is_reached_by_tab(opened):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    opened.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    wanted = "select, input:not(:disabled), a, summary, th button, .legendtoggle, .wide, pre"
    opened.execute_script("document.seen = new Set(); addEventListener('focusin', (e) => document.seen.add(e.target))")
    for _ in range(30):
        ActionChains(opened).send_keys(Keys.TAB * 10).perform()
    left = opened.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter((e) => !document.seen.has(e)).map((e) => "
        "e.outerHTML.slice(0, 90))",
        wanted,
    )
    assert left == []
    unnamed = opened.execute_script(
        "return [...document.querySelectorAll('select, input')].filter((e) => !e.labels[0])"
    )
    assert unnamed == []
