"""A stand-alone script that scores a tree's events by the model of Keras that ``export`` writes of a weight file."""

from tmva_bench.migration import train_script
from tmva_bench.migration.booking import Job


def text(job: Job) -> str:
    """The script ``score.py``, which lies beside ``model.keras``: it computes the variables of a tree's events.

    Args:
        job: what a weight file states, see :func:`tmva_bench.migration.outputs.of_weight_file`.

    Raises:
        UserError: a variable that cannot be read.
    """
    variables = train_script.of_variables(job)
    (booked,) = job.methods
    view = train_script.reading(variables, [expression for _, expression in variables])
    return train_script.filled("score.py.j2", {**view, "head": train_script.head(job, booked)})
