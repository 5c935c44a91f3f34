// SPDX-License-Identifier: Apache-2.0
// Copies into windows, made unnecessary.
#include "compiler/fuse/alias_windows.hpp"

#include <algorithm>

#include "compiler/fuse/readers.hpp"

namespace medlar::compiler {
namespace {

/// `source` and every window of it become windows of what `window` lies in.
void move_into(LayerGraph& graph, TensorId source, TensorId window) {
  const LayerTensor place = graph.tensor(window);
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    LayerTensor& tensor = graph.tensors[i];
    if (tensor.view_of == source || static_cast<TensorId>(i) == source) {
      tensor.view_of = place.view_of;
      tensor.view_x += place.view_x;
      tensor.view_y += place.view_y;
      tensor.view_c += place.view_c;
    }
  }
}

/// Whether a layer takes the tensor's pixels as one row: then its lines must follow each other.
bool is_reframed(const LayerGraph& graph, TensorId tensor) {
  return std::any_of(graph.layers.begin(), graph.layers.end(), [&](const Layer& layer) {
    const auto* interleave = std::get_if<InterleaveLayer>(&layer.body);
    return interleave != nullptr && interleave->op.stride_x * interleave->op.stride_y == 1 &&
           (layer.src == tensor || layer.dst == tensor);
  });
}

bool is_contiguous(const LayerGraph& graph, TensorId window) {
  const LayerTensor& tensor = graph.tensor(window);
  return tensor.h == 1 || tensor.w == graph.tensor(tensor.view_of).w;
}

}  // namespace

bool can_alias(const LayerGraph& graph, size_t copy) {
  const Layer& layer = graph.layers[copy];
  if (!std::holds_alternative<SdpLayer>(layer.body) || !layer.steps.empty()) {
    return false;
  }
  const LayerTensor& source = graph.tensor(layer.src);
  if (graph.tensor(layer.dst).view_of == kNoTensor || source.view_of != kNoTensor ||
      source.role != TensorRole::kIntermediate) {
    return false;
  }
  if (is_reframed(graph, layer.src) && !is_contiguous(graph, layer.dst)) {
    return false;
  }
  LayerGraph after = {.name = "", .tensors = graph.tensors, .layers = {}};
  move_into(after, layer.src, layer.dst);
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    if (i != copy && reads_own_storage(after, graph.layers[i])) {
      return false;
    }
  }
  return true;
}

void alias(LayerGraph& graph, size_t copy) {
  const Layer layer = graph.layers[copy];
  move_into(graph, layer.src, layer.dst);
  for (Layer& other : graph.layers) {
    if (other.dst == layer.src) {
      other.origins.insert(other.origins.end(), layer.origins.begin(), layer.origins.end());
    }
  }
  graph.layers.erase(graph.layers.begin() + static_cast<std::ptrdiff_t>(copy));
}

void alias_windows(LayerGraph& graph) {
  for (size_t i = 0; i < graph.layers.size();) {
    if (can_alias(graph, i)) {
      alias(graph, i);
    } else {
      ++i;
    }
  }
}

}  // namespace medlar::compiler
