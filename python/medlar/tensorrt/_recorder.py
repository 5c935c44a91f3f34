# SPDX-License-Identifier: Apache-2.0
"""Error recorders: a program's object that hears of what fails, beside the logger."""
from .. import _core
from ._basic import Strict, call_back, report
from ._enums import Enum


class ErrorCodeTRT(Enum):
    SUCCESS = 0
    UNSPECIFIED_ERROR = 1
    INTERNAL_ERROR = 2
    INVALID_ARGUMENT = 3
    INVALID_CONFIG = 4
    FAILED_ALLOCATION = 5
    FAILED_INITIALIZATION = 6
    FAILED_EXECUTION = 7
    FAILED_COMPUTATION = 8
    INVALID_STATE = 9
    UNSUPPORTED_STATE = 10


_CODES = (
    ((_core.InvalidArgument, _core.OutOfRange, _core.NotFound, _core.AlreadyExists), ErrorCodeTRT.INVALID_ARGUMENT),
    ((_core.Unsupported,), ErrorCodeTRT.UNSUPPORTED_STATE),
    ((_core.ResourceExhausted,), ErrorCodeTRT.FAILED_ALLOCATION),
    ((_core.Corrupt, _core.DeviceMismatch, _core.VersionMismatch), ErrorCodeTRT.FAILED_INITIALIZATION),
    ((_core.DeviceFault, _core.Timeout, _core.Cancelled), ErrorCodeTRT.FAILED_EXECUTION),
    ((_core.Busy,), ErrorCodeTRT.INVALID_STATE),
)


def code_of(error):
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), ErrorCodeTRT.INTERNAL_ERROR)


class IErrorRecorder:
    """Derive from it and define the six methods; report_error(code, desc) hears of every call that fails."""
    MAX_DESC_LENGTH = 127

    def __init__(self):
        pass

    def num_errors(self):
        raise NotImplementedError("num_errors()")

    def get_error_code(self, index):
        raise NotImplementedError("get_error_code(index)")

    def get_error_desc(self, index):
        raise NotImplementedError("get_error_desc(index)")

    def has_overflowed(self):
        raise NotImplementedError("has_overflowed()")

    def clear(self):
        raise NotImplementedError("clear()")

    def report_error(self, code, desc):
        raise NotImplementedError("report_error(code, desc)")


class Recording(Strict):
    """What reports failures: to the logger, and to an error recorder where the program gave one. Objects that one makes
    start with its recorder."""

    @property
    def error_recorder(self):
        return getattr(self, "_recorder", None)

    @error_recorder.setter
    def error_recorder(self, recorder):
        if recorder is not None and not hasattr(recorder, "report_error"):
            raise TypeError(f"an IErrorRecorder is wanted, not {type(recorder).__name__}")
        object.__setattr__(self, "_recorder", recorder)

    def _report(self, error, *others):
        """TensorRT's manner of failing. `others`: objects whose recorders hear of it, too."""
        report(self._logger, error)
        told = []
        for recorder in (holder.error_recorder for holder in (self, *others)):
            if recorder is not None and not any(recorder is one for one in told):
                told.append(recorder)
                call_back("IErrorRecorder.report_error", recorder.report_error, code_of(error), str(error))

    def _made(self, thing):
        """A new object, with this one's recorder."""
        if thing is not None:
            object.__setattr__(thing, "_recorder", self.error_recorder)
        return thing
