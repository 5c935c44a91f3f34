# SPDX-License-Identifier: Apache-2.0
"""The ONNX parser under TensorRT's Python names."""
import os

from .. import _core
from ._basic import Strict, core_logger, unsupported
from ._enums import ErrorCode, OnnxParserFlag
from ._network import INetworkDefinition


class ParserError(Strict):
    def __init__(self, code, text):
        self._code, self._text = code, text

    def code(self):
        return ErrorCode.UNSUPPORTED_NODE if self._code == 2 else ErrorCode.MODEL_DESERIALIZE_FAILED

    def desc(self):
        return self._text

    def file(self):
        return ""

    def line(self):
        return 0

    def func(self):
        return ""

    def node(self):
        return -1

    def node_name(self):
        return ""

    def node_operator(self):
        return ""

    def __str__(self):
        return self._text

    __repr__ = __str__


class OnnxParser(Strict):
    def __init__(self, network, logger):
        if not isinstance(network, INetworkDefinition):
            raise TypeError(f"a network is wanted, not {type(network).__name__}")
        self._logger = core_logger(logger)
        self._network = network
        self._core = _core.OnnxParser(network._core, self._logger)
        self._flags = 0
        self._parts = []

    num_errors = property(lambda self: len(self._core.errors))

    def parse(self, model, path=None):
        return self._core.parse(bytes(model), "" if path is None else os.fspath(path))

    def parse_from_file(self, model):
        return self._core.parse_from_file(os.fspath(model))

    def get_error(self, index):
        return ParserError(*self._core.errors[index])

    def clear_errors(self):
        self._core.clear_errors()

    def supports_operator(self, op_name):
        return _core.OnnxParser.supports_operator(op_name)

    def supports_model(self, model, path=None):
        probe = _core.Builder(self._logger).create_network()
        parser = _core.OnnxParser(probe, self._logger)
        return parser.parse(bytes(model), path or ""), []

    @property
    def flags(self):
        return self._flags

    @flags.setter
    def flags(self, bits):
        for flag in OnnxParserFlag:
            if bits >> int(flag) & 1:
                self.set_flag(flag)

    def set_flag(self, flag):
        if flag != OnnxParserFlag.NATIVE_INSTANCENORM:
            raise unsupported(f"OnnxParserFlag.{OnnxParserFlag(flag).name}")
        self._flags |= 1 << int(flag)

    def clear_flag(self, flag):
        self._flags &= ~(1 << int(flag))

    def get_flag(self, flag):
        return bool(self._flags >> int(flag) & 1)

    # What of a model can be parsed: all of it as one part, or nothing.

    def supports_model_v2(self, model, path=None):
        """True when the whole model can be parsed. num_subgraphs and what follows speak of it then."""
        probe = _core.Builder(self._logger).create_network()
        supported = _core.OnnxParser(probe, self._logger).parse(bytes(model), path or "")
        self._parts = [(supported, list(range(probe.num_layers)) if supported else [])]
        return supported

    @property
    def num_subgraphs(self):
        return len(self._parts)

    def _part(self, index):
        if not 0 <= index < len(self._parts):
            raise _core.OutOfRange(f"subgraph {index}: supports_model_v2() told of {len(self._parts)}")
        return self._parts[index]

    def is_subgraph_supported(self, index):
        return self._part(index)[0]

    def get_subgraph_nodes(self, index):
        return self._part(index)[1]

    def get_used_vc_plugin_libraries(self):
        return []
