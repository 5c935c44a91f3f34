// SPDX-License-Identifier: Apache-2.0
// DepthToSpace (channels put in order, then interleaved) and SpaceToDepth (a convolution whose kernels pick one pixel each).
#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

struct Blocks {
  int size = 1;
  int channels = 1;  ///< Of the side with the larger space.
  bool column_major = false;  ///< CRD: the block's position varies fastest.
};

Result<Blocks> read_blocks(const graph::Graph& graph, const graph::Node& node) {
  MEDLAR_ASSIGN(const int64_t size, graph::int_attribute(node, "blocksize", 0));
  MEDLAR_ASSIGN(const std::string mode, graph::string_attribute(node, "mode", "DCR"));
  const hw::Range range = hw::kLimits.rubik.deconv_stride;
  if (size < 1 || !range.contains(static_cast<uint64_t>(size))) {
    return fail(Code::kUnsupported, "blocksize is {}, possible are {} to {}", size, range.min, range.max);
  }
  const bool to_space = node.op_type == "DepthToSpace";
  const graph::Shape& large = *graph.value(to_space ? node.outputs[0] : node.inputs[0]).shape;
  return Blocks{.size = static_cast<int>(size), .channels = static_cast<int>(large[1]), .column_major = mode == "CRD"};
}

/// Puts channel c of block position p at p * padded + c.
ConvLayer ordering(const Blocks& blocks, int padded) {
  const int positions = blocks.size * blocks.size;
  const int channels = blocks.channels * positions;
  ConvLayer conv{.k = padded * positions, .c = channels};
  conv.weights.assign(static_cast<size_t>(conv.k) * static_cast<size_t>(channels), 0.0f);
  for (int p = 0; p < positions; ++p) {
    for (int c = 0; c < blocks.channels; ++c) {
      const int from = blocks.column_major ? c * positions + p : p * blocks.channels + c;
      conv.weights[static_cast<size_t>(p * padded + c) * static_cast<size_t>(channels) + static_cast<size_t>(from)] = 1.0f;
    }
  }
  return conv;
}

/// Output channel (by * size + bx) * C + c takes the pixel (by, bx) of channel c of each block.
ConvLayer picking(const Blocks& blocks) {
  const int size = blocks.size;
  ConvLayer conv{.k = blocks.channels * size * size, .c = blocks.channels, .r = size, .s = size, .stride_x = size, .stride_y = size};
  const auto taps = static_cast<size_t>(size) * static_cast<size_t>(size);
  conv.weights.assign(static_cast<size_t>(conv.k) * static_cast<size_t>(conv.c) * taps, 0.0f);
  for (size_t k = 0; k < static_cast<size_t>(conv.k); ++k) {
    const size_t c = k % static_cast<size_t>(blocks.channels);
    const size_t tap = k / static_cast<size_t>(blocks.channels);
    conv.weights[(k * static_cast<size_t>(conv.c) + c) * taps + tap] = 1.0f;
  }
  return conv;
}

}  // namespace

Verdict check_depth_to_space(const Question& question, const graph::Node& node) {
  const auto blocks = read_blocks(question.graph, node);
  if (!blocks) {
    return Refusal{Reason::kAttribute, blocks.error().message, ""};
  }
  const int64_t channels = int64_t{channels_in_atoms(question, node, blocks->channels)} * blocks->size * blocks->size;
  if (!hw::kLimits.cube.dimension.contains(static_cast<uint64_t>(channels))) {
    return Refusal{Reason::kCubeSize, fmt::format("{} channels in whole atoms, limit {}", channels,
                                                  hw::kLimits.cube.dimension.max), ""};
  }
  return std::nullopt;
}

Status lower_depth_to_space(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Blocks blocks, read_blocks(lowering.question.graph, node));
  TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(src);
  const int padded = channels_in_atoms(lowering.question, node, blocks.channels);
  if (blocks.column_major || padded != blocks.channels) {
    const TensorId ordered = inner_tensor(lowering, node.name + "/ordered", in.range,
                                          {.w = in.w, .h = in.h, .c = padded * blocks.size * blocks.size});
    add_part(lowering, node, "order", src, ordered).body = ordering(blocks, padded);
    src = ordered;
  }
  add_layer(lowering, node, src, cube_of(*lowering.question.graph.value(node.outputs[0]).shape)).body =
      InterleaveLayer{{.stride_x = blocks.size, .stride_y = blocks.size}};
  return {};
}

Verdict check_space_to_depth(const Question& question, const graph::Node& node) {
  const auto blocks = read_blocks(question.graph, node);
  if (!blocks) {
    return Refusal{Reason::kAttribute, blocks.error().message, ""};
  }
  return check_conv_window(question, {.kernel_h = blocks->size, .kernel_w = blocks->size, .stride_y = blocks->size,
                                      .stride_x = blocks->size}, blocks->channels);
}

Status lower_space_to_depth(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Blocks blocks, read_blocks(lowering.question.graph, node));
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  add_layer(lowering, node, src, cube_of(*lowering.question.graph.value(node.outputs[0]).shape)).body = picking(blocks);
  return {};
}

}  // namespace medlar::compiler
