// SPDX-License-Identifier: Apache-2.0
// Models that bring their own quantisation, in the forms that quantisers write: all of it on the DLA, within a step of ONNX Runtime.
#include "api/build.hpp"
#include "api/inference.hpp"
#include "base/files.hpp"
#include "e2e/random_graph.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

namespace medlar::test {
namespace {

using graph::DataType;
using graph::Tensor;
using graph::ValueId;

constexpr float kOutputStep = 0.05f;

/// How a quantiser writes activations and weights.
struct Style {
  const char* name;
  bool drops_relu;     ///< uint8 activations: the zero point cuts where the Relu did.
  bool float_weights;  ///< Weights as floats through both operators (training), else stored integers.
  bool by_channel;
  bool on_integers = false;  ///< QLinearConv and a MaxPool of integers instead of pairs around operators on floats.
  bool channels_last = false;  ///< A Transpose before and after what wants channels first.
};

void PrintTo(const Style& style, std::ostream* stream) {
  *stream << style.name;
}

class QdqBuilder {
 public:
  explicit QdqBuilder(const Style& style) : style_(style), b_(11) { b_.set_opset(13); }

  GraphRun make() { return style_.on_integers ? on_integers() : on_floats(); }

 private:
  GraphRun on_floats() {
    ValueId x = pair(b_.input("x", {1, 8, 9, 9}), 0.01f, DataType::kInt8, 0);
    x = to_last(convolution(x, 16, 8));
    if (!style_.drops_relu) {
      x = b_.node("Relu", {x});
    }
    x = pair(x, 0.01f, style_.drops_relu ? DataType::kUint8 : DataType::kInt8, 0);
    x = b_.node("MaxPool", {to_first(x)}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{1, 1}}});
    x = pair(to_last(x), 0.01f, style_.drops_relu ? DataType::kUint8 : DataType::kInt8, 0);
    x = convolution(to_first(x), 12, 16);
    return b_.finish(pair(x, kOutputStep, style_.drops_relu ? DataType::kUint8 : DataType::kInt8, style_.drops_relu ? 100 : 0));
  }

