# SPDX-License-Identifier: Apache-2.0
"""All points as one table."""
import pyarrow
import pyarrow.parquet

#: name, type, and what it is; "modelled" is the device's, "measured" comes from running on the bit-exact or modelled chip
COLUMNS = [
    ("id", pyarrow.string(), "of the point"), ("model", pyarrow.string(), "ONNX file"), ("model_sha256", pyarrow.string(), ""),
    ("device", pyarrow.string(), "device profile"), ("label", pyarrow.string(), "of the device: bit-exact or modelled"),
    ("precision", pyarrow.string(), ""), ("calibrator", pyarrow.string(), ""), ("memory", pyarrow.string(), "name of the memory system"),
    ("mode", pyarrow.string(), "power mode of the module"), ("dram_gb_s", pyarrow.float64(), "GB/s; 0: the mode's"),
    ("dla_sram", pyarrow.int64(), "bytes; null: the build's default"), ("status", pyarrow.string(), "done or failed; null: not evaluated"),
    ("error", pyarrow.string(), "of a failed point"),
    ("latency_ms", pyarrow.float64(), "modelled, one inference"), ("dla_ms", pyarrow.float64(), "modelled"),
    ("gpu_ms", pyarrow.float64(), "modelled"), ("cpu_ms", pyarrow.float64(), "modelled"), ("transition_ms", pyarrow.float64(), "modelled"),
    ("energy_mj", pyarrow.float64(), "modelled, one inference, DRAM included"), ("watts", pyarrow.float64(), "modelled, mean over the inference"),
    ("area_mm2", pyarrow.float64(), "published: DLA cores at 16 nm; null where nothing is"),
    ("dram_bytes", pyarrow.int64(), "modelled, one inference"), ("sram_bytes", pyarrow.int64(), "modelled, one inference"),
    ("macs", pyarrow.int64(), "one inference"), ("mac_utilisation", pyarrow.float64(), "modelled, 0 to 1"),
    ("engine_bytes", pyarrow.int64(), "size of the engine file"),
    ("task", pyarrow.string(), "of the data set"), ("images", pyarrow.int64(), "that were compared"),
    ("accuracy", pyarrow.float64(), "measured, percent: top-1; boxes of the reference found; mean IoU"),
    ("reference_accuracy", pyarrow.float64(), "measured, percent: of the FP32 model"),
    ("agreement", pyarrow.float64(), "measured, percent: the FP32 model's answer"),
    ("mean_error", pyarrow.float64(), "measured, relative 2-norm of the worst output"), ("worst_error", pyarrow.float64(), "measured"),
    ("build_seconds", pyarrow.float64(), "of the worker"), ("host_seconds", pyarrow.float64(), "of the workers, all units of the point"),
]
SCHEMA = pyarrow.schema([pyarrow.field(name, kind, metadata={"what": what} if what else None) for name, kind, what in COLUMNS])


def _row(point, kept):
    row = dict.fromkeys(SCHEMA.names)
    row.update(id=point.id, model=point.model.file, model_sha256=point.digest, device=point.device, precision=point.precision,
               calibrator=point.calibrator, memory=point.memory.name, mode=point.memory.mode or None, dram_gb_s=point.memory.dram_gb_s,
               dla_sram=point.memory.dla_sram)
    row.update({name: value for name, value in (kept or {}).items() if name in row})
    return row


def results(store, points, write=False) -> pyarrow.Table:
    """A row a point, in the points' order; `write`: also into the store's results.parquet."""
    rows = [_row(point, store.point(point)) for point in points]
    table = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
    if write:
        whole = store.table_path.with_suffix(".tmp")
        pyarrow.parquet.write_table(table, whole)
        whole.replace(store.table_path)
    return table
