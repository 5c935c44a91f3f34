// SPDX-License-Identifier: Apache-2.0
// Extremes, histograms and channels of each activation.
#include "compiler/calibration.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace medlar::compiler {
namespace {

/// Twice the bin width: every two neighbours become one.
void widen(std::vector<uint64_t>& histogram) {
  const size_t half = histogram.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    histogram[i] = histogram[2 * i] + histogram[2 * i + 1];
  }
  std::fill(histogram.begin() + static_cast<std::ptrdiff_t>(half), histogram.end(), 0);
}

void make_room(TensorRange& range) {
  const float largest = std::max(std::fabs(range.min), std::fabs(range.max));
  constexpr float kSmallest = 1e-30f;  // bins of smaller numbers would underflow
  if (largest < kSmallest) {
    return;
  }
  if (range.histogram.empty()) {
    range.histogram.resize(kHistogramBins);
    range.negatives.resize(kHistogramBins);
    range.bin_width = largest / static_cast<float>(kHistogramBins);
  }
  while (range.bin_width * static_cast<float>(kHistogramBins) < largest) {
    widen(range.histogram);
    widen(range.negatives);
    range.bin_width *= 2.0f;
  }
}

void count(TensorRange& range, std::span<const float> samples) {
  if (range.histogram.empty()) {
    return;
  }
  const float per_width = 1.0f / range.bin_width;
  for (const float sample : samples) {
    if (sample != 0.0f) {
      const size_t bin = std::min(static_cast<size_t>(std::fabs(sample) * per_width), kHistogramBins - 1);
      range.histogram[bin]++;
      range.negatives[bin] += sample < 0.0f ? 1 : 0;
    }
  }
}

void add_channel(ChannelRange& channel, std::span<const float> samples) {
  float low = channel.min;
  float high = channel.max;
  float sum = 0.0f;
  float square = 0.0f;
  for (const float sample : samples) {
    low = std::min(low, sample);
    high = std::max(high, sample);
    sum += sample;
    square += sample * sample;
  }
  channel = {low, high, channel.sum + static_cast<double>(sum), channel.square + static_cast<double>(square)};
}

}  // namespace

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

Status accumulate(TensorRange& range, std::span<const float> samples, size_t channels) {
  MEDLAR_TRY(observe(range, samples));
  make_room(range);
  count(range, samples);
  range.values += samples.size();
  if (channels == 0 || samples.size() % channels != 0 || (!range.channels.empty() && range.channels.size() != channels)) {
    return {};
  }
  range.channels.resize(channels);
  const size_t per_channel = samples.size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    add_channel(range.channels[c], samples.subspan(c * per_channel, per_channel));
  }
  return {};
}

float magnitude(const TensorRange& range) {
  if (range.scale > 0.0f) {
    return range.scale * 127.0f;
  }
  return range.reach > 0.0f ? range.reach : std::max(std::fabs(range.min), std::fabs(range.max));
}

float int8_scale(const TensorRange& range) {
  const float largest = magnitude(range);
  return largest > 0.0f ? largest / 127.0f : 1.0f;
}

CalibrationTable spread_ranges(const graph::Graph& graph, const CalibrationTable& table) {
  constexpr std::array<std::string_view, 6> kRearranging = {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  CalibrationTable all = table;
  const auto copy = [&](const std::string& from, const std::string& to) {
    const auto known = all.ranges.find(from);
    if (known == all.ranges.end() || all.ranges.contains(to)) {
      return;
    }
    TensorRange range = known->second;
    range.channels = {};  // axis 1 may be another one
    range.moments = nullptr;
    all.ranges[to] = std::move(range);
  };
  for (const graph::Value& value : graph.values) {
    copy(value.rearranges, value.name);
  }
  const auto spread = [&](const graph::Node& node, bool forward) {
    const bool rearranges = node.domain.empty() && std::find(kRearranging.begin(), kRearranging.end(), node.op_type) != kRearranging.end();
    if (rearranges && node.inputs[0] != graph::kNoValue && !graph.value(node.inputs[0]).is_constant()) {
      const std::string& before = graph.value(node.inputs[0]).name;
      const std::string& behind = graph.value(node.outputs[0]).name;
      copy(forward ? before : behind, forward ? behind : before);
    }
  };
  std::for_each(graph.nodes.rbegin(), graph.nodes.rend(), [&](const graph::Node& node) { spread(node, false); });
  std::for_each(graph.nodes.begin(), graph.nodes.end(), [&](const graph::Node& node) { spread(node, true); });
  return all;
}

std::vector<std::string> calibration_tensors(const graph::Graph& graph) {
  std::vector<std::string> names;
  const auto wanted = [&](graph::ValueId id) {
    return id != graph::kNoValue && !graph.value(id).is_constant() &&
           (graph.value(id).type == graph::DataType::kFloat32 || graph.value(id).type == graph::DataType::kFloat16);
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
