// SPDX-License-Identifier: Apache-2.0
// Partition: which engine runs each node, and convex segments in execution order with the fewest transitions.
#pragma once

#include <optional>
#include <vector>

#include "compiler/plan.hpp"
#include "compiler/reasons.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// Engine of each node; a refusal wherever that is not the DLA.
struct Assignment {
  std::vector<Engine> engine;
  std::vector<std::optional<Refusal>> refusal;
};

/// Nodes that run together, in topological order, and the values that cross the border. Constants do not cross.
struct SegmentNodes {
  Engine engine = Engine::kCpu;
  std::vector<graph::NodeId> nodes;
  std::vector<graph::ValueId> inputs, outputs;
};

/// Cuts the graph at every change of engine. Each segment takes all nodes whose operands are there, so that for two
/// engines the number of segments is the smallest possible.
std::vector<SegmentNodes> cut_segments(const graph::Graph& graph, const std::vector<Engine>& engine);

/// Moves DLA segments without any convolution, matrix product or pooling to the host when that saves segments.
void demote_islands(const graph::Graph& graph, Assignment& assignment);

}  // namespace medlar::compiler
