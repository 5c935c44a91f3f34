// SPDX-License-Identifier: Apache-2.0
// Partition: convex segments in an order that runs, wishes, limits and reasons. front_search_test.cpp proves the optimum.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "compiler/partition/partition.hpp"
#include "compiler/partition/riders.hpp"
#include "front_graphs.hpp"

namespace medlar::compiler::test {
namespace {

/// A random graph of one-output nodes on at most two operands.
graph::Graph random_graph(std::mt19937& random, int nodes) {
  GraphBuilder b;
  std::vector<ValueId> values = {b.input("x", {1, 1, 1, 1})};
  for (int i = 0; i < nodes; ++i) {
    const ValueId left = values[random() % values.size()];
    const ValueId right = values[random() % values.size()];
    values.push_back(b.node("Add", "n" + std::to_string(i), {left, right}, {1, 1, 1, 1}));
  }
  b.output(values.back());
  return b.graph();
}

Verdicts refuse_some(std::mt19937& random, size_t nodes) {
  Verdicts verdicts;
  for (size_t i = 0; i < nodes; ++i) {
    verdicts.push_back(random() % 2 == 0 ? std::optional<Refusal>() : Refusal{Reason::kOperator, "", ""});
  }
  return verdicts;
}

struct Case {
  Verdicts verdicts;
  PartitionCosts costs = {};
  std::vector<EngineRule> rules = {};
  bool allow_fallback = true;
};

Result<Partition> run(const graph::Graph& graph, const Case& c) {
  return partition({.graph = graph, .verdicts = c.verdicts, .costs = c.costs, .rules = c.rules, .allow_fallback = c.allow_fallback});
}

TEST(FrontPartition, SegmentsRunInOrderAndCoverEveryNodeOnce) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 50; ++trial) {
    const graph::Graph graph = random_graph(random, 30);
    const Case c{.verdicts = refuse_some(random, graph.nodes.size()), .costs = {.has_gpu = trial % 2 == 0}};
    const auto parts = run(graph, c);
    ASSERT_TRUE(parts);
    std::set<ValueId> known(graph.inputs.begin(), graph.inputs.end());
    size_t nodes = 0;
    for (const SegmentNodes& segment : parts->segments) {
      for (const ValueId id : segment.inputs) {
        EXPECT_TRUE(known.contains(id));
      }
      std::set<ValueId> inside = known;
      for (const graph::NodeId id : segment.nodes) {
        EXPECT_EQ(parts->assignment.engine[static_cast<size_t>(id)], segment.engine);
        EXPECT_EQ(parts->assignment.refusal[static_cast<size_t>(id)].has_value(), segment.engine != Engine::kDla);
        for (const ValueId in : graph.nodes[static_cast<size_t>(id)].inputs) {
          EXPECT_TRUE(inside.contains(in));
        }
        inside.insert(graph.nodes[static_cast<size_t>(id)].outputs[0]);
      }
      known.insert(segment.outputs.begin(), segment.outputs.end());
      nodes += segment.nodes.size();
    }
    EXPECT_EQ(nodes, graph.nodes.size());
  }
}

/// Softmax, `op`, Softmax: the DLA runs the middle.
GraphBuilder sandwich(const std::string& op) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 4, 4});
  const ValueId a = b.node("Softmax", "a", {x}, {1, 8, 4, 4});
  const ValueId w = b.random({8, 8, 1, 1});
  const ValueId m = b.node(op, "middle", op == "Conv" ? std::vector{a, w} : std::vector{a}, {1, 8, 4, 4});
  b.output(b.node("Softmax", "c", {m}, {1, 8, 4, 4}));
  return b;
}

const Verdicts kSandwich = {Refusal{Reason::kOperator, "", ""}, std::nullopt, Refusal{Reason::kOperator, "", ""}};

TEST(FrontPartition, LightIslandsMoveHeavyOnesStay) {
  for (const std::string op : {"Relu", "Conv"}) {
    const auto parts = run(sandwich(op).graph(), {.verdicts = kSandwich});
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->assignment.engine[1], op == "Relu" ? Engine::kCpu : Engine::kDla);
    EXPECT_EQ(parts->segments.size(), op == "Relu" ? 1U : 3U);
    ASSERT_EQ(parts->assignment.refusal[1].has_value(), op == "Relu");
    if (op == "Relu") {
      EXPECT_EQ(parts->assignment.refusal[1]->reason, Reason::kIsland);
      EXPECT_EQ(parts->assignment.refusal[1]->detail, "3 segments instead of 1");
    }
  }
}

TEST(FrontPartition, ALightIslandStaysWhereTransitionsAreCheap) {
  PartitionCosts costs{.transition_seconds = 1e-6};
  costs.seconds = [](const graph::Graph&, const graph::Node&, Engine engine) { return engine == Engine::kDla ? 1e-6 : 1e-3; };
  const auto parts = run(sandwich("Relu").graph(), {.verdicts = kSandwich, .costs = costs});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->assignment.engine[1], Engine::kDla);
}

/// What comes of a model with an If: nothing after it has a type beforehand, and no part of it can be a segment of its own.
TEST(FrontPartition, ADefaultForTheGpuGivesWayWhereNoTypeIsKnown) {
  graph::Graph graph = sandwich("Relu").graph();
  graph.value(graph.nodes[2].outputs[0]).type = graph::DataType::kUndefined;
  const PartitionCosts gpu{.has_gpu = true};
  const std::vector<EngineRule> by_default{{.pattern = "*", .engine = Engine::kGpu, .firm = false}};
  const auto parts = run(graph, {.verdicts = kSandwich, .costs = gpu, .rules = by_default});
  ASSERT_TRUE(parts);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(parts->assignment.engine[i], Engine::kCpu);
    EXPECT_EQ(parts->assignment.refusal[i]->reason, Reason::kOnRequest);
    EXPECT_FALSE(parts->assignment.refusal[i]->hint.empty());
  }
  EXPECT_FALSE(run(graph, {.verdicts = kSandwich, .rules = by_default})) << "a device without a GPU";
}

