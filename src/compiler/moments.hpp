// SPDX-License-Identifier: Apache-2.0
// How the values that a convolution reads hang together: which channels rise and fall with each other, and
// how alike neighbouring positions are. Rounding of weights spends its errors where these cancel them.
#pragma once

#include "graph/graph.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace medlar::compiler {

/// Sums over positions and samples of one tensor.
struct Moments {
  static constexpr int kShift = 6;  ///< Farthest neighbour on either axis.
  static constexpr int kAcross = 2 * kShift + 1;

  size_t channels = 0;
  std::vector<float> products;  ///< channels x channels: x_i * x_j.
  /// x(p) * x(p + (dy, dx)) over all channels, dy from 0, dx from -kShift, and how many pairs that were.
  std::array<double, static_cast<size_t>((kShift + 1) * kAcross)> neighbours = {}, pairs = {};
  uint64_t samples = 0;

  /// Likeness of positions that lie (dy, dx) apart, at most 1; farther than kShift counts as kShift.
  double likeness(int dy, int dx) const;
};

/// More channels cost more time than their weights' rounding is worth: errors of so many average out.
inline constexpr size_t kMostCorrelatedChannels = 2048;

/// Adds one sample, channel by channel as `values` holds it, of `width` columns. Positions are sampled where
/// there are many.
void add_moments(Moments& moments, std::span<const float> values, size_t channels, size_t width);

/// Names of the float values that convolutions and matrix products with constant weights read, also by way of
/// nodes that only relabel.
std::set<std::string> correlated_values(const graph::Graph& graph);

}  // namespace medlar::compiler
