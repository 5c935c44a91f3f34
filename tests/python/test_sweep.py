# SPDX-License-Identifier: Apache-2.0
"""Sweeps: on this computer, on a scheduler with workers that die, and after the client itself has died."""
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import pyarrow
import pyarrow.parquet
import pytest

import medlar
from conftest import DIGITS, ROOT

sweep = pytest.importorskip("medlar.sweep")
IMAGES = len(list((DIGITS / "images").iterdir()))
DEADLINE = 120  # seconds


def space(**changes):
    arguments = {"models": [str(DIGITS / "digits.onnx")], "devices": ["orin-nano-8gb", "nv_full", "nv_small"], "precisions": ["fp16", "int8"],
                 "calibrators": ["max", "entropy"], "memory": [{"name": "dram"}, {"name": "sram", "dla_sram": 65536}],
                 "calibration": str(DIGITS / "calibration"), "data": {"images": str(DIGITS / "images"), "slices": 3}}
    return sweep.Space(**{**arguments, **changes})


def wait_for(what, condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited {DEADLINE} s for {what}"
        time.sleep(0.01)


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, each a process of its own; returns (address, [workers])."""
    address = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen([*dask, "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(address)], **quiet)]
    try:
        wait_for("the scheduler", address.exists)
        started += [subprocess.Popen([*dask, "worker", "--scheduler-file", str(address), "--nthreads", "1", "--no-nanny", "--no-dashboard",
                                      "--local-directory", str(tmp_path)], **quiet) for _ in range(2)]
        import json
        yield json.loads(address.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def check_whole(table, points, folder):
    """Every point once, every image once."""
    assert table["id"].to_pylist() == [point.id for point in points]
    assert table["status"].to_pylist() == ["done"] * len(points)
    assert table["images"].to_pylist() == [IMAGES] * len(points)
    assert sorted(path.stem for path in (folder / "points").iterdir()) == sorted(point.id for point in points)
    assert not list((folder / "parts").iterdir())
    assert pyarrow.parquet.read_table(folder / "results.parquet").equals(table)


def test_points_of_a_space():
    points = space().points()
    assert len(points) == len({point.id for point in points}) == 3 * (1 + 2) * 2
    assert {point.calibrator for point in points if point.precision == "fp16"} == {""}
    for wrong, words in (({"devices": "orin-nano"}, "orin-nano-8gb"), ({"precisions": "int4"}, "fp16"), ({"calibrators": "kl"}, "entropy"),
                         ({"memory": {"name": "x", "sram": 1}}, "dla_sram"), ({"models": []}, "empty"), ({"devices": ["nv_full", "nvdla-nv_full"]}, "twice"),
                         ({"data": {"images": "x", "task": "guess"}}, "classify")):
        with pytest.raises(medlar.InvalidArgument, match=words):
            space(**wrong).points()
    with pytest.raises(medlar.IoError, match="absent.onnx"):
        space(models="absent.onnx").points()


def test_a_space_from_a_file(tmp_path):
    (tmp_path / "space.yaml").write_text("models: [{file: m.onnx, calibration: c}]\ndevices: [nv_full]\ndata: {images: [a.tar, b.tar], slices: 2}\n")
    (tmp_path / "m.onnx").write_bytes(b"model")
    (point,) = sweep.load_space(tmp_path / "space.yaml").points()
    assert point.model.file == str(tmp_path / "m.onnx") and point.model.calibration == str(tmp_path / "c")
    assert point.parts == [(str(tmp_path / name), number) for name in ("a.tar", "b.tar") for number in (0, 1)]
    (tmp_path / "space.yaml").write_text("modles: [m.onnx]\n")
    with pytest.raises(medlar.InvalidArgument, match="modles"):
        sweep.load_space(tmp_path / "space.yaml")


def test_on_this_computer(tmp_path):
    wanted = space(devices=["orin-nano-8gb", "nv_small"], calibrators="max")
    table = sweep.run(wanted, tmp_path / "store", workers=2, progress=False)
    rows = table.to_pylist()
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(rows) == 8 and len(failed) == 3 and all(row["device"] == "nvdla-nv_small" for row in failed)
    assert any("fp16" in row["error"] for row in failed) and any("SRAM" in row["error"] for row in failed)
    row = rows[0]
    engine = medlar.build(row["model"], device=row["device"], output=tmp_path / "x.engine")
    profile = medlar.profile(engine, iterations=0)
    assert (row["latency_ms"], row["watts"], row["energy_mj"]) == (profile.latency_ms, profile.watts, profile.energy_mj)
    beside = {"engine": tmp_path / "x.engine", "images": DIGITS / "images", "model": row["model"]}
    counts = medlar.accuracy(**beside)
    slices = [medlar.accuracy(**beside, slice_index=i, slices=3) for i in range(3)]
    merged = sweep.merge_counts(slices)
    assert counts["classes"] == merged["classes"] and counts["images"] == merged["images"] == IMAGES
    assert row["accuracy"] == sweep.accuracy_figures(counts)["accuracy"] and row["images"] == IMAGES
    assert next(row for row in rows if row["memory"] == "sram")["dram_bytes"] < row["dram_bytes"]
    assert {row["area_mm2"] for row in rows if row["status"] == "done"} == {None, 0.55}

    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "points").iterdir()}
    assert sweep.run(wanted, tmp_path / "store", workers=1, progress=False).equals(table)  # nothing is left to do
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "points").iterdir()} == kept
    with sweep.Store(tmp_path / "store"), pytest.raises(sweep.StoreBusy):
        sweep.run(wanted, tmp_path / "store")

    sweep.plot(table, tmp_path / "pareto.html")
    assert "Pareto front" in (tmp_path / "pareto.html").read_text()


def test_pareto_front():
    values = list(itertools.product((1.0, 2.0, 3.0), (60.0, 70.0, 80.0), (0.5, 1.5)))
    rows = [{"id": str(i), "status": "done", "latency_ms": latency, "accuracy": accuracy, "watts": watts, "device": "d"}
            for i, (latency, accuracy, watts) in enumerate(values)]
    rows.append({"id": "failed", "status": "failed"})
    table = pyarrow.Table.from_pylist(rows, schema=sweep._table.SCHEMA)
    assert [values[int(i)] for i in sweep.pareto(table)["id"].to_pylist()] == [(1.0, 80.0, 0.5)]
    front = sweep.pareto(table.filter(pyarrow.compute.invert(pyarrow.compute.equal(table["id"], str(values.index((1.0, 80.0, 0.5)))))))
    assert {values[int(i)] for i in front["id"].to_pylist()} == {(1.0, 70.0, 0.5), (1.0, 80.0, 1.5), (2.0, 80.0, 0.5)}
    with pytest.raises(medlar.InvalidArgument, match="latency_ms"):
        sweep.pareto(table, ["beauty"])


def test_a_worker_is_killed(cluster, tmp_path):
    address, workers = cluster
    wanted = space(devices=["orin-nano-8gb", "nv_full"])
    folder = tmp_path / "store"
    outcome = []
    running = threading.Thread(target=lambda: outcome.append(sweep.run(wanted, folder, scheduler=address, progress=False)))
    running.start()
    wait_for("the first results", lambda: list(folder.glob("parts/*/*.json")) or list(folder.glob("points/*.json")))
    workers[0].send_signal(signal.SIGKILL)
    assert len(list(folder.glob("points/*.json"))) < len(wanted.points()), "the sweep ended before the worker was killed"
    running.join(DEADLINE)
    assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    check_whole(outcome[0], wanted.points(), folder)


def test_the_client_is_killed(tmp_path):
    (tmp_path / "space.yaml").write_text(f"models: [{DIGITS}/digits.onnx]\ndevices: [orin-nano-8gb, nv_full]\nprecisions: [int8, fp16]\n"
                                         f"calibrators: [max, entropy, mse]\ncalibration: {DIGITS}/calibration\n"
                                         f"data: {{images: {DIGITS}/images, slices: 2}}\n")
    command = [sys.executable, "-m", "medlar.sweep", str(tmp_path / "space.yaml"), "-o", str(tmp_path / "store"), "--workers", "1", "--quiet"]
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    points = sweep.load_space(tmp_path / "space.yaml").points()
    done = tmp_path / "store" / "points"
    wait_for("two points", lambda: len(list(done.glob("*.json"))) >= 2)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    kept = {path: path.stat().st_mtime_ns for path in done.glob("*.json")}
    assert 2 <= len(kept) < len(points), "the sweep ended before the client was killed"
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    check_whole(pyarrow.parquet.read_table(tmp_path / "store" / "results.parquet"), points, tmp_path / "store")