TEST(FrontPartition, WishesAreHonoured) {
  GraphBuilder b = sandwich("Conv");
  const PartitionCosts gpu{.has_gpu = true};
  auto parts = run(b.graph(), {.verdicts = kSandwich, .costs = gpu});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->assignment.engine[0], Engine::kGpu) << "the default fallback where there is one";
  parts = run(b.graph(), {.verdicts = kSandwich, .costs = gpu, .rules = {{"*", Engine::kGpu}, {"mid*", Engine::kCpu}}});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->assignment.engine[1], Engine::kCpu);
  EXPECT_EQ(parts->assignment.refusal[1]->reason, Reason::kOnRequest);
  EXPECT_EQ(parts->assignment.engine[2], Engine::kGpu);
  parts = run(sandwich("Relu").graph(), {.verdicts = kSandwich, .rules = {{"middle", Engine::kDla}}});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->assignment.engine[1], Engine::kDla) << "a wish keeps an island";
  parts = run(b.graph(), {.verdicts = kSandwich, .rules = {{"middle", Engine::kGpu}}});
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code, Code::kUnsupported);
}

TEST(FrontPartition, AValueWithoutATypeKeepsTheHostOnOneEngine) {
  GraphBuilder b = sandwich("Conv");
  b.graph().value(b.graph().nodes[0].outputs[0]).type = graph::DataType::kUndefined;
  const auto parts = run(b.graph(), {.verdicts = kSandwich, .costs = {.has_gpu = true}});
  ASSERT_TRUE(parts);
  for (const Engine engine : parts->assignment.engine) {
    EXPECT_NE(engine, Engine::kGpu);
  }
}

TEST(FrontPartition, FallbackOffKeepsIslands) {
  const auto parts = run(sandwich("Relu").graph(), {.verdicts = kSandwich, .allow_fallback = false});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->assignment.engine[1], Engine::kDla);
}

TEST(FrontPartition, TheLimitOfLoadablesDropsTheSmallestSegments) {
  GraphBuilder b;
  ValueId x = b.input("x", {1, 8, 4, 4});
  Verdicts verdicts;
  for (int i = 0; i < 6; ++i) {  // The second convolution of six is the smallest.
    const int64_t kernel = i == 1 ? 1 : 3;
    x = b.node("Conv", "conv" + std::to_string(i), {x, b.random({8, 8, kernel, kernel})}, {1, 8, 4, 4});
    x = b.node("Softmax", "soft" + std::to_string(i), {x}, {1, 8, 4, 4});
    verdicts.insert(verdicts.end(), {std::nullopt, Refusal{Reason::kOperator, "", ""}});
  }
  b.output(x);
  const auto parts = run(b.graph(), {.verdicts = verdicts, .costs = {.max_loadables = 5}});
  ASSERT_TRUE(parts);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(parts->assignment.engine[static_cast<size_t>(2 * i)], i == 1 ? Engine::kCpu : Engine::kDla) << i;
  }
  ASSERT_TRUE(parts->assignment.refusal[2]);
  EXPECT_EQ(parts->assignment.refusal[2]->reason, Reason::kLoadables);
  EXPECT_EQ(parts->assignment.refusal[2]->detail, "6 DLA segments, limit 5");
}

TEST(FrontPartition, RulesAreParsedAsTrtexecWritesThem) {
  const auto rules = parse_engine_rules("conv:1:DLA,block*:GPU,*:CPU");
  ASSERT_TRUE(rules);
  ASSERT_EQ(rules->size(), 3U);
  EXPECT_EQ((*rules)[0].pattern, "conv:1");
  EXPECT_TRUE(matches((*rules)[1], "block/3") && !matches((*rules)[1], "a/block") && matches((*rules)[2], ""));
  EXPECT_TRUE(matches({"a*b", Engine::kDla}, "axb") && !matches({"ab*b", Engine::kDla}, "ab"));
  for (const char* bad : {"conv", "conv:NPU", ":DLA", "a*b*:DLA", "conv:dla"}) {
    EXPECT_FALSE(parse_engine_rules(bad)) << bad;
  }
  EXPECT_FALSE(check_rules({{"nothing", Engine::kCpu}}, sandwich("Relu").graph()));
}

/// conv -> gate = Sigmoid(conv) -> silu = conv * gate -> sum = silu + x.
graph::Graph gated_convolution(bool gate_is_read) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 4, 4});
  const ValueId conv = b.node("Conv", "conv", {x, b.random({8, 8, 1, 1})}, {1, 8, 4, 4});
  const ValueId gate = b.node("Sigmoid", "gate", {conv}, {1, 8, 4, 4});
  const ValueId silu = b.node("Mul", "silu", {conv, gate}, {1, 8, 4, 4});
  b.output(b.node("Add", "sum", {silu, x}, {1, 8, 4, 4}));
  if (gate_is_read) {
    b.output(gate);
  }
  return b.graph();
}

TEST(Riders, FollowTheirConvolutionUntilAnotherTensorJoins) {
  using graph::kNoValue;
  EXPECT_EQ(rides_with(gated_convolution(false)), (std::vector<graph::NodeId>{kNoValue, 0, 0, kNoValue}));
}

TEST(Riders, DoNotWhereTheFamilyIsReadTwice) {
  EXPECT_EQ(rides_with(gated_convolution(true)), std::vector<graph::NodeId>(4, graph::kNoValue));
}

}  // namespace
}  // namespace medlar::compiler::test
