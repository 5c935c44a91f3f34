# SPDX-License-Identifier: Apache-2.0
"""Calibrators under TensorRT's Python names."""
from .. import _core
from ..compat import _state
from ._basic import IHostMemory, volume
from ._enums import CalibrationAlgoType


class IInt8Calibrator:
    """Derive from one of the four below and define get_batch_size, get_batch(names), read_calibration_cache and
    write_calibration_cache(cache). get_batch returns one device address (an int, or anything with int()) for each name,
    or None when there are no batches left."""
    _algorithm = CalibrationAlgoType.ENTROPY_CALIBRATION_2

    def __init__(self):
        pass

    def get_algorithm(self):
        return self._algorithm

    def get_batch_size(self):
        raise NotImplementedError("get_batch_size()")

    def get_batch(self, names):
        raise NotImplementedError("get_batch(names)")

    def read_calibration_cache(self):
        return None

    def write_calibration_cache(self, cache):
        return None


class IInt8EntropyCalibrator(IInt8Calibrator):
    _algorithm = CalibrationAlgoType.ENTROPY_CALIBRATION


class IInt8EntropyCalibrator2(IInt8Calibrator):
    _algorithm = CalibrationAlgoType.ENTROPY_CALIBRATION_2


class IInt8MinMaxCalibrator(IInt8Calibrator):
    _algorithm = CalibrationAlgoType.MINMAX_CALIBRATION


class IInt8LegacyCalibrator(IInt8Calibrator):
    _algorithm = CalibrationAlgoType.LEGACY_CALIBRATION

    def get_quantile(self):
        return 0.9999

    def get_regression_cutoff(self):
        return 1.0


class CoreCalibrator(_core.Calibrator):
    """Hands the core's questions to a TensorRT calibrator."""

    def __init__(self, target, network):
        super().__init__()
        self.target = target
        self.sizes = {}
        for i in range(network.num_inputs):
            tensor = network.input(i)
            sample = [1 if d < 0 else d for d in tensor.shape]
            self.sizes[tensor.name] = (volume(sample[1:]), sample[0] if sample else 1, tensor.dtype)

    def algorithm(self):
        return int(self.target.get_algorithm())

    def batch_size(self):
        return int(self.target.get_batch_size())

    def get_batch(self, names):
        batch = self.target.get_batch(list(names))
        if batch is None or len(batch) == 0:
            return None
        addresses = [int(address) for address in batch]
        for name, address in zip(names, addresses):
            each, inside, dtype = self.sizes[name]
            samples = max(self.batch_size() // max(inside, 1), 1) * inside
            _state.device().check_range(address, each * samples * _ELEMENT_BYTES[dtype])
        return addresses

    def read_cache(self):
        cache = self.target.read_calibration_cache()
        return None if cache is None else bytes(cache)

    def write_cache(self, cache):
        self.target.write_calibration_cache(IHostMemory(cache))


_ELEMENT_BYTES = {0: 4, 1: 2, 2: 1, 3: 4, 4: 1, 5: 1, 7: 2, 8: 8, 64: 8}
