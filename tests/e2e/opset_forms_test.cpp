// SPDX-License-Identifier: Apache-2.0
// Casts between floats, and operators whose attributes became inputs, or whose defaults changed, in every form from opset 7 to 22: on the DLA, and right.
#include "api/inference.hpp"
#include "e2e/random_graph.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medlar::test {
namespace {

using graph::kNoValue;
using graph::ValueId;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

struct Form {
  const char* name;
  int64_t first, last;  ///< Opsets with this form.
  ValueId (*make)(TripBuilder& b, ValueId x);
};

constexpr int64_t kOldest = 7;
constexpr int64_t kNewest = 22;

const Form kForms[] = {
    {"ClipAttributes", 7, 10, [](TripBuilder& b, ValueId x) { return b.node("Clip", {x}, {{"min", -0.5f}, {"max", 0.25f}}); }},
    {"Casts", 7, 22, [](TripBuilder& b, ValueId x) {
       constexpr auto kHalf = static_cast<int64_t>(graph::DataType::kFloat16);
       constexpr auto kFloat = static_cast<int64_t>(graph::DataType::kFloat32);
       return b.node("Cast", {b.node("Relu", {b.node("Cast", {x}, {{"to", kHalf}})})}, {{"to", kFloat}});
     }},
    {"ClipInputs", 11, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Clip", {x, b.scalar(-0.5f), b.scalar(0.25f)});
     }},
    {"PadAttributes", 7, 10, [](TripBuilder& b, ValueId x) {
       return b.node("Pad", {x}, {{"pads", Ints{0, 0, 1, 2, 0, 0, 0, 1}}, {"value", 0.5f}});
     }},
    {"PadInputs", 11, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Pad", {x, b.ints({0, 0, 1, 2, 0, 0, 0, 1}), b.scalar(0.5f)});
     }},
    {"PadAxes", 18, 22, [](TripBuilder& b, ValueId x) { return b.node("Pad", {x, b.ints({1, 2}), kNoValue, b.ints({3})}); }},
    {"SliceAttributes", 7, 9, [](TripBuilder& b, ValueId x) {
       return b.node("Slice", {x}, {{"starts", Ints{1, 2}}, {"ends", Ints{6, 7}}, {"axes", Ints{2, 3}}});
     }},
    {"SliceInputs", 10, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Slice", {x, b.ints({1}), b.ints({7}), b.ints({3}), b.ints({2})});
     }},
    {"SplitAttribute", 7, 12, [](TripBuilder& b, ValueId x) {
       const auto parts = b.nodes("Split", {x}, 2, {{"axis", int64_t{1}}, {"split", Ints{8, 4}}});
       return b.node("Concat", {parts[1], parts[0]}, {{"axis", int64_t{1}}});
     }},
    {"SplitInput", 13, 22, [](TripBuilder& b, ValueId x) {
       const auto parts = b.nodes("Split", {x, b.ints({8, 4})}, 2, {{"axis", int64_t{1}}});
       return b.node("Concat", {parts[1], parts[0]}, {{"axis", int64_t{1}}});
     }},
    {"SplitCount", 18, 22, [](TripBuilder& b, ValueId x) {
       const auto parts = b.nodes("Split", {x}, 2, {{"axis", int64_t{3}}, {"num_outputs", int64_t{2}}});
       return b.node("Add", {parts[0], parts[1]});
     }},
    {"SqueezeAttribute", 7, 12, [](TripBuilder& b, ValueId x) {
       return b.node("Squeeze", {b.node("GlobalAveragePool", {x})}, {{"axes", Ints{2, 3}}});
     }},
    {"SqueezeInput", 13, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Squeeze", {b.node("GlobalAveragePool", {x}), b.ints({2, 3})});
     }},
    {"ReduceMeanAttribute", 7, 17, [](TripBuilder& b, ValueId x) {
       return b.node("ReduceMean", {x}, {{"axes", Ints{2, 3}}, {"keepdims", int64_t{1}}});
     }},
    {"ReduceMeanInput", 18, 22, [](TripBuilder& b, ValueId x) { return b.node("ReduceMean", {x, b.ints({-1, -2})}); }},
    {"ReduceSumAttribute", 7, 12, [](TripBuilder& b, ValueId x) { return b.node("ReduceSum", {x}, {{"axes", Ints{1}}}); }},
    {"ReduceSumInput", 13, 22, [](TripBuilder& b, ValueId x) { return b.node("ReduceSum", {x, b.ints({1})}); }},
    {"UpsampleAttribute", 7, 8, [](TripBuilder& b, ValueId x) { return b.node("Upsample", {x}, {{"scales", Floats{1, 1, 2, 2}}}); }},
    {"UpsampleInput", 9, 9, [](TripBuilder& b, ValueId x) { return b.node("Upsample", {x, b.floats({1, 1, 2, 2})}); }},
    {"ResizeTen", 10, 10, [](TripBuilder& b, ValueId x) { return b.node("Resize", {x, b.floats({1, 1, 2, 2})}); }},
    {"ResizeScales", 11, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Resize", {x, b.floats({}), b.floats({1, 1, 2, 2})}, {{"mode", std::string("linear")}});
     }},
    {"ResizeSizes", 11, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Resize", {x, b.floats({}), b.floats({}), b.ints({1, 12, 16, 16})}, {{"mode", std::string("nearest")}});
     }},
    {"ResizeAxes", 18, 22, [](TripBuilder& b, ValueId x) {
       return b.node("Resize", {x, kNoValue, b.floats({2, 2})}, {{"axes", Ints{2, 3}}, {"mode", std::string("linear")}});
     }},
    {"DropoutAttribute", 7, 11, [](TripBuilder& b, ValueId x) { return b.node("Relu", {b.node("Dropout", {x}, {{"ratio", 0.3f}})}); }},
    {"BatchNormalization", 7, 22, [](TripBuilder& b, ValueId x) {
       return b.node("BatchNormalization", {x, b.random({12}, 0.5, 1.5), b.random({12}, -1, 1), b.random({12}, -1, 1),
                                            b.random({12}, 0.5, 1.5)});
     }},
    {"AveragePool", 7, 22, [](TripBuilder& b, ValueId x) {
       return b.node("AveragePool", {x}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
     }},
    {"PRelu", 7, 22, [](TripBuilder& b, ValueId x) { return b.node("PRelu", {x, b.random({12, 1, 1}, 0, 0.5)}); }},
    {"Gemm", 7, 22, [](TripBuilder& b, ValueId x) {
       const ValueId row = b.node("Flatten", {b.node("GlobalMaxPool", {x})});
       return b.node("Gemm", {row, b.random({12, 5}, -0.5, 0.5), b.random({5}, -0.5, 0.5)});
     }},
    {"DepthToSpace", 7, 22, [](TripBuilder& b, ValueId x) { return b.node("DepthToSpace", {x}, {{"blocksize", int64_t{2}}}); }},
    {"HardSwish", 14, 22, [](TripBuilder& b, ValueId x) { return b.node("HardSwish", {x}); }},
};

