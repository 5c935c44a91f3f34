// SPDX-License-Identifier: Apache-2.0
// Random small networks, and one operator at a time at the edges of its limits, on the simulated chips, against ONNX Runtime
// in FP32. FP16: 1e-2 in the 2-norm. INT8: 0.02 for each rounding of a tensor to 8 bits that lies on the way.
// MEDLAR_RANDOM_GRAPHS=N runs N seeds instead of the fast subset.
#include <cmath>
#include <cstdlib>

#include "api/inference.hpp"
#include "e2e/random_graph.hpp"
#include "graph/text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medlar::test {
namespace {

using graph::ValueId;
using Ints = std::vector<int64_t>;

struct Outcome {
  double error = 0.0;
  int on_dla = 0, on_host = 0;
  std::string reasons;
};

Result<Outcome> trip(GraphRun run, const TripOptions& options) {
  MEDLAR_ASSIGN(const TensorMap wanted, reference_run(run));
  MEDLAR_ASSIGN(engine::Engine engine, build_run(run, options));
  Outcome outcome;
  for (const compiler::Placement& row : engine.plan.placements) {
    outcome.on_dla += row.segment >= 0 && row.engine == compiler::Engine::kDla ? 1 : 0;
    outcome.on_host += row.segment >= 0 && row.engine != compiler::Engine::kDla ? 1 : 0;
    outcome.reasons += row.reason.empty() ? "" : fmt::format("{}: {} {}\n", row.node, row.reason_code, row.reason);
  }
  MEDLAR_ASSIGN(api::Inference inference, api::Inference::create(std::move(engine), "", run.graph.name));
  MEDLAR_ASSIGN(const api::InferenceResult result, inference.run(run.inputs));
  for (const auto& [name, tensor] : wanted) {
    outcome.error = std::max(outcome.error, relative_error(result.outputs.at(name), tensor));
  }
  return outcome;
}

double bound_of(const TripOptions& options, size_t nodes) {
  return options.precision == hw::Precision::kFp16 ? 1e-2 : 0.02 * std::sqrt(static_cast<double>(nodes) + 1.0) + 0.02;
}

void expect_right(GraphRun run, const TripOptions& options, bool all_on_dla) {
  const size_t nodes = run.graph.nodes.size();
  const std::string text = graph::print(run.graph);
  const std::string name = fmt::format("{} on {} in {}", run.graph.name, options.device, hw::precision_name(options.precision));
  const auto outcome = trip(std::move(run), options);
  ASSERT_TRUE(outcome) << name << ": " << outcome.error().to_string();
  EXPECT_LE(outcome->error, bound_of(options, nodes)) << name << "\n" << outcome->reasons << text;
  if (all_on_dla) {
    EXPECT_EQ(outcome->on_host, 0) << name << "\n" << outcome->reasons;
  }
}

const std::vector<TripOptions> kTargets = {{.device = "nv_full", .precision = hw::Precision::kFp16},
                                           {.device = "nv_full", .precision = hw::Precision::kInt8},
                                           {.device = "nv_small", .precision = hw::Precision::kInt8},
                                           {.device = "nv_large", .precision = hw::Precision::kInt8}};

TEST(RandomGraphs, MatchTheReference) {
  const char* wish = std::getenv("MEDLAR_RANDOM_GRAPHS");
  const uint32_t seeds = wish == nullptr ? 24 : static_cast<uint32_t>(std::strtoul(wish, nullptr, 10));
  for (uint32_t seed = 1; seed <= seeds; ++seed) {
    for (const TripOptions& target : kTargets) {
      expect_right(random_graph(seed, 6), target, false);
    }
  }
}

TEST(RandomGraphs, RewrittenFormsMatchTheReference) {
  const char* wish = std::getenv("MEDLAR_RANDOM_GRAPHS");
  const uint32_t seeds = wish == nullptr ? 30 : static_cast<uint32_t>(std::strtoul(wish, nullptr, 10));
  for (uint32_t seed = 1001; seed <= 1000 + seeds; ++seed) {
    for (const TripOptions& target : kTargets) {
      expect_right(random_rewritten_graph(seed, 6), target, false);
    }
  }
}

TEST(LimitEdges, KernelsAroundThirtyTwo) {
  for (const int64_t kernel : {31, 32, 33, 65}) {
    for (const TripOptions& target : kTargets) {
      TripBuilder b(static_cast<uint32_t>(kernel));
      const ValueId x = b.input("x", {1, 8, 1, 80});
      const ValueId w = b.random({8, 8, 1, kernel}, -0.1, 0.1);
      expect_right(b.finish(b.node("Conv", {x, w}, {{"pads", Ints{0, kernel / 2, 0, kernel / 2}}})), target, true);
    }
  }
}

TEST(LimitEdges, StridesAroundEight) {
  for (const int64_t stride : {7, 8, 9, 10, 16}) {
    TripBuilder b(static_cast<uint32_t>(stride));
    const ValueId x = b.input("x", {1, 2, 1, 320});
    const ValueId w = b.random({8, 2, 1, 20}, -0.3, 0.3);
    expect_right(b.finish(b.node("Conv", {x, w}, {{"strides", Ints{1, stride}}})), kTargets[0], true);
  }
}

TEST(LimitEdges, PoolingWindowsAroundEight) {
  for (const int64_t kernel : {7, 8, 9, 13, 17}) {
    for (const char* op : {"MaxPool", "AveragePool"}) {
      for (const TripOptions& target : kTargets) {
        TripBuilder b(static_cast<uint32_t>(kernel));
        const ValueId x = b.input("x", {1, 9, 20, 21});
        std::map<std::string, graph::Attribute> attributes = {{"kernel_shape", Ints{kernel, kernel}}, {"strides", Ints{2, 2}},
                                                              {"pads", Ints{kernel / 2, kernel / 2, kernel / 2, kernel / 2}}};
        if (op[0] == 'A') {
          attributes["count_include_pad"] = int64_t{1};
        }
        expect_right(b.finish(b.node(op, {x}, std::move(attributes))), target, true);
      }
    }
  }
}

TEST(LimitEdges, SizesAround8192) {
  for (const int64_t size : {8191, 8192, 8193}) {
    TripBuilder b(static_cast<uint32_t>(size));
    const ValueId x = b.input("x", {1, 2, 1, size});
    const auto outcome = trip(b.finish(b.node("Relu", {x})), kTargets[0]);
    ASSERT_TRUE(outcome) << outcome.error().to_string();
    EXPECT_EQ(outcome->on_dla, size <= 8192 ? 1 : 0) << outcome->reasons;
    EXPECT_LE(outcome->error, 1e-2);
    EXPECT_EQ(outcome->reasons.find("MDL2006") != std::string::npos, size > 8192) << outcome->reasons;
  }
}

TEST(LimitEdges, ChannelsAroundAtoms) {
  for (const int64_t channels : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65}) {
    for (const TripOptions& target : kTargets) {
      TripBuilder b(static_cast<uint32_t>(channels));
      const ValueId x = b.input("x", {1, channels, 5, 6});
      const ValueId depthwise = b.node("Conv", {x, b.random({channels, 1, 3, 3}, -0.5, 0.5)},
                                       {{"group", channels}, {"pads", Ints{1, 1, 1, 1}}});
      const ValueId joined = b.node("Concat", {depthwise, x}, {{"axis", int64_t{1}}});
      const double reach = 1.0 / std::sqrt(static_cast<double>(2 * channels));
      expect_right(b.finish(b.node("Conv", {joined, b.random({channels, 2 * channels, 1, 1}, -reach, reach)})), target, true);
    }
  }
}

TEST(LimitEdges, BatchesRunItemByItem) {
  for (const int64_t batch : {1, 2, 5}) {
    for (const TripOptions& target : kTargets) {
      TripBuilder b(static_cast<uint32_t>(batch));
      const ValueId x = b.input("x", {batch, 9, 6, 7});
      const ValueId y = b.node("Conv", {x, b.random({12, 9, 3, 3}, -0.2, 0.2), b.random({12}, -0.5, 0.5)});
      expect_right(b.finish(b.node("Relu", {y})), target, true);
    }
  }
}

}  // namespace
}  // namespace medlar::test
