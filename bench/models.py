#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models for network_bench. Needs the Python packages onnx and onnxruntime.

  models.py quantise MODEL.onnx OUT.onnx   as ONNX Runtime runs it best: u8 activations, s8 weights per channel, Q/DQ
  models.py resnet50 OUT.onnx              ResNet-50's layers with random weights
"""
import sys

import numpy as np
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper


def quantise(source, target):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    model = onnx.load(source)
    if model.opset_import[0].version < 13:  # per-channel Q/DQ came with 13
        model = onnx.version_converter.convert_version(model, 13)
    constants = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in constants]

    class Reader(CalibrationDataReader):
        def __init__(self):
            rng = np.random.default_rng(1)
            shapes = {i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in inputs}
            self.samples = iter([{n: rng.uniform(-1, 1, s).astype(np.float32) for n, s in shapes.items()} for _ in range(2)])

        def get_next(self):
            return next(self.samples, None)

    quantize_static(model, target, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


class Net:
    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.nodes, self.constants = [], []

    def add(self, kind, inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(self, x, c, k, size, stride=1, relu=True):
        weights = self.rng.normal(0, (2 / (c * size * size)) ** 0.5, (k, c, size, size))
        bias = self.rng.normal(0, 0.1, k)
        y = self.add("Conv", [x, self.constant(weights), self.constant(bias)], kernel_shape=[size, size],
                     strides=[stride, stride], pads=[size // 2] * 4)
        return self.add("Relu", [y]) if relu else y


def resnet50(target):
    net = Net()
    x = net.conv("image", 3, 64, 7, 2)
    x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    c = 64
    for stage, blocks in enumerate([3, 4, 6, 3]):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            y = net.conv(net.conv(x, c, width, 1), width, width, 3, stride)
            y = net.conv(y, width, 4 * width, 1, relu=False)
            shortcut = net.conv(x, c, 4 * width, 1, stride, relu=False) if block == 0 else x
            x = net.add("Relu", [net.add("Add", [y, shortcut])])
            c = 4 * width
    x = net.add("GlobalAveragePool", [x])
    x = net.add("Flatten", [x])
    x = net.add("Gemm", [x, net.constant(net.rng.normal(0, 0.02, (1000, 2048))), net.constant(np.zeros(1000))], transB=1)
    graph = helper.make_graph(net.nodes, "resnet50", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
                              [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 1000])], net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, target)


if __name__ == "__main__":
    if sys.argv[1:2] == ["quantise"] and len(sys.argv) == 4:
        quantise(sys.argv[2], sys.argv[3])
    elif sys.argv[1:2] == ["resnet50"] and len(sys.argv) == 3:
        resnet50(sys.argv[2])
    else:
        sys.exit(__doc__)
