// SPDX-License-Identifier: Apache-2.0
// Assembly of the hardware graph.
#include "compiler/quantise/quantise.hpp"

#include <algorithm>

#include "compiler/fuse/stages.hpp"
#include "compiler/quantise/conv_int8.hpp"
#include "compiler/quantise/equalise.hpp"
#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/half.hpp"
#include "compiler/quantise/lrn.hpp"
#include "compiler/quantise/mixed.hpp"
#include "compiler/quantise/scales.hpp"
#include "compiler/quantise/sdp_fp16.hpp"

namespace medlar::compiler {
namespace {

using Body = decltype(HwOp::body);

struct Context {
  const LayerGraph& graph;
  const QuantiseOptions& options;
  const CalibrationTable* table = nullptr;  ///< INT8 only.
  const std::vector<std::vector<float>>& channel_scale;
  const Precisions& precisions;
  Scales scales;  ///< INT8 only.
  std::vector<Lut> luts;
};

/// True unless the layer ends in an upper bound below the largest value of its output tensor.
bool bound_is_top(const Context& context, const Layer& layer) {
  if (context.scales.scale.empty() || layer.steps.empty() || layer.steps.back().kind != StepKind::kMin) {
    return true;
  }
  constexpr double kRounding = 1.0 + 1e-5;
  return context.scales.top_of(layer.dst) <= static_cast<double>(layer.steps.back().add[0]) * kRounding;
}

/// Means of the tensor's channels on the calibration data; empty where they are not known.
std::vector<double> mean_of(const Context& context, TensorId id) {
  const LayerTensor& tensor = context.graph.tensor(id);
  const LayerTensor& whole = tensor.view_of == kNoTensor ? tensor : context.graph.tensor(tensor.view_of);
  const auto found = context.table->ranges.find(whole.range);
  std::vector<double> mean;
  if (found == context.table->ranges.end() || found->second.channels.size() != static_cast<size_t>(whole.c)) {
    return mean;
  }
  const double count = static_cast<double>(found->second.values_per_channel());
  for (int c = 0; c < tensor.c; ++c) {
    mean.push_back(found->second.channels[static_cast<size_t>(tensor.view_c + c)].sum / count);
  }
  return mean;
}

/// How the channels of the tensor hang together; null where calibration did not look.
const Moments* moments_of(const Context& context, TensorId id) {
  const LayerTensor& tensor = context.graph.tensor(id);
  const LayerTensor& whole = tensor.view_of == kNoTensor ? tensor : context.graph.tensor(tensor.view_of);
  const auto found = context.table->ranges.find(whole.range);
  const bool known = found != context.table->ranges.end() && found->second.moments != nullptr &&
                     found->second.moments->channels == static_cast<size_t>(whole.c);
  return known ? found->second.moments.get() : nullptr;
}

Result<Body> make_half_body(Context& context, const Layer& layer) {
  const bool conv = std::holds_alternative<ConvLayer>(layer.body);
  const auto plan = plan_stages({.steps = layer.steps, .from_conv = conv, .precision = hw::Precision::kFp16,
                                 .config = &context.options.config});
  if (!plan) {
    return fail(context.options.precision == hw::Precision::kFp16 ? Code::kInternal : Code::kUnsupported,
                "{}: its elementwise steps do not fit one pass of the SDP in fp16", layer.name);
  }
  if (conv) {
    return conv_fp16(layer, *plan, context.luts, context.options.config);
  }
  return SdpOp{sdp_fp16(layer, *plan, context.luts, context.options.config)};
}

Result<Body> make_body(Context& context, const Layer& layer, bool half) {
  if (const auto* pool = std::get_if<PoolLayer>(&layer.body); pool != nullptr) {
    PoolOp op = pool->pool;
    op.pad_value = half ? 0 : context.scales.zero_of(layer.src);
    return op;
  }
  if (const auto* interleave = std::get_if<InterleaveLayer>(&layer.body); interleave != nullptr) {
    return interleave->op;
  }
  if (const auto* lrn = std::get_if<LrnLayer>(&layer.body); lrn != nullptr) {
    const auto scale = [&](TensorId id) {
      return half ? 1.0f : context.scales.scale[static_cast<size_t>(id)];
    };
    return lrn_op(*lrn, {.in = scale(layer.src), .out = scale(layer.dst), .precision = half ? hw::Precision::kFp16 : hw::Precision::kInt8},
                  context.luts);
  }
  const bool conv = std::holds_alternative<ConvLayer>(layer.body);
  if (half) {
    return make_half_body(context, layer);
  }
  const bool saturates = bound_is_top(context, layer);
  const auto plan = plan_stages({.steps = layer.steps, .from_conv = conv, .precision = context.options.precision,
                                 .config = &context.options.config, .may_saturate = saturates});
  if (!plan && !saturates) {
    return fail(Code::kUnsupported, "{}: its upper bound needs a step of its own, because its output shares the scale of "
                "larger tensors, and the SDP has none left", layer.name);
  }
  if (!plan) {
    return fail(Code::kInternal, "{}: its elementwise steps do not fit one pass of the SDP", layer.name);
  }
  const std::vector<double> mean = mean_of(context, layer.src);
  const Int8Program program{.layer = layer, .plan = *plan, .scales = context.scales,
                            .reach = stream_reach(layer, context.scales),
                            .entry = stream_entry(layer, *plan, context.scales), .luts = &context.luts,
                            .late_bias = {}, .src_mean = mean, .src_moments = moments_of(context, layer.src),
                            .src_divided = context.channel_scale[static_cast<size_t>(layer.src)],
                            .src_first = static_cast<size_t>(context.graph.tensor(layer.src).view_c)};
  if (conv) {
    MEDLAR_ASSIGN(ConvOp op, conv_int8(program));
    return op;
  }
  MEDLAR_ASSIGN(SdpParams sdp, sdp_int8(program));
  return SdpOp{std::move(sdp)};
}

int16_t to_int8(float value) {
  constexpr float kLargest = 127.0f;
  return static_cast<int16_t>(round_away(static_cast<double>(std::clamp(value, -kLargest, kLargest))));
}

HwTensor make_tensor(const Context& context, size_t index) {
  const LayerTensor& tensor = context.graph.tensors[index];
  const bool half = context.precisions.half_tensors[index];
  HwTensor result{.name = tensor.name, .w = tensor.w, .h = tensor.h, .c = tensor.c,
                  .precision = half ? hw::Precision::kFp16 : hw::Precision::kInt8,
                  .role = tensor.role};
  result.item = tensor.item;
  result.channels_last = tensor.channels_last;
  if (!half) {
    result.scale = context.scales.scale[index];
    result.zero = context.scales.zero[index];
  }
  if (!context.channel_scale.empty()) {
    result.channel_scale = context.channel_scale[index];
  }
  for (const float value : tensor.contents) {
    result.contents.push_back(half ? static_cast<int16_t>(to_half(value)) : to_int8(value / result.scale));
  }
  result.view_of = tensor.view_of;
  result.view_x = tensor.view_x;
  result.view_y = tensor.view_y;
  result.view_c = tensor.view_c;
  return result;
}

/// The SDP of an operation that has one.
SdpParams* sdp_of(HwOp& op) {
  if (auto* conv = std::get_if<ConvOp>(&op.body); conv != nullptr) {
    return &conv->sdp;
  }
  auto* alone = std::get_if<SdpOp>(&op.body);
  return alone != nullptr ? &alone->sdp : nullptr;
}

/// Removes tensors that nothing uses any more and renumbers the rest.
void drop_unused(HwGraph& graph) {
  std::vector<bool> used(graph.tensors.size());
  const auto mark = [&](TensorId id) {
    for (; id != kNoTensor && !used[static_cast<size_t>(id)]; id = graph.tensors[static_cast<size_t>(id)].view_of) {
      used[static_cast<size_t>(id)] = true;
    }
  };
  std::vector<TensorId*> references;
  for (HwOp& op : graph.ops) {
    references.insert(references.end(), {&op.src, &op.dst});
    if (SdpParams* sdp = sdp_of(op); sdp != nullptr) {
      references.insert(references.end(),
                        {&sdp->x1.element_operand, &sdp->x2.element_operand, &sdp->y.element_operand});
    }
  }
  for (const TensorId* reference : references) {
    mark(*reference);
  }
  std::vector<TensorId> renumbered(graph.tensors.size(), kNoTensor);
  std::vector<HwTensor> kept;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (used[i]) {
      renumbered[i] = static_cast<TensorId>(kept.size());
      kept.push_back(std::move(graph.tensors[i]));
    }
  }
  for (TensorId* reference : references) {
    *reference = *reference == kNoTensor ? kNoTensor : renumbered[static_cast<size_t>(*reference)];
  }
  for (HwTensor& tensor : kept) {
    tensor.view_of = tensor.view_of == kNoTensor ? kNoTensor : renumbered[static_cast<size_t>(tensor.view_of)];
  }
  graph.tensors = std::move(kept);
}

/// The layer's operation, behind the conversions that it needs.
Status add_op(Context& context, size_t index, Converters& converters, HwGraph& graph) {
  const Layer& layer = context.graph.layers[index];
  const bool half = context.precisions.half_layers[index];
  MEDLAR_ASSIGN(Body body, make_body(context, layer, half));
  HwOp op{.name = layer.name, .origins = layer.origins, .src = layer.src, .dst = layer.dst, .body = std::move(body)};
  op.src = converters.as(layer.src, half, layer.origins);
  if (SdpParams* sdp = sdp_of(op); sdp != nullptr) {
    for (TensorId* operand : {&sdp->x1.element_operand, &sdp->x2.element_operand, &sdp->y.element_operand}) {
      *operand = *operand == kNoTensor ? kNoTensor : converters.as(*operand, half, layer.origins);
    }
  }
  graph.ops.push_back(std::move(op));
  return {};
}

/// FP16 builds are FP16 throughout.
Precisions precisions_of(const LayerGraph& graph, const QuantiseOptions& options) {
  if (options.precision == hw::Precision::kFp16) {
    return {std::vector<bool>(graph.layers.size(), true), std::vector<bool>(graph.tensors.size(), true)};
  }
  return assign_precisions(graph, options.fp16_nodes != nullptr ? *options.fp16_nodes : std::set<std::string>{});
}

}  // namespace

