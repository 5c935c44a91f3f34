# SPDX-License-Identifier: Apache-2.0
"""import medlar: build, load, run, check, profile; results are the command line's, byte for byte."""
import gc
import json
import threading

import numpy as np
import pytest

import medlar
from conftest import ROOT


def test_engine_describes_itself(engine):
    assert [t.name for t in engine.inputs] == ["image"]
    assert engine.inputs[0].shape == (1, 1, 28, 28) and engine.inputs[0].dtype == np.float32
    assert engine.outputs[0].shape == (1, 10)
    assert engine.precision == "fp16"
    assert engine.inspect()["Bindings"] == ["image", "probabilities"]
    assert "nodes on the DLA" in engine.placement()


def test_run_takes_arrays_and_dicts(engine, image):
    by_name = engine.run({"image": image})["probabilities"]
    assert np.array_equal(by_name, engine.run(image)["probabilities"])
    assert abs(by_name.sum() - 1) < 1e-3
    assert engine.times.modelled_dla_ms > 0 and engine.times.host_ms > 0
    assert any(layer.engine == "dla" and layer.modelled_ms > 0 for layer in engine.layers)


def test_outputs_are_written_in_place(engine, image):
    scores = np.empty((1, 10), np.float32)
    result = engine.run(image, out={"probabilities": scores})
    assert result["probabilities"] is scores and abs(scores.sum() - 1) < 1e-3


def test_arrays_that_are_not_contiguous_or_come_by_dlpack(engine, image):
    expected = engine.run(image)["probabilities"]
    strided = np.repeat(image, 2, axis=3)[:, :, :, ::2]
    assert np.array_equal(engine.run(strided)["probabilities"], expected)

    class OnlyDlpack:
        def __dlpack__(self, **kwargs):
            return image.__dlpack__()

        def __dlpack_device__(self):
            return image.__dlpack_device__()
    assert np.array_equal(engine.run({"image": OnlyDlpack()})["probabilities"], expected)


def test_saved_engines_load(engine, image, tmp_path):
    path = tmp_path / "digits.engine"
    engine.save(path)
    again = medlar.load(path)
    assert again.serialize() == engine.serialize()
    assert np.array_equal(again.run(image)["probabilities"], engine.run(image)["probabilities"])
    assert np.array_equal(medlar.run(path, image)["probabilities"], engine.run(image)["probabilities"])


def test_check_names_reasons(model):
    placements = medlar.check(model)
    assert placements[0].engine == "dla"
    refused = [p for p in placements if p.engine in ("cpu", "gpu")]
    assert refused and all(p.reason_code.startswith("MDL") and p.reason for p in refused)


def test_devices_of_single_layers(model):
    engine = medlar.build(model, layer_devices={"conv1": "CPU"})
    assert "cpu Conv 'conv1'" in engine.placement()
    with pytest.raises(medlar.NotFound, match="no_such_layer"):
        medlar.build(model, layer_devices={"no_such_layer": "CPU"})


def test_profile(engine):
    profile = medlar.profile(engine, iterations=3)
    assert len(profile.host_ms) == 3 and profile.host_median_ms > 0
    assert profile.latency_ms >= profile.dla_ms + profile.gpu_ms + profile.cpu_ms > 0
    assert "modelled" in str(profile)


def test_profiles_are_the_command_lines(engine, cli, tmp_path):
    engine.save(tmp_path / "m.engine")
    theirs = json.loads(cli("profile", tmp_path / "m.engine", "--json"))
    ours = medlar.profile(engine, iterations=0)
    assert (ours.latency_ms, ours.energy_mj, ours.dram_bytes, ours.macs) == tuple(theirs[k] for k in ("modelled_ms", "energy_mj", "dram_bytes", "macs"))
    assert [(layer.name, layer.ms) for layer in ours.layers] == [(layer["name"], layer["modelled_ms"]) for layer in theirs["layers"]]
    slow = medlar.profile(engine, iterations=0, dram_gb_s=0.5)
    assert slow.latency_ms > ours.latency_ms and slow.dram_bytes == ours.dram_bytes
    with pytest.raises(medlar.NotFound, match="no-such-mode"):
        medlar.profile(engine, iterations=0, mode="no-such-mode")


def test_memory_pools(model, image):
    plain, sram = medlar.build(model), medlar.build(model, memory_pools={"dla_sram": 65536})
    assert medlar.profile(plain, iterations=0).sram_bytes == 0 < medlar.profile(sram, iterations=0).sram_bytes
    assert plain.run(image)["probabilities"].tobytes() == sram.run(image)["probabilities"].tobytes()
    assert "limit 4096" in medlar.build(model, memory_pools={"dla_global_dram": 4096}).placement()
    with pytest.raises(medlar.InvalidArgument, match="dla_local_dram"):
        medlar.build(model, memory_pools={"sram": 1})


def test_simulate_is_the_command_line(cli, model, tmp_path):
    scenario = ROOT / "examples" / "scenarios" / "02_dla_gpu_pipeline.yaml"
    ours = medlar.simulate(scenario, frames=50)
    assert ours == json.loads(cli("simulate", scenario, "--frames", 50, "--json"))
    (tmp_path / "own.yaml").write_text("scenario: own\ndevice: orin-nano-8gb\nmodels: {digits: {onnx: %s}}\nstreams:\n"
                                       "  - {name: s, fps: 30, frames: 20, pipeline: [{name: infer, model: digits, on: dla0}]}\n" % model)
    own = medlar.simulate(tmp_path / "own.yaml")
    assert own == json.loads(cli("simulate", tmp_path / "own.yaml", "--json")) and own != ours


