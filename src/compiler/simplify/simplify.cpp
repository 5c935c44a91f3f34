// SPDX-License-Identifier: Apache-2.0
// Order of the graph rewrites.
#include "compiler/simplify/simplify.hpp"

#include "compiler/simplify/cancel_transposes.hpp"
#include "compiler/simplify/fold_pad.hpp"
#include "compiler/simplify/recognise_shuffles.hpp"
#include "compiler/simplify/reduce_space.hpp"
#include "compiler/simplify/split_convs.hpp"
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
  cancel_transposes(graph);
  recognise_shuffles(graph);
  MEDLAR_TRY(fold_pads(graph));
  split_convs(graph);
  graph::remove_dead(graph);
  return graph::verify(graph);
}

}  // namespace medlar::compiler
