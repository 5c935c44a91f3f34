// SPDX-License-Identifier: Apache-2.0
#include "host/evaluator.hpp"

#include "support/test_data.hpp"

namespace medlar::host {
namespace {

TEST(Evaluator, RunsOneNodeOnConstants) {
  using graph::DataType;
  graph::Graph graph;
  graph.opsets[""] = 13;
  const auto constant = std::make_shared<graph::Tensor>(graph::make_tensor<float>(DataType::kFloat32, {2}, {1, 2}));
  const graph::ValueId a = graph::add_value(graph, {"a", DataType::kFloat32, graph::Shape{2}, constant});
  const graph::ValueId y = graph::add_value(graph, {"y", DataType::kFloat32, std::nullopt, nullptr});
  graph.nodes.push_back({.name = "double", .op_type = "Add", .domain = "", .inputs = {a, a}, .outputs = {y}, .attributes = {}, .origins = {}});
  OnnxEvaluator evaluator;
  const auto result = evaluator.run(graph, graph.nodes[0], {constant.get(), constant.get()});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->front(), (graph::make_tensor<float>(DataType::kFloat32, {2}, {2, 4})));
}

}  // namespace
}  // namespace medlar::host
