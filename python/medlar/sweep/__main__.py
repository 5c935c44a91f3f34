# SPDX-License-Identifier: Apache-2.0
"""python -m medlar.sweep SPACE.yaml -o FOLDER"""
import argparse
import os
import sys

from .. import _core
from . import Space, load_space, pareto, plot, run


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m medlar.sweep", description="Evaluate models x devices x precisions x calibrators x "
                                     "memory systems; a second call with the same folder goes on where the first one ended.")
    parser.add_argument("space", nargs="?", help="YAML file with the keys models, devices, precisions, calibrators, memory, calibration, data")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="results; results.parquet in it is the table")
    for name, what in (("models", "ONNX files"), ("devices", "device profiles"), ("precisions", "fp16 int8"),
                       ("calibrators", "best entropy mse percentile max")):
        parser.add_argument(f"--{name}", nargs="+", metavar="NAME", help=f"{what}; goes before the file's")
    parser.add_argument("--calibration", metavar="PATH", help="calibration data of INT8 builds")
    parser.add_argument("--data", metavar="PATH", help="data set to compare with the FP32 model")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler, e.g. tcp://host:8786; default: workers on this computer")
    parser.add_argument("--workers", type=int, default=0, help="processes on this computer; default: one a processor")
    parser.add_argument("--retry-failed", action="store_true", help="evaluate points again that failed before")
    parser.add_argument("--plot", metavar="PAGE", help="write the Pareto plot as one HTML page")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    return parser.parse_args()


def _space(options):
    space = load_space(options.space) if options.space else Space(models=())
    for name in ("models", "devices", "precisions", "calibrators", "calibration", "data"):
        if getattr(options, name) is not None:
            setattr(space, name, getattr(options, name))
    return space


def _print(table):
    front = set(pareto(table)["id"].to_pylist())
    print(f"{'model':<24} {'device':<20} {'precision':<14} {'memory':<12} {'ms':>9} {'W':>7} {'accuracy':>9}  front (modelled ms and W)")
    for row in table.to_pylist():
        start = (f"{os.path.basename(row['model']):<24} {row['device']:<20} {row['precision'] + ' ' + row['calibrator']:<14} "
                 f"{row['memory']:<12}")
        if row["status"] == "failed":
            print(f"{start} failed: {row['error'].splitlines()[0]}")
            continue
        accuracy = "-" if row["accuracy"] is None else f"{row['accuracy']:.2f}"
        print(f"{start} {row['latency_ms']:>9.4f} {row['watts']:>7.3f} {accuracy:>9}  {'*' if row['id'] in front else ''}")


def main():
    options = _arguments()
    try:
        table = run(_space(options), options.output, options.scheduler, options.workers, options.retry_failed, not options.quiet)
        _print(table)
        if options.plot:
            plot(table, options.plot)
    except (_core.Error, OSError) as error:
        print(f"medlar.sweep: {error}", file=sys.stderr)
        return 1
    failed = sum(status == "failed" for status in table["status"].to_pylist())
    if failed:
        print(f"medlar.sweep: {failed} of {table.num_rows} points failed; --retry-failed evaluates them again", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
