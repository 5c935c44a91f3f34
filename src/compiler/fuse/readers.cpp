// SPDX-License-Identifier: Apache-2.0
// Readers and writers by search; segments have a few hundred layers.
#include "compiler/fuse/readers.hpp"

namespace medlar::compiler {

int readers_of(const LayerGraph& graph, TensorId tensor) {
  int count = 0;
  for (const Layer& layer : graph.layers) {
    count += layer.src == tensor ? 1 : 0;
    for (const Step& step : layer.steps) {
      count += step.operand == tensor ? 1 : 0;
    }
  }
  for (const LayerTensor& other : graph.tensors) {
    count += other.view_of == tensor ? 1 : 0;
  }
  return count;
}

std::optional<size_t> maker_of(const LayerGraph& graph, TensorId tensor) {
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    if (graph.layers[i].dst == tensor) {
      return i;
    }
  }
  return std::nullopt;
}

bool only_reader(const LayerGraph& graph, TensorId tensor) {
  const LayerTensor& between = graph.tensor(tensor);
  return between.role == TensorRole::kIntermediate && between.view_of == kNoTensor && readers_of(graph, tensor) == 1;
}

TensorId root_of(const LayerGraph& graph, TensorId tensor) {
  const TensorId parent = graph.tensor(tensor).view_of;
  return parent == kNoTensor ? tensor : parent;
}

bool reads_own_storage(const LayerGraph& graph, const Layer& layer) {
  const TensorId dst = root_of(graph, layer.dst);
  bool reads = root_of(graph, layer.src) == dst;
  for (const Step& step : layer.steps) {
    reads = reads || (step.operand != kNoTensor && root_of(graph, step.operand) == dst);
  }
  return reads;
}

}  // namespace medlar::compiler
