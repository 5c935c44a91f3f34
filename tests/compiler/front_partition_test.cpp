// SPDX-License-Identifier: Apache-2.0
// Segments: few, convex, in an order that runs; checked against brute force on random graphs.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "compiler/partition/partition.hpp"
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

/// Fewest segments by trying every next segment: maximal runs are not assumed, every downward-closed choice counts.
int fewest_segments(const graph::Graph& graph, const std::vector<Engine>& engine, uint32_t done, int limit) {
  const auto count = static_cast<uint32_t>(graph.nodes.size());
  if (done == (1u << count) - 1) {
    return 0;
  }
  if (limit == 0) {
    return 1000;
  }
  const auto makers = graph::producers(graph);
  int best = 1000;
  for (uint32_t segment = 1; segment < (1u << count); ++segment) {
    bool legal = (segment & done) == 0;
    Engine first = Engine::kGpu;
    for (uint32_t i = 0; legal && i < count; ++i) {
      if ((segment >> i & 1) == 0) {
        continue;
      }
      first = first == Engine::kGpu ? engine[i] : first;
      legal = engine[i] == first;
      for (const ValueId id : graph.nodes[i].inputs) {
        const auto maker = makers[static_cast<size_t>(id)];
        legal = legal && (maker == graph::kNoValue || ((segment | done) >> maker & 1) != 0);
      }
    }
    if (legal) {
      best = std::min(best, 1 + fewest_segments(graph, engine, done | segment, std::min(limit - 1, best - 1)));
    }
  }
  return best;
}

TEST(FrontPartition, FewestSegmentsOnSmallGraphs) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 12; ++trial) {
    const graph::Graph graph = random_graph(random, 5);
    std::vector<Engine> engine;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      engine.push_back(random() % 2 == 0 ? Engine::kDla : Engine::kCpu);
    }
    EXPECT_EQ(static_cast<int>(cut_segments(graph, engine).size()), fewest_segments(graph, engine, 0, 6));
  }
}

TEST(FrontPartition, SegmentsRunInOrderAndCoverEveryNodeOnce) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 50; ++trial) {
    const graph::Graph graph = random_graph(random, 30);
    std::vector<Engine> engine;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      engine.push_back(random() % 2 == 0 ? Engine::kDla : Engine::kCpu);
    }
    std::set<ValueId> known(graph.inputs.begin(), graph.inputs.end());
    size_t nodes = 0;
    for (const SegmentNodes& segment : cut_segments(graph, engine)) {
      for (const ValueId id : segment.inputs) {
        EXPECT_TRUE(known.contains(id));
      }
      std::set<ValueId> inside = known;
      for (const graph::NodeId id : segment.nodes) {
        EXPECT_EQ(engine[static_cast<size_t>(id)], segment.engine);
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

TEST(FrontPartition, LightIslandsMoveHeavyOnesStay) {
  for (const std::string op : {"Relu", "Conv"}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 1, 1, 1});
    const ValueId a = b.node("Softmax", "a", {x}, {1, 1, 1, 1});
    const ValueId m = b.node(op, "middle", {a}, {1, 1, 1, 1});
    b.output(b.node("Softmax", "c", {m}, {1, 1, 1, 1}));
    Assignment assignment{.engine = {Engine::kCpu, Engine::kDla, Engine::kCpu}, .refusal = {}};
    assignment.refusal.resize(3);
    demote_islands(b.graph(), assignment);
    EXPECT_EQ(assignment.engine[1], op == "Relu" ? Engine::kCpu : Engine::kDla);
    EXPECT_EQ(assignment.refusal[1].has_value(), op == "Relu");
  }
}

}  // namespace
}  // namespace medlar::compiler::test