  ValueId to_last(ValueId x) { return style_.channels_last ? b_.node("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}}) : x; }
  ValueId to_first(ValueId x) { return style_.channels_last ? b_.node("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}}) : x; }

  GraphRun on_integers() {
    const ValueId step = b_.scalar(0.01f);
    const ValueId at_zero = zero_point(DataType::kUint8, 0);
    ValueId x = b_.node("QuantizeLinear", {b_.input("x", {1, 8, 9, 9}, 0.0, 2.0), step, at_zero});
    x = integer_convolution(x, 16, 8, step, at_zero, step, at_zero);
    x = b_.node("MaxPool", {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{1, 1}}});
    const ValueId last_step = b_.scalar(kOutputStep);
    const ValueId last_zero = zero_point(DataType::kUint8, 100);
    x = integer_convolution(x, 12, 16, step, at_zero, last_step, last_zero);
    return b_.finish(b_.node("DequantizeLinear", {x, last_step, last_zero}));
  }

  ValueId integer_convolution(ValueId x, int64_t kernels, int64_t channels, ValueId step, ValueId zero, ValueId out_step, ValueId out_zero) {
    const Kernels k = random_kernels(kernels, channels);
    return b_.node("QLinearConv", {x, step, zero, k.stored, k.scale, k.zero, out_step, out_zero, k.bias}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }

  template <typename T>
  ValueId integers(DataType type, graph::Shape shape, const std::vector<T>& values) {
    return b_.constant(graph::make_tensor(type, std::move(shape), values));
  }
  ValueId zero_point(DataType type, uint8_t zero) { return integers<uint8_t>(type, {}, {zero}); }

  ValueId pair(ValueId x, float step, DataType type, uint8_t zero) {
    const ValueId scale = b_.scalar(step);
    const ValueId point = zero_point(type, zero);
    return b_.node("DequantizeLinear", {b_.node("QuantizeLinear", {x, scale, point}), scale, point});
  }

  struct Kernels {
    ValueId stored, scale, zero, bias;  ///< Bias in steps of 0.01 of the input and 0.004 of the weights.
  };

  Kernels random_kernels(int64_t kernels, int64_t channels) {
    const auto scales = static_cast<size_t>(style_.by_channel ? kernels : 1);
    const std::vector<float> steps(scales, 0.004f);
    Kernels k{};
    k.scale = style_.by_channel ? b_.floats(steps) : b_.scalar(steps[0]);
    k.zero = style_.by_channel ? integers(DataType::kInt8, {kernels}, std::vector<int8_t>(scales, 0)) : zero_point(DataType::kInt8, 0);
    const graph::Shape shape = {kernels, channels, 3, 3};
    if (style_.float_weights) {
      k.stored = b_.node("QuantizeLinear", {b_.random(shape, -0.5, 0.5), k.scale, k.zero}, axis());
    } else {
      std::vector<int8_t> values(static_cast<size_t>(kernels * channels * 9));
      std::generate(values.begin(), values.end(), [&] { return static_cast<int8_t>(static_cast<int>(b_.pick(255)) - 127); });
      k.stored = integers(DataType::kInt8, shape, values);
    }
    std::vector<int32_t> biases(static_cast<size_t>(kernels));
    std::generate(biases.begin(), biases.end(), [&] { return static_cast<int32_t>(b_.pick(20001)) - 10000; });
    k.bias = integers(DataType::kInt32, {kernels}, biases);
    return k;
  }

  ValueId convolution(ValueId x, int64_t kernels, int64_t channels) {
    const Kernels k = random_kernels(kernels, channels);
    const ValueId weights = b_.node("DequantizeLinear", {k.stored, k.scale, k.zero}, axis());
    const ValueId bias = b_.node("DequantizeLinear", {k.bias, b_.scalar(4e-5f)});
    return b_.node("Conv", {x, weights, bias}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }

  std::map<std::string, graph::Attribute> axis() const {
    return style_.by_channel ? std::map<std::string, graph::Attribute>{{"axis", int64_t{0}}} : std::map<std::string, graph::Attribute>{};
  }

  Style style_;
  TripBuilder b_;
};

class Qdq : public testing::TestWithParam<Style> {
 protected:
  Qdq() : file_(std::filesystem::path(testing::TempDir()) / ("medlar_qdq_" + std::to_string(::getpid()) + ".onnx")) {}
  ~Qdq() override { std::filesystem::remove(file_); }
  std::filesystem::path file_;
};

TEST_P(Qdq, RunsOnTheDlaWithinAStepOfOnnxRuntime) {
  const GraphRun run = QdqBuilder(GetParam()).make();
  const auto wanted = reference_run(run);
  ASSERT_TRUE(wanted) << wanted.error().to_string();
  ASSERT_TRUE(write_file(file_, *model_of(run)));
  for (const char* device : {"nv_full", "nv_small", "nv_large"}) {
    auto engine = api::build({.model = file_, .device = device, .precision = hw::Precision::kInt8});
    ASSERT_TRUE(engine) << engine.error().to_string();
    for (const compiler::Placement& row : engine->plan.placements) {
      EXPECT_TRUE(row.segment < 0 || row.engine == compiler::Engine::kDla) << row.node << " " << row.reason;
    }
    auto inference = api::Inference::create(std::move(*engine), "", "qdq");
    ASSERT_TRUE(inference) << inference.error().to_string();
    const auto result = inference->run(run.inputs);
    ASSERT_TRUE(result) << result.error().to_string();
    const auto ours = *graph::to_doubles(result->outputs.begin()->second);
    const auto theirs = *graph::to_doubles(wanted->begin()->second);
    ASSERT_EQ(ours.size(), theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      ASSERT_LE(std::fabs(ours[i] - theirs[i]), 1.001 * kOutputStep) << device << " element " << i << ": " << ours[i] << " " << theirs[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, Qdq,
                         testing::Values(Style{"symmetric", false, false, true}, Style{"asymmetric", true, false, false},
                                         Style{"asymmetric_by_channel", true, false, true}, Style{"trained", false, true, true},
                                         Style{"integers", true, false, false, true}, Style{"integers_by_channel", true, false, true, true},
                                         Style{"channels_last", true, false, true, false, true}),
                         [](const auto& style) { return std::string(style.param.name); });

}  // namespace
}  // namespace medlar::test
