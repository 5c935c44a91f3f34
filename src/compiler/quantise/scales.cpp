// SPDX-License-Identifier: Apache-2.0
// Scale assignment over groups of tensors that share one.
#include "compiler/quantise/scales.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace medlar::compiler {
namespace {

/// Disjoint sets by smallest member.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }

  size_t find(TensorId id) const {
    auto at = static_cast<size_t>(id);
    while (parent_[at] != at) {
      at = parent_[at];
    }
    return at;
  }
  void join(TensorId a, TensorId b) {
    const size_t low = std::min(find(a), find(b));
    const size_t high = std::max(find(a), find(b));
    parent_[high] = low;
  }

 private:
  std::vector<size_t> parent_;
};

Groups groups_of(const LayerGraph& graph) {
  Groups groups(graph.tensors.size());
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (graph.tensors[i].view_of != kNoTensor) {
      groups.join(static_cast<TensorId>(i), graph.tensors[i].view_of);
    }
  }
  for (const Layer& layer : graph.layers) {
    if (std::holds_alternative<PoolLayer>(layer.body)) {
      groups.join(layer.src, layer.dst);
    }
  }
  return groups;
}

/// Tensors that an operation touches: fusion leaves others behind.
std::vector<bool> used_tensors(const LayerGraph& graph) {
  std::vector<bool> used(graph.tensors.size());
  const auto mark = [&](TensorId id) {
    if (id != kNoTensor) {
      used[static_cast<size_t>(id)] = true;
    }
  };
  for (const Layer& layer : graph.layers) {
    mark(layer.src);
    mark(layer.dst);
    for (const Step& step : layer.steps) {
      mark(step.operand);
    }
  }
  return used;
}

/// Name of the first layer that writes or reads it.
std::string_view layer_that_touches(const LayerGraph& graph, TensorId tensor) {
  const auto writer = std::find_if(graph.layers.begin(), graph.layers.end(),
                                   [&](const Layer& layer) { return layer.dst == tensor; });
  const auto reader = std::find_if(graph.layers.begin(), graph.layers.end(),
                                   [&](const Layer& layer) { return layer.src == tensor; });
  const auto found = writer != graph.layers.end() ? writer : reader;
  return found != graph.layers.end() ? std::string_view(found->name) : std::string_view("operand");
}

}  // namespace

Result<std::vector<float>> assign_scales(const LayerGraph& graph, const CalibrationTable& table) {
  const size_t count = graph.tensors.size();
  const Groups groups = groups_of(graph);
  const std::vector<bool> used = used_tensors(graph);
  std::vector<float> bound(count, 0.0f);  // upper bound by the last step; 0: none
  for (const Layer& layer : graph.layers) {
    if (!layer.steps.empty() && layer.steps.back().kind == StepKind::kMin && layer.steps.back().add[0] > 0.0f) {
      bound[static_cast<size_t>(layer.dst)] = layer.steps.back().add[0];
    }
  }
  std::vector<float> largest(count, 0.0f);
  for (size_t i = 0; i < count; ++i) {
    const LayerTensor& tensor = graph.tensors[i];
    if (!used[i]) {
      continue;
    }
    const auto range = table.ranges.find(tensor.range);
    if (range == table.ranges.end()) {
      return fail(Code::kNotFound, "{}: no calibrated range of {}; calibrate with this model",
                  layer_that_touches(graph, static_cast<TensorId>(i)), tensor.range);
    }
    const float reach = magnitude(range->second);
    float& group = largest[groups.find(static_cast<TensorId>(i))];
    group = std::max(group, bound[i] > 0.0f ? std::min(reach, bound[i]) : reach);
  }
  std::vector<float> scales(count, 1.0f);
  for (size_t i = 0; i < count; ++i) {
    const float reach = largest[groups.find(static_cast<TensorId>(i))];
    scales[i] = int8_scale({.min = -reach, .max = reach, .scale = 0.0f, .bin_width = 0.0f, .histogram = {}});
  }
  return scales;
}

}  // namespace medlar::compiler
