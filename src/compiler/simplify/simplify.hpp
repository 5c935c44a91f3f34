// SPDX-License-Identifier: Apache-2.0
// Rewrites of the ONNX graph in front of legalisation: less to legalise, same results, also for host segments.
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// Folds constants, then applies the rules of this folder until nothing changes. Nodes keep their origins.
Status simplify(graph::Graph& graph, graph::Evaluator* evaluator);

}  // namespace medlar::compiler
