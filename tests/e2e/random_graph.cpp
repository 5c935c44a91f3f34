// SPDX-License-Identifier: Apache-2.0
#include "e2e/random_graph.hpp"

#include <array>
#include <cmath>

#include "graph/shape_inference.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medlar::test {

using graph::Shape;
using graph::ValueId;
using Ints = std::vector<int64_t>;

TripBuilder::TripBuilder(uint32_t seed) : state_(seed * uint64_t{2654435761} + 12345) {
  run_.graph.name = fmt::format("random{}", seed);
  run_.graph.opsets[""] = 18;
}

uint32_t TripBuilder::pick(uint32_t count) {
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state_ >> 33) % count;
}

std::vector<float> TripBuilder::numbers(const Shape& shape, double low, double high) {
  std::vector<float> values(static_cast<size_t>(*graph::element_count(shape)));
  for (float& value : values) {
    value = static_cast<float>(low + (high - low) * pick(1u << 20) / (1u << 20));
  }
  return values;
}

ValueId TripBuilder::constant(graph::Tensor tensor) {
  graph::Value value{.name = fmt::format("c{}", count_++), .type = tensor.type, .shape = tensor.shape, .data = nullptr};
  value.data = std::make_shared<const graph::Tensor>(std::move(tensor));
  return graph::add_value(run_.graph, std::move(value));
}

ValueId TripBuilder::input(const std::string& name, Shape shape, double low, double high) {
  run_.inputs[name] = graph::make_tensor(graph::DataType::kFloat32, shape, numbers(shape, low, high));
  const ValueId id = graph::add_value(
      run_.graph, {.name = name, .type = graph::DataType::kFloat32, .shape = std::move(shape), .data = nullptr});
  run_.graph.inputs.push_back(id);
  return id;
}

ValueId TripBuilder::random(Shape shape, double low, double high) {
  const std::vector<float> values = numbers(shape, low, high);
  return constant(graph::make_tensor(graph::DataType::kFloat32, std::move(shape), values));
}

ValueId TripBuilder::ints(const Ints& values) {
  return constant(graph::make_tensor(graph::DataType::kInt64, {static_cast<int64_t>(values.size())}, values));
}

ValueId TripBuilder::floats(const std::vector<float>& values) {
  return constant(graph::make_tensor(graph::DataType::kFloat32, {static_cast<int64_t>(values.size())}, values));
}

ValueId TripBuilder::scalar(float value) {
  return constant(graph::make_tensor(graph::DataType::kFloat32, {}, std::vector<float>{value}));
}

std::vector<ValueId> TripBuilder::nodes(const std::string& op, const std::vector<ValueId>& inputs, int outputs,
                                        std::map<std::string, graph::Attribute> attributes) {
  const std::string name = fmt::format("{}{}", op, count_++);
  std::vector<ValueId> out;
  for (int i = 0; i < outputs; ++i) {
    out.push_back(graph::add_value(
        run_.graph, {.name = i == 0 ? name : fmt::format("{}.{}", name, i), .type = {}, .shape = {}, .data = nullptr}));
  }
  run_.graph.nodes.push_back({.name = name, .op_type = op, .domain = "", .inputs = inputs, .outputs = out,
                              .attributes = std::move(attributes), .origins = {name}});
  const Status status = graph::infer_shapes(run_.graph);
  EXPECT_TRUE(status) << status.error().message;
  return out;
}

ValueId TripBuilder::node(const std::string& op, const std::vector<ValueId>& inputs,
                          std::map<std::string, graph::Attribute> attributes) {
  return nodes(op, inputs, 1, std::move(attributes))[0];
}

GraphRun TripBuilder::finish(ValueId output) {
  run_.graph.outputs = {output};
  return std::move(run_);
}

