# SPDX-License-Identifier: Apache-2.0
"""cuda.nvrtc as far as helpers name its errors. CUDA code is not compiled here: everything else is an AttributeError."""
import enum


class nvrtcResult(enum.IntEnum):
    NVRTC_SUCCESS = 0
    NVRTC_ERROR_OUT_OF_MEMORY = 1
    NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2
    NVRTC_ERROR_INVALID_INPUT = 3
    NVRTC_ERROR_INVALID_PROGRAM = 4
    NVRTC_ERROR_INVALID_OPTION = 5
    NVRTC_ERROR_COMPILATION = 6
    NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7


def nvrtcGetErrorString(result):
    return nvrtcResult.NVRTC_SUCCESS, nvrtcResult(result).name.encode()


def __getattr__(name):
    raise AttributeError(f"medlar.compat.nvrtc has no '{name}': CUDA code is not compiled here (docs/compat.md)")
