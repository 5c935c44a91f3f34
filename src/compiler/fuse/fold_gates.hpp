// SPDX-License-Identifier: Apache-2.0
// Rule: x * g(x), with g a sigmoid, a hard sigmoid (x / 6 + 1/2 cut to 0..1) or tanh(softplus), becomes one table:
// SiLU, hard swish, Mish.
#pragma once

#include <optional>

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// The function that layer `product` computes from its gate, if it is such a product.
std::optional<Function> gate_function(const LayerGraph& graph, size_t product);
/// Rewrites the product; layers that only made the gate go.
void fold_gate(LayerGraph& graph, size_t product, Function function);

void fold_gates(LayerGraph& graph);

}  // namespace medlar::compiler
