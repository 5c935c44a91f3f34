// SPDX-License-Identifier: Apache-2.0
// Rule: Pad with zeros in front of Conv (or of AveragePool that counts padding) becomes that node's own padding.
// A Pad that adds nothing goes.
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

bool can_fold_pad(const graph::Graph& graph, graph::NodeId pad, graph::NodeId reader);
Status fold_pad(graph::Graph& graph, graph::NodeId pad, graph::NodeId reader);

/// Everywhere; true when something changed.
Result<bool> fold_pads(graph::Graph& graph);

}  // namespace medlar::compiler
