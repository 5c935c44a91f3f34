// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/split_averages.hpp"

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {

void split_averages(graph::Graph& graph) {
  /// Below it, a second operation costs more than the weights.
  constexpr int64_t kLeastPixels = 32;
  replace_nodes(graph, [](graph::Graph& g, const graph::Node& node) -> Replacement {
    const auto in = is_op(node, "GlobalAveragePool") ? known_shape(g, node.inputs[0]) : std::nullopt;
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
