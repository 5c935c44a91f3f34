// SPDX-License-Identifier: Apache-2.0
// verify() catches each broken invariant and names the culprit.
#include <functional>

#include "graph/graph.hpp"
#include "graph/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::graph {
namespace {

struct BrokenCase {
  std::function<void(Graph&)> breakage;
  std::string message;
};

Graph sound_graph() {
  return *parse(R"(graph "g" {"": 13}
input %x : float32[1]
%w = const : float32[1] [2.0]
%y = Mul(%x, %w) : float32[1]
%z = Relu(%y) : float32[1]
output %z
)");
}

TEST(Verify, AcceptsASoundGraph) {
  EXPECT_TRUE(verify(sound_graph()));
  EXPECT_TRUE(verify(Graph{}));
}

TEST(Verify, NamesEachBrokenInvariant) {
  const std::vector<BrokenCase> cases = {
      {[](Graph& g) { g.values[0].name = ""; }, "value 0 has no name"},
      {[](Graph& g) { g.values[0].name = "y"; }, "two values are named y"},
      {[](Graph& g) { g.values[0].shape = Shape{-2}; }, "value x has a dimension of -2"},
      {[](Graph& g) { g.values[1].shape = Shape{2}; }, "constant w: its data are of another type or shape"},
      {[](Graph& g) { g.inputs.push_back(99); }, "value id 99 of 4"},
      {[](Graph& g) { g.inputs.push_back(1); }, "input w is listed twice or is a constant"},
      {[](Graph& g) { g.nodes[0].inputs[0] = -7; }, "Mul_y: value id -7"},
      {[](Graph& g) { g.nodes[1].outputs[0] = 2; }, "output y is already defined"},
      {[](Graph& g) { g.nodes[1].outputs[0] = kNoValue; }, "has no output"},
      {[](Graph& g) { g.nodes[1].name = g.nodes[0].name; }, "two nodes are named Mul_y"},
      {[](Graph& g) { g.nodes[1].op_type = ""; }, "lacks its name or operator"},
      {[](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }, "Relu_z (Relu) reads y before it is produced"},
      {[](Graph& g) { g.nodes.erase(g.nodes.begin()); }, "reads y, which nothing produces"},
      {[](Graph& g) { g.nodes.pop_back(); }, "output z has no producer"},
      {[](Graph& g) { g.nodes[0].attributes["b"] = Subgraph{{}, {"nowhere"}}; }, "captures a value that does not"},
      {[](Graph& g) { g.nodes[0].attributes["b"] = Subgraph{{}, {"z"}}; }, "reads z before it is produced"},
  };
  for (const BrokenCase& broken : cases) {
    Graph graph = sound_graph();
    broken.breakage(graph);
    const Status status = verify(graph);
    ASSERT_FALSE(status) << broken.message;
    EXPECT_THAT(status.error().message, testing::HasSubstr(broken.message));
  }
}

}  // namespace
}  // namespace medlar::graph
