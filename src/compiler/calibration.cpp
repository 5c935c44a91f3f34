// SPDX-License-Identifier: Apache-2.0
// Extremes and histograms of each activation, and the scale that follows.
#include "compiler/calibration.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::compiler {

Status observe(TensorRange& range, std::span<const float> samples) {
  float low = range.min;
  float high = range.max;
  for (const float sample : samples) {
    if (!std::isfinite(sample)) {
      return fail(Code::kInvalidArgument, "calibration saw a value that is not finite ({})", sample);
    }
    low = std::min(low, sample);
    high = std::max(high, sample);
  }
  range.min = low;
  range.max = high;
  return {};
}

float magnitude(const TensorRange& range) {
  if (range.scale > 0.0f) {
    return range.scale * 127.0f;
  }
  return range.histogram.empty() ? std::max(std::fabs(range.min), std::fabs(range.max)) : least_error_reach(range);
}

float int8_scale(const TensorRange& range) {
  const float largest = magnitude(range);
  return largest > 0.0f ? largest / 127.0f : 1.0f;
}

std::vector<std::string> calibration_tensors(const graph::Graph& graph) {
  std::vector<std::string> names;
  const auto wanted = [&](graph::ValueId id) {
    return id != graph::kNoValue && !graph.value(id).is_constant() &&
           graph.value(id).type == graph::DataType::kFloat32;
  };
  for (const graph::ValueId id : graph.inputs) {
    if (wanted(id)) {
      names.push_back(graph.value(id).name);
    }
  }
  for (const graph::Node& node : graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      if (wanted(id)) {
        names.push_back(graph.value(id).name);
      }
    }
  }
  return names;
}

}  // namespace medlar::compiler