namespace {

/// One step of a random network.
class Grower {
 public:
  Grower(uint32_t seed, int length, bool rewritten = false) : b_(seed) {
    constexpr std::array<int64_t, 9> kChannels = {3, 7, 8, 9, 15, 16, 17, 32, 33};
    const auto side = [&] { return static_cast<int64_t>(4 + b_.pick(13)); };
    x_ = b_.input("x", {1, kChannels[b_.pick(kChannels.size())], side(), side()});
    for (int i = 0; i < length; ++i) {
      if (rewritten && i % 2 == 0) {
        rewritten_form();
      } else {
        grow();
      }
    }
  }

  GraphRun take() { return b_.finish(x_); }

 private:
  int64_t channels() const { return b_.shape(x_)[1]; }
  int64_t height() const { return b_.shape(x_)[2]; }
  int64_t width() const { return b_.shape(x_)[3]; }
  bool small() const { return height() < 4 || width() < 4; }

  void conv(int64_t group) {
    constexpr std::array<int64_t, 8> kOut = {5, 8, 9, 16, 24, 31, 32, 40};
    const int64_t kernel = small() ? 1 : static_cast<int64_t>(1 + 2 * b_.pick(3));
    const int64_t pad = kernel / 2;
    const int64_t stride = small() ? 1 : static_cast<int64_t>(1 + b_.pick(2));
    const int64_t out = group == 1 ? kOut[b_.pick(kOut.size())] : channels();
    const double reach = 1.5 / std::sqrt(static_cast<double>(channels() / group * kernel * kernel));
    const ValueId w = b_.random({out, channels() / group, kernel, kernel}, -reach, reach);
    x_ = b_.node("Conv", {x_, w, b_.random({out}, -0.5, 0.5)},
                 {{"pads", Ints{pad, pad, pad, pad}}, {"strides", Ints{stride, stride}}, {"group", group}});
  }

  void conv_transpose() {
    if (width() > 20) {
      return;
    }
    const auto stride = static_cast<int64_t>(1 + b_.pick(3));
    const int64_t kernel = stride + static_cast<int64_t>(b_.pick(3));
    const double reach = 1.5 / std::sqrt(static_cast<double>(channels() * 2));
    x_ = b_.node("ConvTranspose", {x_, b_.random({channels(), 9, kernel, kernel}, -reach, reach), b_.random({9}, -0.5, 0.5)},
                 {{"strides", Ints{stride, stride}}, {"pads", Ints{0, kernel > 1 ? 1 : 0, kernel > 1 ? 1 : 0, 0}}});
  }

  void pool() {
    if (small()) {
      return;
    }
    const auto kernel = static_cast<int64_t>(2 + b_.pick(3));
    const auto stride = static_cast<int64_t>(1 + b_.pick(2));
    const int64_t pad = static_cast<int64_t>(b_.pick(2));
    std::map<std::string, graph::Attribute> attributes = {{"kernel_shape", Ints{kernel, kernel}}, {"strides", Ints{stride, stride}},
                                                          {"pads", Ints{pad, pad, pad, pad}}, {"ceil_mode", int64_t{b_.pick(2)}}};
    const bool average = b_.pick(2) == 0;
    if (average) {
      attributes["count_include_pad"] = int64_t{b_.pick(2)};
    }
    x_ = b_.node(average ? "AveragePool" : "MaxPool", {x_}, std::move(attributes));
  }

