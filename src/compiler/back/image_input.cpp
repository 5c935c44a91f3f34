// SPDX-License-Identifier: Apache-2.0
#include "compiler/back/image_input.hpp"

#include <algorithm>
#include <array>

#include "hw/cube.hpp"

namespace medlar::compiler::back {
namespace {

Cube extent_of(const HwTensor& t) { return {.w = t.w, .h = t.h, .c = t.c, .precision = t.precision}; }

bool reads_elements(const SdpParams& sdp, TensorId tensor) {
  const std::array<const SdpStage*, 3> stages{&sdp.x1, &sdp.x2, &sdp.y};
  return std::any_of(stages.begin(), stages.end(), [&](const SdpStage* stage) { return stage->enable && stage->element_operand == tensor; });
}

/// Whether the operation takes the tensor only as the image of a convolution, and such a convolution has a tiling.
bool takes_image(const Program& program, const HwOp& op, TensorId tensor, int components) {
  const auto* conv = std::get_if<ConvOp>(&op.body);
  const auto* sdp = std::get_if<SdpOp>(&op.body);
  const SdpParams* params = conv != nullptr ? &conv->sdp : (sdp != nullptr ? &sdp->sdp : nullptr);
  if (params != nullptr && reads_elements(*params, tensor)) {
    return false;
  }
  if (op.src != tensor) {
    return true;
  }
  if (conv == nullptr || conv->dilation_x != 1 || conv->dilation_y != 1) {
    return false;
  }
  Cube src = extent_of(program.graph->tensors[static_cast<size_t>(tensor)]);
  src.components = components;
  const Cube dst = extent_of(program.graph->tensors[static_cast<size_t>(op.dst)]);
  return plan_conv(conv_shape(*program.config, *conv, src, dst), *program.config, op.name).has_value();
}

}  // namespace

ConvShape conv_shape(const hw::HwConfig& config, const ConvOp& conv, const Cube& src, const Cube& dst) {
  // A kernel split begins a surface of everything that is indexed by output channel.
  const int step = static_cast<int>(std::max(config.channels_per_atom(dst.precision), config.channels_per_atom(src.precision)));
  return {.w = src.w,
          .h = src.h,
          .c = src.c,
          .out_w = dst.w,
          .out_h = dst.h,
          .k = conv.weights.k,
          .r = conv.weights.r,
          .s = conv.weights.s,
          .stride_x = conv.stride_x,
          .stride_y = conv.stride_y,
          .dilation_x = conv.dilation_x,
          .dilation_y = conv.dilation_y,
          .pad_left = conv.pad_left,
          .pad_top = conv.pad_top,
          .precision = src.precision,
          .kernel_step = step,
          .output_surface = static_cast<int>(config.channels_per_atom(dst.precision)),
          .pixel_components = src.components};
}

int image_components(const Program& program, TensorId tensor) {
  const HwTensor& t = program.graph->tensors[static_cast<size_t>(tensor)];
  const bool channels = t.c == 1 || t.c == 3 || t.c == 4;
  const auto& cubes = program.options.cubes;
  if (!program.options.images || std::find(cubes.begin(), cubes.end(), t.name) != cubes.end() || t.role != TensorRole::kInput || !channels || t.precision == hw::Precision::kInt16) {
    return 0;
  }
  const int components = t.c == 1 ? 1 : 4;
  const bool no_views = std::none_of(program.graph->tensors.begin(), program.graph->tensors.end(),
                                     [&](const HwTensor& other) { return other.view_of == tensor; });
  const bool suits = std::all_of(program.graph->ops.begin(), program.graph->ops.end(),
                                 [&](const HwOp& op) { return takes_image(program, op, tensor, components); });
  return no_views && suits ? components : 0;
}

uint8_t pixel_format(int components, hw::Precision precision) {
  const bool fp16 = precision == hw::Precision::kFp16;
  const std::string_view name = components == 1 ? (fp16 ? "R16_F" : "R8") : (fp16 ? "A16B16G16R16_F" : "A8B8G8R8");
  return hw::find_pixel_format(name)->code;
}

}  // namespace medlar::compiler::back
