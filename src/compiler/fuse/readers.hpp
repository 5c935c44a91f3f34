// SPDX-License-Identifier: Apache-2.0
// Who writes and reads the tensors of a layer graph.
#pragma once

#include <optional>

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// Layers, steps and windows that read `tensor`.
int readers_of(const LayerGraph& graph, TensorId tensor);
/// The layer that writes it.
std::optional<size_t> maker_of(const LayerGraph& graph, TensorId tensor);
/// An intermediate tensor with a single reader: it need not exist after fusion.
bool only_reader(const LayerGraph& graph, TensorId tensor);

}  // namespace medlar::compiler
