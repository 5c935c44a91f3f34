// SPDX-License-Identifier: Apache-2.0
// Order of the graph rewrites.
#include "compiler/simplify/simplify.hpp"

#include "compiler/simplify/fold_pad.hpp"
#include "compiler/simplify/reduce_space.hpp"
#include "compiler/simplify/split_variadic.hpp"
#include "graph/fold.hpp"
#include "graph/shape_inference.hpp"

namespace medlar::compiler {

Status simplify(graph::Graph& graph, graph::Evaluator* evaluator) {
  MEDLAR_TRY(graph::fold_constants(graph, evaluator));
  for (graph::Node& node : graph.nodes) {
    if (node.origins.empty()) {
      node.origins = {node.name};
    }
  }
  split_variadic(graph);
  reduce_space(graph);
  MEDLAR_ASSIGN(const bool padded, fold_pads(graph));
  if (padded) {
    graph::remove_dead(graph);
  }
  return graph::verify(graph);
}

}  // namespace medlar::compiler