Result<HwGraph> quantise(const LayerGraph& given, const QuantiseOptions& options) {
  const bool integer = options.precision == hw::Precision::kInt8;
  if (integer && options.table == nullptr) {
    return fail(Code::kInvalidArgument, "INT8 needs a calibration table");
  }
  const Precisions precisions = precisions_of(given, options);
  const Equalised equalised = integer ? equalise(given, *options.table, precisions.half_tensors, options.borders) : Equalised{};
  const LayerGraph& graph = integer ? equalised.graph : given;
  Context context{.graph = graph, .options = options, .table = &equalised.table, .channel_scale = equalised.channel_scale,
                  .precisions = precisions, .scales = {}, .luts = {}};
  if (integer) {
    MEDLAR_ASSIGN(context.scales, assign_scales(graph, equalised.table));
    MEDLAR_TRY(adapt_scales(graph, precisions, context.scales));
  }
  HwGraph result{.name = graph.name, .tensors = {}, .ops = {}, .luts = {}};
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    result.tensors.push_back(make_tensor(context, i));
  }
  Converters converters(result, context.scales);
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    MEDLAR_TRY(add_op(context, i, converters, result));
  }
  result.luts = std::move(context.luts);
  drop_unused(result);
  return result;
}

}  // namespace medlar::compiler
