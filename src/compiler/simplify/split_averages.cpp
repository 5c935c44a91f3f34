// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/split_averages.hpp"

#include <algorithm>
#include <vector>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

/// Most products on any way from each value to an output. The nodes are in order.
std::vector<int> products_behind(const graph::Graph& graph) {
  std::vector<int> behind(graph.values.size(), 0);
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    int most = 0;
    for (const graph::ValueId id : node->outputs) {
      most = id == graph::kNoValue ? most : std::max(most, behind[static_cast<size_t>(id)]);
    }
    most += graph::is_product(*node) ? 1 : 0;
    for (const graph::ValueId id : node->inputs) {
      if (id != graph::kNoValue) {
        int& own = behind[static_cast<size_t>(id)];
        own = std::max(own, most);
      }
    }
  }
  return behind;
}

}  // namespace

void split_averages(graph::Graph& graph) {
  /// Below it, a second operation costs more than the weights.
  constexpr int64_t kLeastPixels = 32;
  /// In front of the classifier, or without one, rounding twice decides pictures; there is one such average in a network.
  constexpr int kLeastProducts = 2;
  const std::vector<int> behind = products_behind(graph);
  replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    const bool average = is_op(node, "GlobalAveragePool") && behind[static_cast<size_t>(node.outputs[0])] >= kLeastProducts;
    const auto in = average ? known_shape(g, node.inputs[0]) : std::nullopt;
    if (!in || in->size() != 4 || (*in)[2] < 2 || (*in)[3] < 2 || (*in)[2] * (*in)[3] < kLeastPixels) {
      return std::nullopt;
    }
    const int64_t height = (*in)[2];
    const int64_t width = (*in)[3];
    Builder builder(g, node);
    const graph::ValueId rows = builder.add("rows", "AveragePool", {node.inputs[0]}, {(*in)[0], (*in)[1], height, 1},
                                            {{"kernel_shape", std::vector<int64_t>{1, width}}});
    g.value(rows).rearranges = g.value(node.inputs[0]).name;  // not beyond it, where no range was measured
    builder.finish("AveragePool", {rows}, {{"kernel_shape", std::vector<int64_t>{height, 1}}});
    return builder.take();
  });
}

}  // namespace medlar::compiler
