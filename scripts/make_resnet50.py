#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the topology of ResNet-50 (v1.5, 224x224, 1000 classes) with random weights as an ONNX file.

usage: make_resnet50.py OUT.onnx

For measurements of compile time and memory: the weights mean nothing. Needs the Python packages onnx and numpy.
"""
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


class Network:
    def __init__(self):
        self.nodes, self.weights = [], []
        self.numbers = numpy.random.default_rng(50)

    def constant(self, name, shape, low, high):
        self.weights.append(numpy_helper.from_array(self.numbers.uniform(low, high, shape).astype(numpy.float32), name))
        return name

    def node(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def conv_bn(self, x, name, channels, kernels, size, stride=1, relu=True):
        reach = (6.0 / (channels * size * size)) ** 0.5
        weights = self.constant(f"{name}.w", (kernels, channels, size, size), -reach, reach)
        pad = size // 2
        x = self.node("Conv", [x, weights], name, kernel_shape=[size, size], strides=[stride, stride], pads=[pad] * 4)
        statistics = [self.constant(f"{name}.{key}", (kernels,), low, high)
                      for key, low, high in (("gamma", 0.5, 1.0), ("beta", -0.1, 0.1), ("mean", -0.1, 0.1), ("var", 0.5, 1.5))]
        x = self.node("BatchNormalization", [x, *statistics], f"{name}.bn")
        return self.node("Relu", [x], f"{name}.relu") if relu else x

    def bottleneck(self, x, name, channels, width, stride):
        short = x
        if stride != 1 or channels != 4 * width:
            short = self.conv_bn(x, f"{name}.down", channels, 4 * width, 1, stride, relu=False)
        y = self.conv_bn(x, f"{name}.a", channels, width, 1)
        y = self.conv_bn(y, f"{name}.b", width, width, 3, stride)
        y = self.conv_bn(y, f"{name}.c", width, 4 * width, 1, relu=False)
        return self.node("Relu", [self.node("Add", [y, short], f"{name}.add")], f"{name}.relu")


def main():
    net = Network()
    x = net.conv_bn("image", "stem", 3, 64, 7, 2)
    x = net.node("MaxPool", [x], "pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512))):
        for block in range(blocks):
            x = net.bottleneck(x, f"stage{stage}.{block}", channels, width, 2 if block == 0 and stage > 0 else 1)
            channels = 4 * width
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x], "mean")], "flat")
    weights = [net.constant("classes.w", (1000, 2048), -0.03, 0.03), net.constant("classes.b", (1000,), -0.1, 0.1)]
    net.node("Gemm", [x, *weights], "classes", transB=1)
    net.node("Softmax", ["classes"], "probabilities", axis=1)
    graph = helper.make_graph(net.nodes, "resnet50", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
                              [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 1000])], net.weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), sys.argv[1])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
