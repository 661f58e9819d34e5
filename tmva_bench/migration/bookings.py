"""Strings of options as TMVA reads them: what is booked, and what TMVA does otherwise than the string says.

After ``TMVA::Configurable``, and ``DeclareOptions`` and ``ProcessOptions`` of MethodDL, MethodDNN, MethodMLP, MethodBDT
and MethodPyKeras.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from tmva_bench.engines import tmva_weights
from tmva_bench.errors import UserError
from tmva_bench.migration import booking, networks, values
from tmva_bench.migration.booking import Booked, Option, Place, Remark
from tmva_bench.migration.values import Holes, Text

_TYPES = {"DL": booking.DL, "DNN": booking.DNN, "MLP": booking.MLP, "PyKeras": booking.PYKERAS, "BDT": booking.BDT}
_BASE = "V VerbosityLevel VarTransform H CreateMVAPdfs IgnoreNegWeightsInTraining"
_OPTIONS = {
    booking.DL: "InputLayout BatchLayout Layout ErrorStrategy WeightInitialization RandomSeed ValidationSize "
    "Architecture "
    "TrainingStrategy",
    booking.DNN: "Layout ErrorStrategy WeightInitialization ValidationSize Architecture TrainingStrategy "
    "SignalReferenceCut",
    booking.MLP: "NCycles HiddenLayers NeuronType RandomSeed EstimatorType NeuronInputType TrainingMethod LearningRate "
    "DecayRate TestRate EpochMonitoring Sampling SamplingEpoch SamplingImportance SamplingTraining "
    "SamplingTesting ResetStep "
    "Tau BPMode BatchSize ConvergenceImprove ConvergenceTests UseRegulator UpdateLimit CalculateErrors WeightRange",
    booking.PYKERAS: "FilenameModel FilenameTrainedModel BatchSize NumEpochs NumThreads GpuOptions tf.keras "
    "tfkeras Verbose "
    "ContinueTraining SaveBestOnly TriesEarlyStopping LearningRateSchedule TensorBoard NumValidationString "
    "ValidationSize "
    "UserCode",
    booking.BDT: "NTrees MaxDepth MinNodeSize nCuts BoostType AdaBoostR2Loss UseBaggedBoost UseBaggedGrad Shrinkage "
    "AdaBoostBeta UseRandomisedTrees UseNvars UsePoissonNvars BaggedSampleFraction UseNTrainEvents UseYesNoLeaf "
    "NegWeightTreatment Css Cts_sb Ctb_ss Cbb NodePurityLimit SeparationType RegressionLossFunctionBDTG HuberQuantile "
    "DoBoostMonitor UseFisherCuts MinLinCorrForFisher UseExclusiveVars DoPreselection SigToBkgFraction PruneMethod "
    "PruneStrength PruningValFraction PruneBeforeBoost nEventsMin UseBaggedGrad GradBaggingFraction UseWeightedTrees "
    "NNodesMax SkipNormalization Pray IgnoreNegWeightsInTraining NoNegWeightsInTraining InverseBoostNegWeights "
    "PairNegWeightsGlobal",
}
# The types of TMVA's methods.
TYPE = re.compile(
    r"k?(Cuts|Likelihood|PDERS|HMatrix|Fisher|KNN|CFMlpANN|TMlpANN|BDT|DT|RuleFit|SVM|MLP|BayesClassifier|FDA|Boost|PDEFoam|"
    r"LD|Category|DNN|DL|PyRandomForest|PyAdaBoost|PyGTB|PyKeras|PyTorch)"
)
# Options of what else is done with a method's output or around it.
_OTHERS = re.compile(r"(?i)(pdf|nbins|nsmooth|navevtperbin|kde|boost_|transformoutput|checkhist|txtweightfilesonly|d3)")


@dataclasses.dataclass(frozen=True)
class Booking:
    """A method as it is booked.

    Attributes:
        type: as the source names it.
        title: the method's title.
        options: the string.
        place: of the call.
        remarks: on the call.
        is_stored: whether TMVA itself wrote the options, so that it knows them all.
    """

    type: str
    title: str
    options: Text
    place: Place
    remarks: tuple[Remark, ...] = ()
    is_stored: bool = False


def split(text: Text) -> Iterator[tuple[str, Text, Place]]:
    """The options of a string: name, value and place each; a switch has the value True or False.

    Args:
        text: separated by ``:``.
    """
    for part in pieces(text, ":"):
        place = dataclasses.replace(part.place(), text=str(part).strip())
        name, equals, _ = part.partition("=")
        if not name.strip():
            continue
        if equals:
            yield name.strip(), part.part(len(name) + 1, len(part)), place
        else:
            switch = name.strip()
            yield switch.lstrip("!~"), Text(str(switch[:1] not in "!~"), (0,), (place,)), place


def pieces(text: Text, separator: str) -> Iterator[Text]:
    """The parts of a text between separators, without blanks around them.

    Args:
        text: the text.
        separator: one character.
    """
    start = 0
    for part in text.split(separator):
        blank = len(part) - len(part.lstrip())
        yield text.part(start + blank, start + blank + len(part.strip()))
        start += len(part) + 1


def options_of(text: Text, holes: Holes) -> dict[str, Option]:
    """The options of a string by name in lower case, of one that stands twice the last.

    Args:
        text: the string.
        holes: what spells out the parts that could not be told.
    """
    return {
        name.lower(): Option(holes.shown(name), holes.shown(value), _shown(place, holes))
        for name, value, place in split(text)
        if not values.has_hole(name)
    }


def booked(one: Booking, context: networks.Context, holes: Holes) -> Booked:
    """What TMVA makes of a booking.

    Args:
        one: the booking.
        context: what else it depends on.
        holes: what spells out the parts that could not be told.
    """
    kind = _TYPES.get(one.type.removeprefix("k"), booking.OTHER)
    parts = {name.lower(): value for name, value, _ in split(one.options)}
    remarks = list(one.remarks)
    for place in holes.within(one.options):
        remarks.append(Remark(f"{place.text[:80]} could not be told", place))
    if kind != booking.OTHER and not one.is_stored:
        remarks += _unknown(kind, one.options)
    chain = _chain(parts.get("vartransform"), context, one.place, remarks)
    network = None
    if kind not in (booking.OTHER, booking.BDT) and not _needs_more(kind, parts, remarks, one.place):
        try:
            network = networks.READERS[kind](parts, context, remarks, one.place)
        except UserError as error:
            remarks.append(Remark(str(error), one.place))
    model = parts.get("filenamemodel", "") if kind == booking.PYKERAS else ""
    return Booked(
        kind=kind,
        type=one.type,
        title=one.title,
        options=options_of(one.options, holes),
        chain=chain,
        network=network,
        remarks=tuple(dict.fromkeys(remarks)),
        place=dataclasses.replace(one.place, text=holes.shown(one.options)),
        model_file=holes.shown(model),
        strategy=tuple(_strategy(parts.get("trainingstrategy"), holes)),
    )


def _strategy(text: Text | None, holes: Holes) -> Iterator[Mapping[str, Option]]:
    """The keys of each phase; of one that stands twice the first, as MethodDL takes them."""
    for phase in pieces(text, "|") if text else ():
        keys: dict[str, Option] = {}
        for pair in pieces(phase, ","):
            key, equals, value = holes.shown(pair).partition("=")
            if equals:
                place = dataclasses.replace(pair.place(), text=f"{key}={value}")
                keys.setdefault(key.strip().lower(), Option(key.strip(), value.strip(), place))
        yield keys


def _shown(place: Place, holes: Holes) -> Place:
    return dataclasses.replace(place, text=holes.shown(place.text))


def _needs_more(kind: str, parts: Mapping[str, Text], remarks: list[Remark], place: Place) -> bool:
    """Whether what decides on the network could not be told."""
    deciding = {
        booking.MLP: ("hiddenlayers", "ncycles", "neurontype", "trainingmethod", "estimatortype"),
        booking.PYKERAS: ("filenamemodel",),
    }.get(kind, ("layout", "trainingstrategy", "errorstrategy", "weightinitialization"))
    missing = [name for name in deciding if values.has_hole(parts.get(name, ""))]
    if missing:
        remarks.append(Remark(f"{', '.join(missing)} could not be told, and so the network cannot be made", place))
    return bool(missing)


def _unknown(kind: str, options: Text) -> Iterator[Remark]:
    known = {name.lower() for name in f"{_BASE} {_OPTIONS[kind]}".split()}
    for name, _, place in split(options):
        plain = re.sub(r"\[.*\]$", "", name.lower())
        if plain not in known and not values.has_hole(name) and not _OTHERS.match(plain):
            yield Remark(f"option {name[:40]}: Method{kind[1:]} has none of that name, and TMVA ends with FATAL", place)


def _chain(text: Text | None, context: networks.Context, place: Place, remarks: list[Remark]) -> tuple[str, ...]:
    if text is None:
        return ()
    if values.has_hole(text):
        remarks.append(Remark("VarTransform could not be told", text.place()))
        return ()
    try:
        names = tmva_weights.chain(str(text).strip())
    except UserError as error:
        remarks.append(Remark(f"{error}, and TMVA ends with FATAL", text.place()))
        return ()
    for name in names:
        if "_" in name.partition("(")[0] and not context.keeps_suffix:
            remarks.append(
                Remark(
                    f"VarTransform {name}: the class is lost when TMVA reads the method back for testing "
                    f"(ModelPersistence): "
                    "it trains with that class's numbers and is tested with those of all",
                    text.place(),
                )
            )
        if "(" in name:
            remarks.append(Remark(f"VarTransform {name}: of some variables, which a study cannot have", text.place()))
    return tuple(names)
