// SPDX-License-Identifier: Apache-2.0
// Weights and biases of models that bring their own quantisation.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// A QuantizeLinear or DequantizeLinear of constants (float weights on the grid of integers, integer weights, biases in int32; scales
/// for the tensor or along an axis) becomes the constant that it computes. Left as they are: scales by block, types that are neither
/// float32 nor integers of 8 to 32 bits, results that are graph outputs. True when any went.
bool fold_quantised_constants(graph::Graph& graph);

}  // namespace medlar::compiler