  void activation() {
    constexpr std::array<const char*, 8> kNames = {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Abs", "Elu"};
    x_ = b_.node(kNames[b_.pick(kNames.size())], {x_});
  }

  void residual() {
    const ValueId before = x_;
    const double reach = 1.0 / std::sqrt(static_cast<double>(channels()));
    const ValueId y = b_.node("Conv", {x_, b_.random({channels(), channels(), 1, 1}, -reach, reach)});
    constexpr std::array<const char*, 4> kNames = {"Add", "Mul", "Max", "Sub"};
    x_ = b_.node(kNames[b_.pick(kNames.size())], {y, before});
  }

  void gate() {
    const ValueId pooled = b_.node(b_.pick(2) == 0 ? "GlobalAveragePool" : "GlobalMaxPool", {x_});
    const double reach = 2.0 / std::sqrt(static_cast<double>(channels()));
    const ValueId w = b_.random({channels(), channels(), 1, 1}, -reach, reach);
    x_ = b_.node(b_.pick(2) == 0 ? "Mul" : "Add", {x_, b_.node("Conv", {pooled, w})});
  }

  void layout() {
    switch (b_.pick(5)) {
      case 0: x_ = b_.node("Concat", {x_, b_.node("Relu", {x_})}, {{"axis", int64_t{1 + b_.pick(3)}}}); break;
      case 1: x_ = b_.node("Pad", {x_, b_.ints({0, 0, 1, 0, 0, 0, 0, 2})}); break;
      case 2:
        if (width() > 2) {
          x_ = b_.node("Slice", {x_, b_.ints({1}), b_.ints({width()}), b_.ints({3})});
        }
        break;
      case 3:
        if (width() < 20) {
          x_ = b_.node("Resize", {x_, graph::kNoValue, b_.floats({1, 1, 2, 2})},
                       {{"mode", std::string(b_.pick(2) == 0 ? "nearest" : "linear")}});
        }
        break;
      default: x_ = b_.node("Add", {x_, b_.random({1, channels(), 1, 1}, -1.0, 1.0)}); break;
    }
    if (channels() > 64) {
      x_ = b_.node("Slice", {x_, b_.ints({3}), b_.ints({40}), b_.ints({1})});
    }
  }

  void blocks() {
    if (height() % 2 != 0 || width() % 2 != 0) {
      return;
    }
    x_ = b_.node("SpaceToDepth", {x_}, {{"blocksize", int64_t{2}}});
    conv(1);
  }

  void product_of_channels_last() {
    constexpr int64_t kColumns = 24;
    const double reach = 1.7 / std::sqrt(static_cast<double>(channels()));
    const ValueId last = b_.node("Transpose", {x_}, {{"perm", Ints{0, 2, 3, 1}}});
    const ValueId product = b_.node("MatMul", {last, b_.random({channels(), kColumns}, -reach, reach)});
    const ValueId biased = b_.node("Add", {product, b_.random({kColumns}, -0.5, 0.5)});
    x_ = b_.node("Transpose", {b_.node("Relu", {biased})}, {{"perm", Ints{0, 3, 1, 2}}});
  }

  void spread() {
    if (height() * width() == 1) {
      return;
    }
    const ValueId pixel = b_.node("GlobalAveragePool", {x_});
    const ValueId image = b_.node("Resize", {pixel, graph::kNoValue, b_.floats({1, 1, static_cast<float>(height()), static_cast<float>(width())})},
                                  {{"mode", std::string("linear")}});
    x_ = b_.node(b_.pick(2) == 0 ? "Add" : "Mul", {x_, image});
  }

  void function() {
    const ValueId positive = b_.node("Add", {b_.node("Abs", {x_}), b_.scalar(1.0f)});
    constexpr std::array<const char*, 3> kNames = {"Sqrt", "Reciprocal", "Log"};
    x_ = b_.node(kNames[b_.pick(kNames.size())], {positive});
  }

  void rewritten_form() {
    switch (b_.pick(5)) {
      case 0: blocks(); break;
      case 1: product_of_channels_last(); break;
      case 2: spread(); break;
      case 3: x_ = b_.node("Mul", {x_, b_.node(b_.pick(2) == 0 ? "Sigmoid" : "HardSigmoid", {x_})}); break;
      default: function(); break;
    }
  }

  void grow() {
    switch (b_.pick(9)) {
      case 0:
      case 1: conv(1); break;
      case 2: conv(channels()); break;
      case 3: conv_transpose(); break;
      case 4: pool(); break;
      case 5: activation(); break;
      case 6: residual(); break;
      case 7: gate(); break;
      default: layout(); break;
    }
  }

  TripBuilder b_;
  ValueId x_ = graph::kNoValue;
};

}  // namespace

GraphRun random_graph(uint32_t seed, int length) { return Grower(seed, length).take(); }

GraphRun random_rewritten_graph(uint32_t seed, int length) { return Grower(seed, length, true).take(); }

}  // namespace medlar::test
