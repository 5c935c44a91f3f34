// SPDX-License-Identifier: Apache-2.0
// A small ONNX network made of a fuzzer's choices: well-formed operators on tensors of up to four dimensions,
// odd sizes, strides, groups and constants. A choice that shape inference refuses is dropped.
#pragma once

#include "fuzz/input.hpp"
#include "graph/graph.hpp"
#include "graph/shape_inference.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::fuzz {

class RandomNetwork {
 public:
  explicit RandomNetwork(Input& input) : in_(input) {
    graph_.name = "fuzz";
    graph_.opsets[""] = 17;
    const graph::ValueId x = graph::add_value(
        graph_, {.name = "x",
                 .type = graph::DataType::kFloat32,
                 .shape = graph::Shape{1 + in_.choose(2) * in_.choose(2), dim(40), dim(24), dim(24)}});
    graph_.inputs = {x};
    alive_ = {x};
  }

  graph::Graph make() {
    constexpr uint32_t kMostNodes = 10;
    for (uint32_t i = 0; i < kMostNodes && !in_.empty(); ++i) {
      add_one();
    }
    for (uint32_t count = 1 + in_.choose(2); count > 0 && alive_.size() > 1; --count) {
      const graph::ValueId output = count == 1 ? alive_.back() : any();
      if (std::find(graph_.outputs.begin(), graph_.outputs.end(), output) == graph_.outputs.end() &&
          output != graph_.inputs[0]) {
        graph_.outputs.push_back(output);
      }
    }
    return std::move(graph_);
  }

 private:
  using Attributes = std::map<std::string, graph::Attribute>;
  using Ints = std::vector<int64_t>;

  int64_t dim(uint32_t most) { return 1 + in_.choose(most); }
  graph::ValueId any() { return alive_[in_.choose(static_cast<uint32_t>(alive_.size()))]; }
  const graph::Shape& shape(graph::ValueId id) const { return *graph_.value(id).shape; }

  graph::ValueId floats(graph::Shape of) {
    const int64_t count = graph::element_count(of).value_or(0);
    std::vector<float> values(static_cast<size_t>(count));
    const uint32_t kind = in_.choose(6);
    const uint8_t seed = in_.byte();
    for (size_t i = 0; i < values.size(); ++i) {
      const auto level = static_cast<float>((i * 37 + seed) % 251) / 125.0f - 1.0f;
      values[i] = kind == 0   ? 0.0f
                  : kind == 1 ? 1.0f
                  : kind == 2 ? level * 1e4f
                  : kind == 3 ? level * 1e-6f
                              : level;
    }
    return constant(graph::make_tensor(graph::DataType::kFloat32, std::move(of), values));
  }
  graph::ValueId ints(const Ints& values) {
    return constant(
        graph::make_tensor(graph::DataType::kInt64, {static_cast<int64_t>(values.size())}, values));
  }
  graph::ValueId constant(graph::Tensor tensor) {
    graph::Value value{
        .name = "c" + std::to_string(graph_.values.size()), .type = tensor.type, .shape = tensor.shape};
    value.data = std::make_shared<const graph::Tensor>(std::move(tensor));
    return graph::add_value(graph_, std::move(value));
  }

  void add(std::string_view op, std::vector<graph::ValueId> inputs, Attributes attributes = {}) {
    constexpr int64_t kMostElements = 1 << 16;
    const size_t values = graph_.values.size();
    const graph::ValueId out = graph::add_value(graph_, {.name = "v" + std::to_string(values)});
    graph_.nodes.push_back({.name = std::string(op) + std::to_string(values),
                            .op_type = std::string(op),
                            .inputs = std::move(inputs),
                            .outputs = {out},
                            .attributes = std::move(attributes)});
    const bool fits = graph::infer_shapes(graph_) && graph_.value(out).shape &&
                      graph::element_count(shape(out)).value_or(0) > 0 &&
                      *graph::element_count(shape(out)) <= kMostElements &&
                      graph_.value(out).type == graph::DataType::kFloat32;
    if (fits) {
      alive_.push_back(out);
    } else {
      graph_.nodes.pop_back();
      graph_.values.resize(static_cast<size_t>(out));
    }
  }

  Ints pads() {
    return {int64_t{in_.choose(3)}, int64_t{in_.choose(3)}, int64_t{in_.choose(3)}, int64_t{in_.choose(3)}};
  }
  Ints pair(uint32_t most) { return {dim(most), dim(most)}; }

  void add_conv(graph::ValueId x, bool transposed) {
    const int64_t channels = shape(x)[1];
    const bool grouped = in_.choose(3) == 0;
    const int64_t groups = grouped ? (in_.choose(2) == 0 || channels % 2 != 0 ? channels : 2) : 1;
    const int64_t kernels = groups * dim(grouped ? 3 : 40);
    const Ints kernel = pair(5);
    std::vector<graph::ValueId> inputs{x, transposed
                                              ? floats({channels, kernels / groups, kernel[0], kernel[1]})
                                              : floats({kernels, channels / groups, kernel[0], kernel[1]})};
    if (in_.choose(2) == 0) {
      inputs.push_back(floats({kernels}));
    }
    add(transposed ? "ConvTranspose" : "Conv", std::move(inputs),
        {{"group", groups},
         {"strides", pair(3)},
         {"dilations", pair(transposed ? 1 : 2)},
         {"pads", pads()},
         {"kernel_shape", kernel}});
  }

