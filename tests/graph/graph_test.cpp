// SPDX-License-Identifier: Apache-2.0
// Producers, consumers, dead code and topological order.
#include "graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ValueId float_value(Graph& graph, std::string name) {
  return add_value(graph, {.name = std::move(name), .type = DataType::kFloat32, .shape = Shape{1}});
}

Node relu(std::string name, ValueId in, ValueId out) {
  return {.name = name, .op_type = "Relu", .inputs = {in}, .outputs = {out}, .origins = {name}};
}

TEST(Graph, DataTypeNamesParseBack) {
  for (int i = 0; i <= 22; ++i) {
    const auto type = static_cast<DataType>(i);
    EXPECT_EQ(parse_data_type(data_type_name(type)), type) << i;
  }
  EXPECT_EQ(parse_data_type("float12"), std::nullopt);
}

TEST(Graph, ElementCountChecksOverflowAndUnknown) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({2, kUnknownDim}), std::nullopt);
  EXPECT_EQ(element_count({int64_t{1} << 40, int64_t{1} << 40}), std::nullopt);
  EXPECT_EQ(element_count({int64_t{1} << 40, int64_t{1} << 40, 0}), 0);
}

TEST(Graph, StorageBytesOfPackedTypesRoundUp) {
  EXPECT_EQ(storage_bytes(DataType::kInt4, {5}), 3u);
  EXPECT_EQ(storage_bytes(DataType::kFloat32, {5}), 20u);
  EXPECT_EQ(storage_bytes(DataType::kString, {5}), std::nullopt);
  EXPECT_EQ(storage_bytes(DataType::kFloat64, {int64_t{1} << 62}), std::nullopt);
}

TEST(Graph, ProducersAndConsumersCountCapturedValues) {
  Graph graph;
  const ValueId x = float_value(graph, "x");
  const ValueId y = float_value(graph, "y");
  const ValueId z = float_value(graph, "z");
  graph.inputs = {x};
  graph.outputs = {z};
  graph.nodes = {relu("a", x, y), relu("b", x, z)};
  graph.nodes[1].attributes["then_branch"] = Subgraph{{}, {"y"}};
  EXPECT_THAT(producers(graph), ElementsAre(kNoValue, 0, 1));
  EXPECT_THAT(consumers(graph), ElementsAre(ElementsAre(0, 1), ElementsAre(1), ElementsAre()));
  remove_dead(graph);
  EXPECT_EQ(graph.nodes.size(), 2u) << "a captured value keeps its producer alive";
}

TEST(Graph, RemoveDeadKeepsInputsAndRenumbers) {
  Graph graph;
  const ValueId unused = float_value(graph, "unused");
  const ValueId x = float_value(graph, "x");
  const ValueId dead = float_value(graph, "dead");
  const ValueId y = float_value(graph, "y");
  const ValueId orphan = float_value(graph, "orphan");
  graph.inputs = {x, unused};
  graph.outputs = {y};
  graph.nodes = {relu("d", x, dead), relu("k", x, y)};
  ASSERT_NE(orphan, kNoValue);
  remove_dead(graph);
  ASSERT_TRUE(verify(graph));
  EXPECT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.values.size(), 3u);
  EXPECT_EQ(graph.value(graph.inputs[1]).name, "unused");
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
}

TEST(Graph, SortIsStable) {
  Graph graph;
  std::vector<ValueId> v;
  for (const char* name : {"x", "a", "b", "c", "d"}) {
    v.push_back(float_value(graph, name));
  }
  graph.inputs = {v[0]};
  graph.outputs = {v[4]};
  graph.nodes = {relu("n2", v[1], v[2]), relu("n1", v[0], v[1]), relu("n3", v[0], v[3]), relu("n4", v[2], v[4])};
  EXPECT_FALSE(verify(graph));
  ASSERT_TRUE(sort_topologically(graph));
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) {
    names.push_back(node.name);
  }
  EXPECT_THAT(names, ElementsAre("n1", "n2", "n3", "n4"));
  EXPECT_TRUE(verify(graph));
}

TEST(Graph, SortNamesANodeOnTheCycleNotOneBehindIt) {
  Graph graph;
  std::vector<ValueId> v;
  for (const char* name : {"x", "a", "b", "c"}) {
    v.push_back(float_value(graph, name));
  }
  graph.inputs = {v[0]};
  graph.outputs = {v[3]};
  graph.nodes = {relu("behind", v[2], v[3]), relu("first", v[2], v[1]), relu("second", v[1], v[2])};
  const Status status = sort_topologically(graph);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, testing::AnyOf(HasSubstr("node first"), HasSubstr("node second")));
}

TEST(Graph, FindValue) {
  Graph graph;
  const ValueId x = float_value(graph, "x");
  EXPECT_EQ(find_value(graph, "x"), x);
  EXPECT_EQ(find_value(graph, "y"), std::nullopt);
}

TEST(Graph, AttributesHaveDefaultsAndAreTypeChecked) {
  Node node{.name = "conv1", .op_type = "Conv"};
  node.attributes["group"] = int64_t{2};
  node.attributes["pads"] = std::vector<int64_t>{1, 2};
  EXPECT_EQ(int_attribute(node, "group", 1), 2);
  EXPECT_EQ(int_attribute(node, "axis", -1), -1);
  EXPECT_EQ(string_attribute(node, "auto_pad", "NOTSET"), "NOTSET");
  EXPECT_THAT(*ints_attribute(node, "pads", {}), ElementsAre(1, 2));
  const auto wrong = float_attribute(node, "group", 1.0f);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "node conv1 (Conv): attribute group is an integer, must be a float");
}

}  // namespace
}  // namespace medlar::graph
