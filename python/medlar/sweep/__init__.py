# SPDX-License-Identifier: Apache-2.0
"""Many builds of many models, evaluated on one machine or many.

    import medlar.sweep
    space = medlar.sweep.Space(models=["model.onnx"], devices=["orin-nano-8gb", "nv_small"], precisions=["fp16", "int8"],
                               calibration="calibration/", data="images.tar")
    table = medlar.sweep.run(space, "out/sweep")            # a pyarrow.Table, also out/sweep/results.parquet
    medlar.sweep.plot(table, "out/pareto.html")

Every combination of model, device, precision, calibrator and memory system is a point: it is compiled, profiled (modelled latency, power,
traffic) and, where a data set is given, compared with its FP32 model image by image, in slices that run on different machines.
Points are evaluated on Dask: on a cluster of this computer's by default, else on the scheduler that `scheduler` names. What is done is
kept in the result folder at once; a second run with the same folder goes on where the first one ended, whatever ended it.

Needs `pip install medlar[sweep]`. `python -m medlar.sweep SPACE.yaml -o FOLDER` does the same from a file.
"""
try:
    import distributed as _distributed  # noqa: F401
    import pyarrow as _pyarrow  # noqa: F401
except ImportError as error:
    raise ImportError(f"medlar.sweep needs {error.name}: pip install 'medlar[sweep]'") from error

from ._counts import accuracy_figures, merge_counts
from ._pareto import OBJECTIVES, pareto, plot
from ._run import run
from ._space import Data, Memory, Model, Point, Space, load_space
from ._store import Store, StoreBusy
from ._table import results

__all__ = ["Data", "Memory", "Model", "OBJECTIVES", "Point", "Space", "Store", "StoreBusy", "accuracy_figures", "load_space", "merge_counts",
           "pareto", "plot", "results", "run"]
