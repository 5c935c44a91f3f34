# SPDX-License-Identifier: Apache-2.0
"""What programs get wrong is a typed error, or TensorRT's False and a line in the log; never a crash."""
import ctypes
import threading

import numpy as np
import pytest

import medlar
import medlar.tensorrt as trt
from conftest import DIGITS
from medlar.compat import cudart, cudart_library


class Lines(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.errors = []

    def log(self, severity, msg):
        if severity <= trt.ILogger.ERROR:
            self.errors.append(msg)


@pytest.fixture
def session(engine):
    logger = Lines()
    loaded = trt.Runtime(logger).deserialize_cuda_engine(engine.serialize())
    return logger, loaded, loaded.create_execution_context()


def device(size):
    error, address = cudart.cudaMalloc(size)
    assert error == cudart.cudaError_t.cudaSuccess
    return address


def test_a_path_is_no_engine(tmp_path):
    with pytest.raises(TypeError, match="medlar.load"):
        medlar.Engine(tmp_path / "m.engine")


def test_analysis(engine, model, tmp_path):
    engine.save(tmp_path / "m.engine")
    for call, kind, words in (
            (lambda: medlar.profile(b"not an engine", iterations=0), medlar.Error, None),
            (lambda: medlar.profile(engine, {"image": np.zeros((1, 1, 28, 28), np.float32), "more": np.zeros(1)}, iterations=0), medlar.Error, "more"),
            (lambda: medlar.profile(engine, np.zeros((1, 1, 2, 2), np.float32), iterations=0), medlar.Error, "image"),
            (lambda: medlar.profile(engine, iterations=-1), medlar.InvalidArgument, "-1"),
            (lambda: medlar.profile(engine, iterations=0, dram_gb_s=float("nan")), medlar.InvalidArgument, "nan"),
            (lambda: medlar.accuracy(tmp_path / "m.engine", DIGITS / "images", task="guess"), medlar.InvalidArgument, "segment"),
            (lambda: medlar.accuracy(tmp_path / "m.engine", DIGITS / "images", slice_index=3, slices=3), medlar.OutOfRange, "slice 3 of 3"),
            (lambda: medlar.accuracy(tmp_path / "m.engine", tmp_path / "absent"), medlar.Error, "absent"),
            (lambda: medlar.accuracy(tmp_path / "absent.engine", DIGITS / "images"), medlar.Error, "absent.engine")):
        with pytest.raises(kind, match=words):
            call()


def test_addresses(session):
    logger, _, context = session
    good, scores = device(28 * 28 * 4), device(40)
    assert context.execute_v2([good, scores])
    for bindings in ([0, scores], [good, 0], [good, 12345], [good], [good, scores, scores], [good + 4, scores]):
        assert not context.execute_v2(bindings), bindings
        assert logger.errors.pop()
    cudart.cudaFree(good)
    assert not context.execute_v2([good, scores]) and logger.errors.pop()
    assert not context.set_tensor_address("no such tensor", scores) and "no such tensor" in logger.errors.pop()
    assert not context.execute_async_v3(987654)
    cudart.cudaFree(scores)


def test_engines_of_other_devices_and_broken_ones(engine, model):
    logger = Lines()
    runtime = trt.Runtime(logger)
    other = medlar.build(model, device="agx-orin-64gb").serialize()
    data = bytearray(engine.serialize())
    data[len(data) // 2] ^= 0xFF
    for bad in (other, bytes(data), b"", engine.serialize()[:-1]):
        assert runtime.deserialize_cuda_engine(bad) is None and logger.errors.pop()
    with pytest.raises(TypeError):
        trt.Runtime(None)


def test_two_threads_on_one_context(session):
    logger, _, context = session
    bindings = [device(28 * 28 * 4), device(40)]
    results = []
    threads = [threading.Thread(target=lambda: results.append([context.execute_v2(bindings) for _ in range(40)])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = sum(not ok for result in results for ok in result)
    assert len(logger.errors) == refused and all("Busy" in line for line in logger.errors)
    assert context.execute_v2(bindings)


def test_callbacks_that_raise(session, model):
    logger, loaded, context = session

    class Allocator(trt.IOutputAllocator):
        def reallocate_output(self, *arguments):
            raise KeyError("no memory today")

        def notify_shape(self, *arguments):
            pass

    class Writer(trt.IStreamWriter):
        def write(self, data):
            raise OSError("disk full")

    class Reader(trt.IStreamReader):
        def read(self, size):
            raise OSError("gone")

    assert context.set_tensor_address("image", device(28 * 28 * 4)) and context.set_output_allocator("probabilities", Allocator())
    with pytest.raises(medlar.CallbackError, match="no memory today") as caught:
        context.execute_async_v3(0)
    assert isinstance(caught.value.__cause__, KeyError)
    builder = trt.Builder(logger)
    network, config = builder.create_network(), builder.create_builder_config()
    trt.OnnxParser(network, logger).parse_from_file(model)
    with pytest.raises(medlar.CallbackError, match="disk full"):
        builder.build_serialized_network_to_stream(network, config, Writer())
    with pytest.raises(medlar.CallbackError, match="gone"):
        trt.Runtime(logger).deserialize_cuda_engine(Reader())


def test_an_allocator_that_gives_nothing(session):
    logger, _, context = session

    class Allocator(trt.IOutputAllocator):
        answer = None

        def reallocate_output(self, *arguments):
            return self.answer

        def notify_shape(self, *arguments):
            pass

    context.set_tensor_address("image", device(28 * 28 * 4))
    allocator = Allocator()
    context.set_output_allocator("probabilities", allocator)
    for allocator.answer in (None, 0, 77):
        assert not context.execute_async_v3(0) and logger.errors.pop()


def test_cuda_by_ctypes():
    library = cudart_library.CudaRuntime("libcudart.so")
    pointer = ctypes.c_void_p()
    assert library.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(1 << 60)) == cudart.cudaError_t.cudaErrorMemoryAllocation
    assert library.cudaGetErrorString(2) == b"cudaErrorMemoryAllocation"
    assert library.cudaMalloc(ctypes.byref(pointer), 64) == 0 and pointer.value
    assert library.cudaMemcpy(pointer, ctypes.create_string_buffer(128), 128, 1) != 0  # beyond the allocation
    assert library.cudaFree(ctypes.c_void_p(pointer.value + 8)) != 0
    assert library.cudaFree(pointer) == 0 and library.cudaFree(pointer) != 0
    assert library.cudaStreamSynchronize(ctypes.c_void_p(4711)) != 0
    with pytest.raises(ctypes.ArgumentError):
        library.cudaMalloc(64, 64)
    with pytest.raises(AttributeError, match="cudaLaunchKernel"):
        library.cudaLaunchKernel