  void add_pool(graph::ValueId x) {
    constexpr std::string_view kOps[] = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"};
    const uint32_t kind = in_.choose(4);
    if (kind > 1) {
      add(kOps[kind], {x});
      return;
    }
    Attributes attributes{{"kernel_shape", pair(5)},
                          {"strides", pair(3)},
                          {"pads", pads()},
                          {"ceil_mode", int64_t{in_.choose(2)}}};
    if (kind == 1) {
      attributes["count_include_pad"] = int64_t{in_.choose(2)};
    }
    add(kOps[kind], {x}, std::move(attributes));
  }

  void add_unary(graph::ValueId x) {
    constexpr std::string_view kOps[] = {
        "Relu", "Sigmoid",  "Tanh",        "LeakyRelu", "HardSwish", "Exp",      "Abs", "Neg",   "Sqrt",
        "Elu",  "Softplus", "HardSigmoid", "Erf",       "Softmax",   "Identity", "Log", "Floor", "LRN"};
    const std::string_view op = kOps[in_.choose(std::size(kOps))];
    add(op, {x}, op == "LRN" ? Attributes{{"size", int64_t{1} + 2 * in_.choose(4)}} : Attributes{});
  }

  void add_binary(graph::ValueId x) {
    constexpr std::string_view kOps[] = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu"};
    const std::string_view op = kOps[in_.choose(std::size(kOps))];
    graph::Shape of = shape(x);
    for (int64_t& size : of) {
      size = in_.choose(2) == 0 ? 1 : size;
    }
    const graph::ValueId other =
        in_.choose(2) == 0 ? any() : floats(in_.choose(4) == 0 ? graph::Shape{} : of);
    add(op, in_.choose(4) == 0 && op != "PRelu" ? std::vector{other, x} : std::vector{x, other});
  }

  void add_layout(graph::ValueId x) {
    const graph::Shape of = shape(x);
    const auto rank = static_cast<int64_t>(of.size());
    const int64_t axis = in_.choose(static_cast<uint32_t>(rank));
    switch (in_.choose(8)) {
      case 0: {
        Ints perm(static_cast<size_t>(rank));
        for (size_t i = 0; i < perm.size(); ++i) {
          perm[i] = (axis + static_cast<int64_t>(i)) % rank;
        }
        return add("Transpose", {x}, {{"perm", perm}});
      }
      case 1:
        return add("Concat", {x, any()}, {{"axis", axis}});
      case 2:
        return add("Slice", {x, ints({int64_t{in_.choose(5)}}), ints({1 + int64_t{in_.choose(30)}}),
                             ints({axis}), ints({dim(2)})});
      case 3:
        return add("Flatten", {x}, {{"axis", axis}});
      case 4:
        return add("Reshape", {x, ints({of[0], -1, dim(4), dim(4)})});
      case 5:
        return add("DepthToSpace", {x},
                   {{"blocksize", dim(3)}, {"mode", std::string(in_.choose(2) == 0 ? "DCR" : "CRD")}});
      case 6:
        return add("SpaceToDepth", {x}, {{"blocksize", dim(3)}});
      default:
        return add("Gather", {x, ints({int64_t{in_.choose(4)}, int64_t{in_.choose(4)}})}, {{"axis", axis}});
    }
  }

  void add_other(graph::ValueId x) {
    const graph::Shape of = shape(x);
    const int64_t last = of.back(), channels = of.size() > 1 ? of[1] : 1;
    switch (in_.choose(7)) {
      case 0:
        return add("BatchNormalization",
                   {x, floats({channels}), floats({channels}), floats({channels}), floats({channels})});
      case 1:
        return add("MatMul", {x, in_.choose(4) == 0 ? any() : floats({last, dim(40)})});
      case 2:
        return add("Gemm", {x, floats({last, dim(40)})});
      case 3: {
        const float factor = 0.5f * static_cast<float>(dim(5));
        const std::array<std::string, 2> modes{"nearest", "linear"};
        return add(
            "Resize",
            {x, graph::kNoValue,
             constant(graph::make_tensor<float>(graph::DataType::kFloat32, {4}, {1, 1, factor, factor}))},
            {{"mode", modes[in_.choose(2)]}});
      }
      case 4:
        return add("Pad", {x, ints({0, 0, dim(3), dim(3), 0, 0, dim(3), dim(3)})});
      case 5:
        return add("ReduceMean", {x},
                   {{"axes", Ints{int64_t{in_.choose(4)}, int64_t{in_.choose(4)}}},
                    {"keepdims", int64_t{in_.choose(2)}}});
      default:
        return add("InstanceNormalization", {x, floats({channels}), floats({channels})});
    }
  }

  void add_one() {
    const graph::ValueId x = in_.choose(3) == 0 ? any() : alive_.back();
    const bool cube = shape(x).size() == 4;
    switch (in_.choose(8)) {
      case 0:
      case 1:
        return cube ? add_conv(x, in_.choose(5) == 0) : add_other(x);
      case 2:
        return cube ? add_pool(x) : add_unary(x);
      case 3:
        return add_unary(x);
      case 4:
      case 5:
        return add_binary(x);
      case 6:
        return shape(x).empty() ? add_unary(x) : add_layout(x);
      default:
        return shape(x).empty() ? add_unary(x) : add_other(x);
    }
  }

  Input& in_;
  graph::Graph graph_;
  std::vector<graph::ValueId> alive_;
};

}  // namespace medlar::fuzz
