// SPDX-License-Identifier: Apache-2.0
// graph::Evaluator by ONNX Runtime: constant folding without kernels of our own.
#pragma once

#include "graph/graph.hpp"

namespace medlar::host {

class OnnxEvaluator final : public graph::Evaluator {
 public:
  Result<std::vector<graph::Tensor>> run(const graph::Graph& graph, const graph::Node& node,
                                         const std::vector<const graph::Tensor*>& inputs) override;
};

}  // namespace medlar::host
