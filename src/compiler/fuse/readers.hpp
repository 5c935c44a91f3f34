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

/// The tensor whose storage it uses.
TensorId root_of(const LayerGraph& graph, TensorId tensor);
/// Whether the layer would read the storage that it writes; the hardware must not.
bool reads_own_storage(const LayerGraph& graph, const Layer& layer);

}  // namespace medlar::compiler
