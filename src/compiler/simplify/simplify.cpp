// SPDX-License-Identifier: Apache-2.0
// Order of the graph rewrites.
#include "compiler/simplify/simplify.hpp"

#include "compiler/simplify/band_convs.hpp"
#include "compiler/simplify/cancel_transposes.hpp"
#include "compiler/simplify/fold_pad.hpp"
#include "compiler/simplify/fold_space_to_depth.hpp"
#include "compiler/simplify/join_reshapes.hpp"
#include "compiler/simplify/normalise.hpp"
#include "compiler/simplify/products.hpp"
#include "compiler/simplify/recognise_shuffles.hpp"
#include "compiler/simplify/reduce_space.hpp"
#include "compiler/simplify/sink_transposes.hpp"
#include "compiler/simplify/split_averages.hpp"
#include "compiler/simplify/split_convs.hpp"
#include "compiler/simplify/split_variadic.hpp"
#include "compiler/simplify/spread_pixels.hpp"
#include "graph/fold.hpp"
#include "graph/shape_inference.hpp"

namespace medlar::compiler {
namespace {

/// A product turned into a convolution ends in a Transpose, which sinks to the next product: as many rounds as there are links.
void straighten_products(graph::Graph& graph) {
  constexpr int kMostRounds = 64;
  cancel_transposes(graph, Renames::kStay);
  for (int round = 0; round < kMostRounds; ++round) {
    const bool products = convolve_products(graph);
    const bool moved = sink_transposes(graph);
    if (!products && !moved) {
      break;
    }
    cancel_transposes(graph, Renames::kStay);
  }
  cancel_transposes(graph);
}

}  // namespace

Status simplify(graph::Graph& graph, hw::Precision precision, graph::Evaluator* evaluator) {
  MEDLAR_TRY(graph::fold_constants(graph, evaluator));
  for (graph::Node& node : graph.nodes) {
    if (node.origins.empty()) {
      node.origins = {node.name};
    }
  }
  split_variadic(graph);
  normalise(graph);
  straighten_products(graph);
  reduce_space(graph);   // behind it: an axis of a transposed value is not what it will be
  spread_pixels(graph);  // likewise
  split_variadic(graph); // what was expanded in front of a division
  join_reshapes(graph);
  if (band_convs(graph)) {
    join_reshapes(graph);
  }
  recognise_shuffles(graph);
  fold_space_to_depth(graph);
  MEDLAR_TRY(fold_pads(graph));
  split_convs(graph);
  if (precision == hw::Precision::kInt8) {
    split_averages(graph);
  }
  graph::remove_dead(graph);
  return graph::verify(graph);
}

}  // namespace medlar::compiler
