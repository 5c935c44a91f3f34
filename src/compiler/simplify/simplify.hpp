// SPDX-License-Identifier: Apache-2.0
// Rewrites of the ONNX graph in front of legalisation: less to legalise, same results, also for host segments.
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

/// Folds constants, then applies the rules of this folder until nothing changes, some of them for builds of one precision alone. Nodes
/// keep their origins.
Status simplify(graph::Graph& graph, hw::Precision precision, graph::Evaluator* evaluator);

}  // namespace medlar::compiler
