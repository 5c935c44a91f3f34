// SPDX-License-Identifier: Apache-2.0
// Partition: which engine runs each node, and convex segments in execution order, at the least modelled cost.
#pragma once

#include <optional>
#include <vector>

#include "compiler/partition/costs.hpp"
#include "compiler/partition/engine_rules.hpp"
#include "compiler/plan.hpp"
#include "compiler/reasons.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// Why each node cannot run on the DLA; empty where it can.
using Verdicts = std::vector<std::optional<Refusal>>;

/// Engine of each node; a refusal wherever that is not the DLA.
struct Assignment {
  std::vector<Engine> engine;
  Verdicts refusal;
};

/// Nodes that run together, in topological order, and the values that cross the border. Constants do not cross.
struct SegmentNodes {
  Engine engine = Engine::kCpu;
  std::vector<graph::NodeId> nodes;
  std::vector<graph::ValueId> inputs, outputs;
};

struct Partition {
  Assignment assignment;
  std::vector<SegmentNodes> segments;
  bool exact = true;  ///< No cheaper partition exists.
};

struct PartitionRequest {
  const graph::Graph& graph;
  const Verdicts& verdicts;
  const PartitionCosts& costs;
  const std::vector<EngineRule>& rules;
  bool allow_fallback = true;  ///< False: whatever the DLA can run stays there, whatever it costs.
};

/// The cheapest partition. Nodes with a noticeable share of the model's multiply-accumulates leave the DLA only on request,
/// by refusal, or where PartitionCosts::max_loadables forces it. kUnsupported: a wish that the device cannot grant.
Result<Partition> partition(const PartitionRequest& request);

/// The values that enter and leave each list of nodes.
void find_borders(const graph::Graph& graph, std::vector<SegmentNodes>& segments);

}  // namespace medlar::compiler
