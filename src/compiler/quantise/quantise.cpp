// SPDX-License-Identifier: Apache-2.0
// Assembly of the hardware graph.
#include "compiler/quantise/quantise.hpp"

#include "compiler/fuse/stages.hpp"
#include "compiler/quantise/conv_int8.hpp"
#include "compiler/quantise/scales.hpp"
#include "compiler/quantise/sdp_fp16.hpp"

namespace medlar::compiler {
namespace {

using Body = decltype(HwOp::body);

struct Context {
  const LayerGraph& graph;
  const QuantiseOptions& options;
  std::vector<float> scales;  ///< INT8 only.
  std::vector<Lut> luts;
};

Result<Body> make_body(Context& context, const Layer& layer) {
  if (const auto* pool = std::get_if<PoolLayer>(&layer.body); pool != nullptr) {
    return pool->pool;
  }
  const bool conv = std::holds_alternative<ConvLayer>(layer.body);
  const auto plan = plan_stages({.steps = layer.steps, .from_conv = conv, .precision = context.options.precision,
                                 .config = &context.options.config});
  if (!plan) {
    return fail(Code::kInternal, "{}: its elementwise steps do not fit one pass of the SDP", layer.name);
  }
  if (context.options.precision == hw::Precision::kFp16) {
    if (conv) {
      return conv_fp16(layer, *plan, context.luts);
    }
    return SdpOp{sdp_fp16(layer, *plan, context.luts)};
  }
  const Int8Program program{.layer = layer, .plan = *plan, .scales = context.scales,
                            .reach = stream_reach(layer, context.scales),
                            .entry = stream_entry(layer, *plan, context.scales), .luts = &context.luts};
  if (conv) {
    MEDLAR_ASSIGN(ConvOp op, conv_int8(program));
    return op;
  }
  MEDLAR_ASSIGN(SdpParams sdp, sdp_int8(program));
  return SdpOp{std::move(sdp)};
}

HwTensor make_tensor(const Context& context, size_t index) {
  const LayerTensor& tensor = context.graph.tensors[index];
  HwTensor result{.name = tensor.name, .w = tensor.w, .h = tensor.h, .c = tensor.c,
                  .precision = context.options.precision,
                  .scale = context.scales.empty() ? 1.0f : context.scales[index], .role = tensor.role};
  result.view_of = tensor.view_of;
  result.view_x = tensor.view_x;
  result.view_y = tensor.view_y;
  result.view_c = tensor.view_c;
  return result;
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
    SdpParams* sdp = nullptr;
    if (auto* conv = std::get_if<ConvOp>(&op.body); conv != nullptr) {
      sdp = &conv->sdp;
    } else if (auto* alone = std::get_if<SdpOp>(&op.body); alone != nullptr) {
      sdp = &alone->sdp;
    }
    if (sdp != nullptr) {
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

}  // namespace

Result<HwGraph> quantise(const LayerGraph& graph, const QuantiseOptions& options) {
  Context context{.graph = graph, .options = options, .scales = {}, .luts = {}};
  if (options.precision == hw::Precision::kInt8) {
    if (options.table == nullptr) {
      return fail(Code::kInvalidArgument, "INT8 needs a calibration table");
    }
    MEDLAR_ASSIGN(context.scales, assign_scales(graph, *options.table));
  }
  HwGraph result{.name = graph.name, .tensors = {}, .ops = {}, .luts = {}};
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    result.tensors.push_back(make_tensor(context, i));
  }
  for (const Layer& layer : graph.layers) {
    MEDLAR_ASSIGN(Body body, make_body(context, layer));
    result.ops.push_back({.name = layer.name, .origins = layer.origins, .src = layer.src, .dst = layer.dst,
                          .body = std::move(body)});
  }
  result.luts = std::move(context.luts);
  drop_unused(result);
  return result;
}

}  // namespace medlar::compiler
