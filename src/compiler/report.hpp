// SPDX-License-Identifier: Apache-2.0
// The placement table: one row for every node of the user's model.
#pragma once

#include <vector>

#include "compiler/partition/partition.hpp"

namespace medlar::compiler {

struct ReportInput {
  const graph::Graph& user;        ///< As the user gave it.
  const graph::Graph& simplified;  ///< Its nodes name their origins.
  const Assignment& assignment;    ///< Of the simplified nodes.
  const std::vector<SegmentNodes>& segments;
  hw::Precision precision = hw::Precision::kInt8;
  const PartitionCosts& costs;
};

/// One row for every node of the user's graph. Those that no segment holds say what became of them.
std::vector<Placement> make_placements(const ReportInput& input);

/// Multiply-accumulates of a node, from its shapes; 0 for operators without any, and where shapes are open.
uint64_t node_macs(const graph::Graph& graph, const graph::Node& node);

/// "node (Op): MDL2001 text" for every node that fell back from the DLA (not those that were asked to), one a line.
std::string refusal_list(const graph::Graph& graph, const Assignment& assignment);

}  // namespace medlar::compiler
