// SPDX-License-Identifier: Apache-2.0
// Operators on integers, as older quantisers write them, in terms of Q/DQ pairs.
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// QLinearConv(x, w)  ->  QuantizeLinear(Conv(DequantizeLinear(x), DequantizeLinear(w)))
///
/// The same for QLinearMatMul and ONNX Runtime's QLinearAdd, QLinearMul, QLinearConcat, QLinearAveragePool,
/// QLinearGlobalAveragePool, QLinearSigmoid, QLinearLeakyRelu and QGemm; and for operators that only select or rename values
/// (MaxPool, Reshape, Flatten, Squeeze, Unsqueeze, Transpose) between them. Left as they are, for the host: scales or biases
/// computed at run time, channels last. Shapes and types of the new values are inferred.
Status expand_qlinear(graph::Graph& graph);

}  // namespace medlar::compiler
