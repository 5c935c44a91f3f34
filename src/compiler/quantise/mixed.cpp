// SPDX-License-Identifier: Apache-2.0
// Spreading of FP16 over layers and tensors, and the conversions.
#include "compiler/quantise/mixed.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "compiler/fuse/readers.hpp"
#include "compiler/quantise/half.hpp"
#include "num/float_convert.hpp"

namespace medlar::compiler {
namespace {

/// Bits below an INT8 step that FP16 values keep on their way; 12 bits are what FP16 holds exactly.
constexpr int kFractionBits = 4;
/// Largest multiplier that FP16 holds with room to spare.
constexpr double kLargestFactor = 60000.0;

bool wanted(const Layer& layer, const std::set<std::string>& nodes) {
  return std::any_of(layer.origins.begin(), layer.origins.end(), [&](const std::string& origin) { return nodes.contains(origin); });
}

/// 2^j in front of 1 / scale.
int fraction_bits(double scale) { return std::ldexp(1.0 / scale, kFractionBits) <= kLargestFactor ? kFractionBits : 0; }

double half_value(double value) {
  return static_cast<double>(std::bit_cast<float>(num::fp16_to_fp32(to_half(static_cast<float>(value)))));
}

/// X1 of an FP16 pass that multiplies.
SdpStage half_factor(float factor) {
  SdpStage stage;
  stage.enable = true;
  stage.type = SdpStageType::kMul;
  stage.operand_precision = hw::Precision::kFp16;
  stage.mul_operand = {to_half(factor)};
  return stage;
}

/// One round of spreading; true when something changed.
bool spread(const LayerGraph& graph, Precisions& precisions) {
  bool changed = false;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    const bool moves = std::holds_alternative<PoolLayer>(layer.body) || std::holds_alternative<InterleaveLayer>(layer.body);
    const bool follows = moves && precisions.half(root_of(graph, layer.src));
    if (!precisions.half_layers[i] && (follows || precisions.half(root_of(graph, layer.dst)))) {
      precisions.half_layers[i] = true;
      changed = true;
    }
    const auto root = static_cast<size_t>(root_of(graph, layer.dst));
    if (precisions.half_layers[i] && !precisions.half_tensors[root]) {
      precisions.half_tensors[root] = true;
      changed = true;
    }
  }
  return changed;
}

/// True when the tensor has readers and all of them are FP16.
bool read_as_half(const LayerGraph& graph, const Precisions& precisions, TensorId id) {
  int readers = 0;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    bool reads = root_of(graph, graph.layers[i].src) == id;
    for (const Step& step : graph.layers[i].steps) {
      reads = reads || (step.operand != kNoTensor && root_of(graph, step.operand) == id);
    }
    if (reads && !precisions.half_layers[i]) {
      return false;
    }
    readers += reads ? 1 : 0;
  }
  return readers > 0;
}

}  // namespace

Precisions assign_precisions(const LayerGraph& graph, const std::set<std::string>& nodes) {
  Precisions precisions{std::vector<bool>(graph.layers.size()), std::vector<bool>(graph.tensors.size())};
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    precisions.half_layers[i] = wanted(graph.layers[i], nodes);
  }
  while (spread(graph, precisions)) {
  }
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const bool given = graph.tensors[i].role == TensorRole::kInput || graph.tensors[i].role == TensorRole::kConstant;
    if (given && read_as_half(graph, precisions, id)) {
      precisions.half_tensors[i] = true;
    }
  }
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    precisions.half_tensors[i] = precisions.half(root_of(graph, static_cast<TensorId>(i)));
  }
  return precisions;
}

Status adapt_scales(const LayerGraph& graph, const Precisions& precisions, Scales& scales) {
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (!precisions.half_tensors[i]) {
      continue;
    }
    const auto scale = static_cast<double>(scales.scale[i]);
    const double factor = std::ldexp(1.0 / scale, fraction_bits(scale));
    if (factor > kLargestFactor) {
      return fail(Code::kUnsupported, "{}: scale {} is too small for a conversion from fp16 to int8, least is {}",
                  graph.tensors[i].name, scale, 1.0 / kLargestFactor);
    }
    // Rounded down, so that the range grows.
    double exact = half_value(factor);
    exact = exact > factor ? half_value(factor * (1.0 - 1.0 / 1024.0)) : exact;
    scales.scale[i] = static_cast<float>(std::ldexp(1.0, fraction_bits(scale)) / exact);
  }
  return {};
}

TensorId Converters::add_tensor(TensorId like, hw::Precision precision, std::string_view suffix) {
  HwTensor tensor = graph_.tensors[static_cast<size_t>(like)];
  tensor.name += suffix;
  tensor.precision = precision;
  tensor.role = TensorRole::kIntermediate;
  tensor.view_of = kNoTensor;
  tensor.view_x = tensor.view_y = tensor.view_c = 0;
  tensor.scale = 1.0f;
  tensor.zero = 0;
  tensor.contents.clear();
  graph_.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(graph_.tensors.size() - 1);
}

void Converters::add_op(TensorId src, TensorId dst, SdpParams sdp, const std::vector<std::string>& origins) {
  graph_.ops.push_back({.name = graph_.tensors[static_cast<size_t>(dst)].name, .origins = origins, .src = src, .dst = dst,
                        .body = SdpOp{std::move(sdp)}});
}

TensorId Converters::to_half(TensorId id, const std::vector<std::string>& origins) {
  const HwTensor from = graph_.tensors[static_cast<size_t>(id)];
  const TensorId wide = add_tensor(id, hw::Precision::kInt16, "/int16");
  SdpParams widen;
  if (from.zero != 0) {
    widen.x1.enable = true;
    widen.x1.type = SdpStageType::kAlu;
    widen.x1.alu_operand = {-from.zero};
  }
  add_op(id, wide, widen, origins);
  const TensorId integer = add_tensor(id, hw::Precision::kFp16, "/fp16 integer");
  add_op(wide, integer, {}, origins);
  const TensorId real = add_tensor(id, hw::Precision::kFp16, "/fp16");
  SdpParams scale;
  scale.x1 = half_factor(from.scale);
  add_op(integer, real, scale, origins);
  return real;
}

TensorId Converters::to_int8(TensorId id, const std::vector<std::string>& origins) {
  const auto scale = static_cast<double>(scales_.scale_of(id));
  const int zero = scales_.zero_of(id);
  const int bits = fraction_bits(scale);
  const TensorId wide = add_tensor(id, hw::Precision::kInt16, "/int16");
  SdpParams round;
  round.x1 = half_factor(static_cast<float>(std::ldexp(1.0 / scale, bits)));
  add_op(id, wide, round, origins);
  const TensorId narrow = add_tensor(id, hw::Precision::kInt8, "/int8");
  graph_.tensors[static_cast<size_t>(narrow)].scale = static_cast<float>(scale);
  graph_.tensors[static_cast<size_t>(narrow)].zero = zero;
  SdpParams shift;
  shift.output = {.enable = true, .offset = -zero * (1 << bits), .scale = 1, .shift = bits};
  add_op(wide, narrow, shift, origins);
  return narrow;
}

TensorId Converters::as(TensorId id, bool half, const std::vector<std::string>& origins) {
  const bool is_half = graph_.tensors[static_cast<size_t>(id)].precision == hw::Precision::kFp16;
  if (is_half == half) {
    return id;
  }
  const auto known = made_.find({id, half});
  if (known != made_.end()) {
    return known->second;
  }
  return made_[{id, half}] = half ? to_half(id, origins) : to_int8(id, origins);
}

}  // namespace medlar::compiler
