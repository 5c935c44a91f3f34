// SPDX-License-Identifier: Apache-2.0
#include "compiler/moments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace medlar::compiler {
namespace {

/// Positions of one sample whose products are summed.
constexpr size_t kMostPositions = 196;
/// Channels of one sample whose neighbours are looked at.
constexpr size_t kMostNeighbourChannels = 32;

size_t shift_index(int dy, int dx) {
  return static_cast<size_t>(dy * Moments::kAcross + dx + Moments::kShift);
}

/// Positions by channels: the inner sums run over contiguous memory.
std::vector<float> sampled_positions(std::span<const float> values, size_t channels, uint64_t sample) {
  const size_t plane = values.size() / channels;
  const size_t step = (plane + kMostPositions - 1) / kMostPositions;
  std::vector<float> positions;
  for (size_t at = static_cast<size_t>(sample) % step; at < plane; at += step) {
    for (size_t c = 0; c < channels; ++c) {
      positions.push_back(values[c * plane + at]);
    }
  }
  return positions;
}

/// Row by row: a row of sums stays in the nearest cache while all positions pass.
void add_products(std::span<const float> positions, Moments& moments) {
  const size_t channels = moments.channels;
  for (size_t i = 0; i < channels; ++i) {
    float* row = moments.products.data() + i * channels;
    for (size_t at = 0; at < positions.size(); at += channels) {
      const float* x = positions.data() + at;
      const float own = x[i];
      for (size_t j = 0; own != 0.0f && j <= i; ++j) {
        row[j] += own * x[j];
      }
    }
  }
}

double neighbour_sum(std::span<const float> plane, size_t width, int dy, int dx) {
  const size_t height = plane.size() / width;
  const auto first = static_cast<size_t>(std::max(0, -dx));
  const size_t last = width - static_cast<size_t>(std::max(0, dx));
  double sum = 0.0;
  for (size_t y = 0; y + static_cast<size_t>(dy) < height; ++y) {
    const float* here = plane.data() + y * width;
    const float* there = plane.data() + (y + static_cast<size_t>(dy)) * width + dx;
    float row = 0.0f;
    for (size_t x = first; x < last; ++x) {
      row += here[x] * there[x];
    }
    sum += static_cast<double>(row);
  }
  return sum;
}

void add_neighbours(std::span<const float> values, size_t channels, size_t width, Moments& moments) {
  const size_t plane = values.size() / channels;
  const int height = static_cast<int>(plane / width);
  const size_t step = (channels + kMostNeighbourChannels - 1) / kMostNeighbourChannels;
  for (int dy = 0; dy <= Moments::kShift && dy < height; ++dy) {
    for (int dx = -Moments::kShift; dx <= Moments::kShift; ++dx) {
      if (static_cast<size_t>(std::abs(dx)) >= width) {
        continue;
      }
      const size_t at = shift_index(dy, dx);
      for (size_t c = static_cast<size_t>(moments.samples) % step; c < channels; c += step) {
        moments.neighbours[at] += neighbour_sum(values.subspan(c * plane, plane), width, dy, dx);
        moments.pairs[at] += static_cast<double>(height - dy) * (static_cast<double>(width) - std::abs(dx));
      }
    }
  }
}

/// Nodes whose result holds the values of their first input in another shape.
bool relabels(const graph::Node& node) {
  constexpr std::array<std::string_view, 7> kRelabels{"Reshape",  "Flatten", "Squeeze", "Unsqueeze",
                                                      "Identity", "Dropout", "Pad"};
  return std::find(kRelabels.begin(), kRelabels.end(), node.op_type) != kRelabels.end();
}

}  // namespace

double Moments::likeness(int dy, int dx) const {
  if (dy < 0) {
    dy = -dy;
    dx = -dx;
  }
  dy = std::min(dy, kShift);
  dx = std::clamp(dx, -kShift, kShift);
  const size_t none = shift_index(0, 0);
  // Small planes have no far neighbours.
  while (pairs[shift_index(dy, dx)] == 0.0 && (dy > 0 || dx != 0)) {
    dy -= dy > 0 ? 1 : 0;
    dx -= dx > 0 ? 1 : (dx < 0 ? -1 : 0);
  }
  const size_t at = shift_index(dy, dx);
  const double square = pairs[none] > 0.0 ? neighbours[none] / pairs[none] : 0.0;
  return square > 0.0 ? std::min(1.0, neighbours[at] / pairs[at] / square) : (dy == 0 && dx == 0 ? 1.0 : 0.0);
}

void add_moments(Moments& moments, std::span<const float> values, size_t channels, size_t width) {
  if (channels == 0 || channels > kMostCorrelatedChannels || values.empty() ||
      values.size() % (channels * width) != 0 || (moments.channels != 0 && moments.channels != channels)) {
    return;
  }
  moments.channels = channels;
  moments.products.resize(channels * channels);
  add_products(sampled_positions(values, channels, moments.samples), moments);
  add_neighbours(values, channels, width, moments);
  moments.samples++;
}

std::set<std::string> correlated_values(const graph::Graph& graph) {
  const auto makers = graph::producers(graph);
  std::set<std::string> names;
  for (const graph::Node& node : graph.nodes) {
    if (!graph::is_product(node) || node.inputs.size() < 2) {
      continue;
    }
    for (graph::ValueId id = node.inputs[0]; id != graph::kNoValue && !graph.value(id).is_constant();) {
      names.insert(graph.value(id).name);
      const graph::NodeId maker = makers[static_cast<size_t>(id)];
      const bool further = maker != graph::kNoValue && relabels(graph.nodes[static_cast<size_t>(maker)]);
      id = further ? graph.nodes[static_cast<size_t>(maker)].inputs[0] : graph::kNoValue;
    }
  }
  return names;
}

}  // namespace medlar::compiler
