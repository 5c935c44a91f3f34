// SPDX-License-Identifier: Apache-2.0
// Layers that slide a window: convolutions, transposed ones, poolings.
#include "api/public/emitter.hpp"
#include "api/public/errors.hpp"
#include "api/public/types.hpp"

#include <fmt/ranges.h>

namespace medlar::door {
namespace {

using Attributes = std::map<std::string, graph::Attribute>;
using graph::ValueId;

Attributes window_attributes(const Emitter& out, bool may_round_up) {
  Attributes attributes;
  attributes["strides"] = out.dims_of("stride");
  switch (static_cast<PaddingMode>(out.int_of("padding_mode"))) {
    case PaddingMode::kExplicitRoundUp:
      if (!may_round_up) {
        refuse(out, "padding mode EXPLICIT_ROUND_UP of a convolution");
      }
      attributes["ceil_mode"] = int64_t{1};
      [[fallthrough]];
    case PaddingMode::kExplicitRoundDown: {
      Dims pads = out.dims_of("pre_padding");
      const Dims& post = out.dims_of("post_padding");
      pads.insert(pads.end(), post.begin(), post.end());
      attributes["pads"] = pads;
      break;
    }
    case PaddingMode::kSameUpper:
      attributes["auto_pad"] = std::string("SAME_UPPER");
      break;
    case PaddingMode::kSameLower:
      attributes["auto_pad"] = std::string("SAME_LOWER");
      break;
    default:
      refuse(out, "this padding mode (CAFFE modes are gone since TensorRT 10)");
  }
  return attributes;
}

/// The kernel's flat data in the shape that follows from outputs, groups and window.
Constant shaped_kernel(const Emitter& out, bool forward) {
  const Constant& flat = out.data_of("kernel");
  const Dims& window = out.dims_of("kernel_size");
  const int64_t outputs = out.int_of("num_output_maps");
  const int64_t groups = out.int_of("num_groups");
  int64_t each = forward ? outputs : outputs / groups;
  for (const int64_t k : window) {
    each *= k;
  }
  const int64_t count = graph::element_count(flat->shape).value_or(0);
  if (each == 0 || count % each != 0 || count == 0) {
    raise(ErrorCode::kInvalidArgument,
          "layer '{}': {} kernel weights are no multiple of {} (outputs {}, groups {}, window [{}])",
          out.layer().name, count, each, outputs, groups, fmt::join(window, ","));
  }
  auto shaped = std::make_shared<graph::Tensor>(*flat);
  shaped->shape =
      forward ? graph::Shape{outputs, count / each} : graph::Shape{count / each, outputs / groups};
  shaped->shape.insert(shaped->shape.end(), window.begin(), window.end());
  return shaped;
}

}  // namespace

void emit_convolution(Emitter& out) {
  const bool forward = out.layer().type == LayerType::kConvolution;
  Attributes attributes = window_attributes(out, false);
  attributes["kernel_shape"] = out.dims_of("kernel_size");
  attributes["dilations"] = out.dims_of("dilation");
  attributes["group"] = out.int_of("num_groups");
  const ValueId kernel = out.operand(1);
  std::vector<ValueId> inputs{out.operand(0), kernel != graph::kNoValue
                                                  ? kernel
                                                  : out.constant(shaped_kernel(out, forward), "kernel")};
  const Constant& bias = out.data_of("bias");
  if (const ValueId given = out.operand(2); given != graph::kNoValue) {
    inputs.push_back(given);
  } else if (!bias->bytes.empty()) {
    inputs.push_back(out.constant(bias, "bias"));
  }
  out.node(forward ? "Conv" : "ConvTranspose", inputs, {out.output(0)}, attributes);
}

void emit_pooling(Emitter& out) {
  Attributes attributes = window_attributes(out, true);
  attributes["kernel_shape"] = out.dims_of("window_size");
  const auto type = static_cast<PoolingType>(out.int_of("type"));
  if (type == PoolingType::kMaxAverageBlend) {
    refuse(out, "pooling type MAX_AVERAGE_BLEND");
  }
  if (type == PoolingType::kAverage) {
    attributes["count_include_pad"] = int64_t{out.int_of("average_count_excludes_padding") == 0};
  }
  out.node(type == PoolingType::kMax ? "MaxPool" : "AveragePool", {out.operand(0)}, {out.output(0)},
           attributes);
}

}  // namespace medlar::door
