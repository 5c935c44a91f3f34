// SPDX-License-Identifier: Apache-2.0
// Rule: ReduceMean over all rows and columns of a 1xCxHxW tensor becomes GlobalAveragePool (and a Flatten when the
// reduced axes are dropped).
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

bool can_use_global_pool(const graph::Graph& graph, const graph::Node& node);
/// Rewrites node `id`; a Flatten is inserted behind it.
void use_global_pool(graph::Graph& graph, graph::NodeId id);

bool use_global_pools(graph::Graph& graph);

}  // namespace medlar::compiler
