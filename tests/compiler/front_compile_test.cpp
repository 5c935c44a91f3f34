// SPDX-License-Identifier: Apache-2.0
// compile() from graph to plan: segments, bindings, placements, refusals, determinism.
#include <gtest/gtest.h>

#include "compiler/compile.hpp"
#include "compiler/reasons.hpp"
#include "front_graphs.hpp"
#include "hw/config.hpp"

namespace medlar::compiler::test {
namespace {

/// conv -> bn -> relu -> pool -> flatten -> fc -> softmax, with an Identity in between.
graph::Graph classifier() {
  GraphBuilder b;
  const ValueId x = b.input("image", {1, 3, 8, 8});
  const Shape shape = {1, 16, 8, 8};
  const ValueId c = b.node("Conv", "conv", {x, b.random({16, 3, 3, 3}), b.random({16})}, shape,
                           {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ValueId n = b.node("BatchNormalization", "bn",
                           {c, b.random({16}, 0.5, 2), b.random({16}), b.random({16}), b.random({16}, 0.1, 2)}, shape);
  const ValueId r = b.node("Relu", "relu", {b.node("Identity", "same", {n}, shape)}, shape);
  const ValueId p = b.node("MaxPool", "pool", {r}, {1, 16, 4, 4},
                           {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const ValueId f = b.node("Flatten", "flat", {p}, {1, 256});
  const ValueId g = b.node("Gemm", "fc", {f, b.random({10, 256}), b.random({10})}, {1, 10}, {{"transB", int64_t{1}}});
  b.output(b.node("Softmax", "probabilities", {g}, {1, 10}, {{"axis", int64_t{1}}}));
  return b.graph();
}

CalibrationTable wide_table(const graph::Graph& graph) {
  CalibrationTable table;
  for (const std::string& name : calibration_tensors(graph)) {
    table.ranges[name] = {.min = -4.0f, .max = 8.0f};
  }
  return table;
}

CompileOptions options(std::string_view config, hw::Precision precision) {
  return {.config = *hw::find_config(config), .precision = precision};
}

TEST(FrontCompile, EveryNodeIsAccountedFor) {
  const graph::Graph graph = classifier();
  const CalibrationTable table = wide_table(graph);
  const auto plan = compile(graph, options("nv_small", hw::Precision::kInt8), &table);
  ASSERT_TRUE(plan) << plan.error().to_string();
  ASSERT_EQ(plan->segments.size(), 2u);
  EXPECT_EQ(plan->segments[0].engine, Engine::kDla);
  EXPECT_EQ(plan->segments[0].inputs, std::vector<std::string>{"image"});
  EXPECT_EQ(plan->segments[0].outputs, std::vector<std::string>{"fc"});
  EXPECT_EQ(plan->segments[1].inputs, std::vector<std::string>{"fc"});
  EXPECT_EQ(plan->outputs, std::vector<std::string>{"probabilities"});
  ASSERT_EQ(plan->placements.size(), graph.nodes.size());
  for (const Placement& row : plan->placements) {
    EXPECT_EQ(row.engine == Engine::kDla, row.reason_code.empty() && row.segment == 0) << row.node;
  }
  const Placement& softmax = plan->placements.back();
  EXPECT_EQ(softmax.reason_code, "MDL2001");
  EXPECT_EQ(softmax.segment, 1);
  EXPECT_EQ(plan->placements[0].macs, 16u * 64 * 27);
  const DlaBinding& in = plan->segments[0].bindings_in.at(0);
  EXPECT_FLOAT_EQ(in.scale, 8.0f / static_cast<float>(127 - in.zero));
  EXPECT_LE(in.scale * static_cast<float>(-128 - in.zero), -3.99f);
  EXPECT_EQ(in.c, 3);
}

TEST(FrontCompile, SameArgumentsGiveSameBytes) {
  const graph::Graph graph = classifier();
  const CalibrationTable table = wide_table(graph);
  for (const auto precision : {hw::Precision::kInt8, hw::Precision::kFp16}) {
    const auto first = compile(graph, options("nv_full", precision), &table);
    const auto second = compile(graph, options("nv_full", precision), &table);
    ASSERT_TRUE(first && second);
    for (size_t i = 0; i < first->segments.size(); ++i) {
      EXPECT_EQ(first->segments[i].payload, second->segments[i].payload);
    }
  }
}

TEST(FrontCompile, WithoutFallbackTheErrorListsEveryNodeWithItsReason) {
  const graph::Graph graph = classifier();
  const CalibrationTable table = wide_table(graph);
  CompileOptions strict = options("nv_full", hw::Precision::kInt8);
  strict.allow_fallback = false;
  strict.engines = {{"pool", Engine::kCpu}};
  const auto plan = compile(graph, strict, &table);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::kUnsupported);
  EXPECT_NE(plan.error().message.find("probabilities (Softmax): MDL2001"), std::string::npos);
  EXPECT_EQ(plan.error().message.find("pool (MaxPool)"), std::string::npos) << "asked for: no fallback";
}

TEST(FrontCompile, PrecisionThatTheChipLacksGoesToTheHost) {
  const auto rows = place(classifier(), options("nv_small", hw::Precision::kFp16));
  ASSERT_TRUE(rows);
  for (const Placement& row : *rows) {
    EXPECT_NE(row.engine, Engine::kDla);
  }
  EXPECT_EQ(rows->at(0).reason_code, "MDL2021");
}

TEST(FrontCompile, Int8WithoutATableIsAnErrorAndAMissingRangeARefusal) {
  const graph::Graph graph = classifier();
  EXPECT_EQ(compile(graph, options("nv_full", hw::Precision::kInt8), nullptr).error().code, Code::kInvalidArgument);
  CalibrationTable table = wide_table(graph);
  table.ranges.erase("fc");
  const auto plan = compile(graph, options("nv_full", hw::Precision::kInt8), &table);
  ASSERT_TRUE(plan) << plan.error().to_string();
  const Placement& fc = plan->placements[plan->placements.size() - 2];
  EXPECT_EQ(fc.reason_code, "MDL2022") << fc.reason;
  EXPECT_EQ(plan->placements[0].engine, Engine::kDla);
}

TEST(FrontReasons, CodesAreStable) {
  EXPECT_EQ(reason_text(Reason::kOperator).code, "MDL2001");
  EXPECT_EQ(reason_text(Reason::kIsland).code, "MDL2024");
  for (size_t i = 0; i < reasons().size(); ++i) {
    EXPECT_EQ(reasons()[i].code, fmt::format("MDL{}", 2001 + i));
  }
}

TEST(FrontLegalise, RefusalsNameLimitAndValue) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 90, 90});
  b.output(b.node("Conv", "wide", {x, b.random({4, 4, 33, 3})}, {1, 4, 58, 88}));
  b.output(b.node("Conv", "stride", {x, b.random({4, 4, 1, 1})}, {1, 4, 10, 10}, {{"strides", std::vector<int64_t>{9, 9}}}));
  b.output(b.node("Conv", "prime", {x, b.random({4, 4, 1, 1})}, {1, 4, 9, 9}, {{"strides", std::vector<int64_t>{11, 11}}}));
  b.output(b.node("Conv", "sparse", {x, b.random({4, 4, 2, 2})}, {1, 4, 50, 50}, {{"dilations", std::vector<int64_t>{40, 40}}}));
  b.output(b.node("MaxPool", "window", {x}, {1, 4, 74, 74}, {{"kernel_shape", std::vector<int64_t>{9, 9}}, {"dilations", std::vector<int64_t>{2, 2}}}));
  b.output(b.node("Reshape", "move", {b.node("Relu", "relu", {x}, {1, 4, 90, 90}), b.ints({1, 90, 90, 4})}, {1, 90, 90, 4}));
  const auto rows = place(b.graph(), options("nv_full", hw::Precision::kInt8));
  ASSERT_TRUE(rows) << rows.error().to_string();
  EXPECT_EQ(rows->at(0).reason, "") << "the sum of two convolutions";
  EXPECT_EQ(rows->at(1).reason, "") << "pixels to channels, then stride 3";
  EXPECT_EQ(rows->at(2).reason, "stride out of range: stride is 11, possible are 1 to 8");
  EXPECT_EQ(rows->at(3).reason, "dilation out of range: dilation is 40, possible are 1 to 32");
  EXPECT_EQ(rows->at(4).reason_code, "MDL2016");
}

}  // namespace
}  // namespace medlar::compiler::test
