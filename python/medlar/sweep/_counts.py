# SPDX-License-Identifier: Apache-2.0
"""Counts of slices of a data set, added up."""
import math
from typing import Iterable

from .._core import InvalidArgument


def _number(value):
    return math.inf if value == "infinite" else value


def _sum(parts, *keys):
    return {key: sum(part[key] for part in parts) for key in keys}


def _by_class(parts, key):
    total = {}
    for part in parts:
        for label, pixels in part["overlap"][key].items():
            total[label] = total.get(label, 0) + pixels
    return total


def _outputs(parts):
    merged = []
    for of_one in zip(*(part["outputs"] for part in parts)):
        merged.append({"name": of_one[0]["name"], "error_sum": sum(_number(output["error_sum"]) for output in of_one),
                       "worst": max(_number(output["worst"]) for output in of_one)})
    return merged


def merge_counts(parts: Iterable[dict]) -> dict:
    """What medlar.accuracy() returned for the slices of one data set, as if it had been one."""
    parts = list(parts)
    if not parts:
        raise InvalidArgument("no counts to merge")
    if len({part["task"] for part in parts}) != 1:
        raise InvalidArgument("counts of different tasks")
    boxes = _sum([part["boxes"] for part in parts], "confident", "kept", "iou_sum")
    boxes["lowest"] = min(part["boxes"]["lowest"] for part in parts)
    overlap = _sum([part["overlap"] for part in parts], "pixels", "equal")
    overlap.update(both=_by_class(parts, "both"), either=_by_class(parts, "either"))
    return {"task": parts[0]["task"], "images": sum(part["images"] for part in parts),
            "classes": _sum([part["classes"] for part in parts], "images", "top1", "top5", "reference_top1", "reference_top5", "agreeing"),
            "boxes": boxes, "overlap": overlap, "outputs": _outputs(parts)}


def _mean_iou(overlap):
    """Over the classes that hold at least a thousandth of the pixels, as `medlar accuracy` has it."""
    kept = [(overlap["both"].get(label, 0), either) for label, either in overlap["either"].items() if 1000 * either >= overlap["pixels"]]
    return sum(both / either for both, either in kept) / len(kept) if kept else 1.0


def accuracy_figures(counts: dict) -> dict:
    """Columns of a sweep's table: accuracy and reference_accuracy in percent (as the task has it), agreement, mean and worst error."""
    images = counts["images"]
    figures = {"task": counts["task"], "images": images, "accuracy": None, "reference_accuracy": None, "agreement": None,
               "mean_error": None, "worst_error": None}
    if counts["outputs"] and images:
        figures["mean_error"] = max(output["error_sum"] / images for output in counts["outputs"])
        figures["worst_error"] = max(output["worst"] for output in counts["outputs"])
    if counts["task"] == "classify" and images:
        classes = counts["classes"]
        figures.update(accuracy=100 * classes["top1"] / images, reference_accuracy=100 * classes["reference_top1"] / images,
                       agreement=100 * classes["agreeing"] / images)
    elif counts["task"] == "detect":
        boxes = counts["boxes"]
        figures["accuracy"] = 100 * boxes["kept"] / boxes["confident"] if boxes["confident"] else 100.0
    elif counts["task"] == "segment":
        figures["accuracy"] = 100 * _mean_iou(counts["overlap"])
        figures["agreement"] = 100 * counts["overlap"]["equal"] / counts["overlap"]["pixels"] if counts["overlap"]["pixels"] else 100.0
    return figures
