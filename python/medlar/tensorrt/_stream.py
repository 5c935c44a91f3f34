# SPDX-License-Identifier: Apache-2.0
"""Engines read and written piece by piece, under TensorRT's Python names."""
from .. import _core
from ._basic import call_back
from ._enums import Enum


class SeekPosition(Enum):
    SET = 0
    CUR = 1
    END = 2


class IStreamWriter:
    """Derive from it and define write(data), which returns how many bytes it took."""

    def __init__(self):
        pass

    def write(self, data):
        raise NotImplementedError("write(data)")


class IStreamReader:
    """Derive from it and define read(size), which returns at most so many bytes; none at the end."""

    def __init__(self):
        pass

    def read(self, size):
        raise NotImplementedError("read(size)")


class IStreamReaderV2:
    """Derive from it and define read(size, stream) and seek(offset, where)."""

    def __init__(self):
        pass

    def read(self, size, stream):
        raise NotImplementedError("read(size, stream)")

    def seek(self, offset, where):
        raise NotImplementedError("seek(offset, where)")


_PIECE = 1 << 20


def write_all(writer, data):
    """True when `writer` took all of it."""
    for start in range(0, len(data), _PIECE):
        piece = data[start:start + _PIECE]
        if call_back("IStreamWriter.write", writer.write, piece) != len(piece):
            return False
    return True


def read_all(source):
    """Bytes of an engine: a buffer, or all that a reader gives."""
    if isinstance(source, IStreamReaderV2):
        def read():
            return source.read(_PIECE, 0)
    elif isinstance(source, IStreamReader):
        def read():
            return source.read(_PIECE)
    else:
        return bytes(source)
    pieces = []
    while True:
        piece = call_back(f"{type(source).__name__}.read", read)
        if piece is None or len(piece) == 0:
            return b"".join(pieces)
        if len(piece) > _PIECE:
            raise _core.InvalidArgument(f"a reader gave {len(piece)} bytes, {_PIECE} were asked for")
        pieces.append(bytes(piece))