void expect_on_dla(GraphRun run, const std::string& name) {
  const auto wanted = reference_run(run);
  ASSERT_TRUE(wanted) << name << ": " << wanted.error().to_string();
  auto engine = build_run(run, {.device = "nv_full", .precision = hw::Precision::kFp16});
  ASSERT_TRUE(engine) << name << ": " << engine.error().to_string();
  for (const compiler::Placement& row : engine->plan.placements) {
    EXPECT_TRUE(row.segment < 0 || row.engine == compiler::Engine::kDla) << name << ": " << row.node << " " << row.reason;
  }
  auto inference = api::Inference::create(std::move(*engine), "", name);
  ASSERT_TRUE(inference) << name << ": " << inference.error().to_string();
  const auto result = inference->run(run.inputs);
  ASSERT_TRUE(result) << name << ": " << result.error().to_string();
  for (const auto& [output, tensor] : *wanted) {
    EXPECT_LE(relative_error(result->outputs.at(output), tensor), 1e-2) << name;
  }
}

TEST(OpsetForms, EveryFormRunsOnTheDla) {
  for (const Form& form : kForms) {
    for (int64_t opset = std::max(form.first, kOldest); opset <= std::min(form.last, kNewest); ++opset) {
      TripBuilder b(static_cast<uint32_t>(opset));
      b.set_opset(opset);
      const ValueId x = b.input("x", {1, 12, 8, 8});
      expect_on_dla(b.finish(form.make(b, x)), fmt::format("{} at opset {}", form.name, opset));
    }
  }
}

}  // namespace
}  // namespace medlar::test
