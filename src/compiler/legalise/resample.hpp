// SPDX-License-Identifier: Apache-2.0
// Resize and Upsample as weighted samples of the source, axis by axis, and the search for a pattern that repeats.
#pragma once

#include <vector>

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// One source element at a distance from the first one that a phase is about, and its share.
struct Tap {
  int offset = 0;
  double weight = 1.0;
};

/// An axis whose outputs repeat: output up * i + p is the weighted sum of source elements down * i + offset. Offsets beyond
/// an end mean the element at that end.
struct AxisPattern {
  int up = 1, down = 1;
  std::vector<std::vector<Tap>> phases;  ///< `up` of them.

  bool is_identity() const { return up == 1 && down == 1 && is_repeat(); }
  /// Every output is a copy of one element, the same for all phases.
  bool is_repeat() const;
  int first() const;  ///< Smallest offset.
  int last() const;   ///< Largest.
};

/// Rows and columns of a Resize or Upsample (1-D operators have one row). kUnsupported says what does not repeat.
struct ResizePattern {
  AxisPattern y, x;
};
Result<ResizePattern> resize_pattern(const graph::Graph& graph, const graph::Node& node);

}  // namespace medlar::compiler
