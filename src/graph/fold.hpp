// SPDX-License-Identifier: Apache-2.0
// Constant folding: shape arithmetic natively, everything else through an Evaluator.
#pragma once

#include "graph/graph.hpp"

namespace medlar::graph {

struct FoldOptions {
  uint64_t max_bytes = uint64_t{512} << 20;  ///< Results larger than this stay nodes.
};

/// Infers shapes, then turns nodes with constant results into constants and removes Identity and (inference) Dropout,
/// until nothing changes; dead nodes and values go. Names of graph inputs and outputs stay. `evaluator` may be null:
/// then only shape arithmetic folds. Returns the number of nodes that went.
Result<int> fold_constants(Graph& graph, Evaluator* evaluator, const FoldOptions& options = {});

}  // namespace medlar::graph