def test_onnx_reference_and_difference(model, engine, image):
    comparison = medlar.onnx.run(model, {"image": image}, engine=engine)
    assert comparison.reference["probabilities"].shape == (1, 10)
    assert comparison.difference["probabilities"].max_abs < 0.02
    assert comparison.difference["probabilities"].cosine > 0.99


def test_progress_and_cancellation(model):
    calls = []
    calibration = model.replace("digits.onnx", "calibration")
    medlar.build(model, int8=True, calibration=calibration, progress=lambda *step: calls.append(step))
    assert calls and calls[-1][1] == calls[-1][2]
    with pytest.raises(medlar.Cancelled):
        medlar.build(model, int8=True, calibration=calibration, progress=lambda *step: False)


def test_the_command_lines_results_byte_for_byte(cli, model, image, tmp_path):
    np.save(tmp_path / "image.npy", image)
    cli("build", model, "-o", tmp_path / "cli.engine", "--fp16")
    cli("run", tmp_path / "cli.engine", "--input", f"image={tmp_path / 'image.npy'}", "--output-dir", tmp_path / "out")
    ours = medlar.build(model, output=tmp_path / "python.engine")
    assert (tmp_path / "python.engine").read_bytes() == (tmp_path / "cli.engine").read_bytes()
    expected = np.load(tmp_path / "out" / "probabilities.npy")
    assert ours.run(image)["probabilities"].tobytes() == expected.tobytes()
    assert medlar.load(tmp_path / "cli.engine").run(image)["probabilities"].tobytes() == expected.tobytes()


@pytest.mark.parametrize("inputs, words", [
    ({"image": np.zeros((1, 1, 14, 14), np.float32)}, "(1, 1, 28, 28)"),
    ({"image": np.zeros((1, 1, 28, 28), np.float64)}, "float32"),
    ({}, "missing"),
    ({"image": np.zeros((1, 1, 28, 28), np.float32), "more": np.zeros(1, np.float32)}, "more"),
    ({"image": np.array(["text"])}, None),
])
def test_wrong_inputs_are_typed_errors(engine, inputs, words):
    with pytest.raises((medlar.Error, TypeError)) as caught:
        engine.run(inputs)
    if words:
        assert words in str(caught.value)


def test_wrong_outputs_are_typed_errors(engine, image):
    for bad in (np.empty((1, 9), np.float32), np.empty((1, 10), np.float64), np.empty((10, 2), np.float32)[:, :1].T, [0.0]):
        with pytest.raises(medlar.InvalidArgument):
            engine.run(image, out={"probabilities": bad})
    frozen = np.empty((1, 10), np.float32)
    frozen.flags.writeable = False
    with pytest.raises(medlar.InvalidArgument):
        engine.run(image, out={"probabilities": frozen})


def test_kinds_of_errors(model, engine, tmp_path):
    with pytest.raises(medlar.NotFound):
        medlar.build(model, device="no-such-device")
    with pytest.raises(medlar.InvalidArgument):
        medlar.build(model, int8=True)
    with pytest.raises(medlar.Unsupported, match="softmax"):
        medlar.build(model, fallback=False)
    with pytest.raises(medlar.IoError):
        medlar.load(tmp_path / "absent.engine")
    with pytest.raises(medlar.Corrupt):
        medlar.load(engine.serialize()[:1000])
    with pytest.raises(medlar.DeviceMismatch):
        medlar.load(engine.serialize(), device="agx-orin-64gb")
    with pytest.raises(medlar.OutOfRange):
        medlar.load(engine.serialize(), core=5)
    with pytest.raises(medlar.Error, match="absent.yaml"):
        medlar.simulate(tmp_path / "absent.yaml")
    with pytest.raises(medlar.InvalidArgument, match="no_such"):
        medlar.build(model, int8=True, calibration=model.replace("digits.onnx", "calibration"), calibrator="no_such")
    assert issubclass(medlar.InvalidArgument, ValueError) and issubclass(medlar.InvalidArgument, medlar.Error)


def test_an_exception_in_a_callback_is_the_cause(model):
    def progress(*_):
        raise KeyError("mine")
    with pytest.raises(medlar.CallbackError) as caught:
        medlar.build(model, int8=True, calibration=model.replace("digits.onnx", "calibration"), progress=progress)
    assert isinstance(caught.value.__cause__, KeyError)


def test_threads_share_an_engine(engine, image):
    expected = engine.run(image)["probabilities"]
    failures = []

    def work():
        for _ in range(5):
            if not np.array_equal(engine.run(image)["probabilities"], expected):
                failures.append("differs")
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_one_context_in_two_threads_is_busy_or_right(engine, image):
    from medlar import _core
    context, outcomes = engine._core.create_context(0), []

    def work():
        for _ in range(10):
            scores = np.empty((1, 10), np.float32)
            try:
                context.run(engine._core, {"image": image}, {"probabilities": scores})
                outcomes.append("done")
            except _core.Busy:
                outcomes.append("busy")
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 20 and "done" in outcomes


def test_arrays_keep_device_memory(engine):
    from medlar import _core
    buffer = _core.Device.current().allocate(64)
    array = buffer.array(0, [16])
    array[:] = 3
    del buffer
    gc.collect()
    assert array.sum() == 48


def test_stubs_are_shipped():
    import pathlib
    folder = pathlib.Path(medlar.__file__).parent
    assert (folder / "py.typed").exists() and "class Engine" in (folder / "_core.pyi").read_text()
