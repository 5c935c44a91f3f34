// SPDX-License-Identifier: Apache-2.0
// The checks and lowerings behind the operator table, by file.
#pragma once

#include "compiler/legalise/shapes.hpp"

namespace medlar::compiler {

// conv.cpp
Verdict check_conv(const Question& question, const graph::Node& node);
Status lower_conv(Lowering& lowering, const graph::Node& node);
/// The chip pads by less than the kernel's extent. A kernel with a border of zeros, and as much more padding, computes the
/// same: widens `window` by the least border that makes its padding legal.
struct Border {
  int columns = 0, rows = 0;
};
Border widen_window(Window& window);
/// Whether the convolution core can slide this window; `channels` per group.
Verdict check_conv_window(const Question& question, const Window& window, int channels);

// conv_transpose.cpp
Verdict check_conv_transpose(const Question& question, const graph::Node& node);
Status lower_conv_transpose(Lowering& lowering, const graph::Node& node);

// gemm.cpp
Verdict check_gemm(const Question& question, const graph::Node& node);
Status lower_gemm(Lowering& lowering, const graph::Node& node);
Verdict check_matmul(const Question& question, const graph::Node& node);
Status lower_matmul(Lowering& lowering, const graph::Node& node);

// pool.cpp
Verdict check_max_pool(const Question& question, const graph::Node& node);
Status lower_max_pool(Lowering& lowering, const graph::Node& node);
Verdict check_average_pool(const Question& question, const graph::Node& node);
Status lower_average_pool(Lowering& lowering, const graph::Node& node);
Verdict check_global_max(const Question& question, const graph::Node& node);
Status lower_global_max(Lowering& lowering, const graph::Node& node);
Verdict check_global_average(const Question& question, const graph::Node& node);
Status lower_global_average(Lowering& lowering, const graph::Node& node);

// eltwise.cpp
Verdict check_binary(const Question& question, const graph::Node& node);
Status lower_binary(Lowering& lowering, const graph::Node& node);

// unary.cpp
Verdict check_unary(const Question& question, const graph::Node& node);
Status lower_unary(Lowering& lowering, const graph::Node& node);

// activation.cpp
Verdict check_relu(const Question& question, const graph::Node& node);
Status lower_relu(Lowering& lowering, const graph::Node& node);
Verdict check_clip(const Question& question, const graph::Node& node);
Status lower_clip(Lowering& lowering, const graph::Node& node);
Verdict check_prelu(const Question& question, const graph::Node& node);
Status lower_prelu(Lowering& lowering, const graph::Node& node);
Verdict check_table(const Question& question, const graph::Node& node);
Status lower_table(Lowering& lowering, const graph::Node& node);
/// wide_table.cpp: whether FP16 takes several operations for the step of this node, and those.
bool is_wide_table(const Question& question, const graph::Node& node, const Step& step);
void lower_wide_table(Lowering& lowering, const graph::Node& node, Step step);
Verdict check_hard_sigmoid(const Question& question, const graph::Node& node);
Status lower_hard_sigmoid(Lowering& lowering, const graph::Node& node);
Verdict check_batch_norm(const Question& question, const graph::Node& node);
Status lower_batch_norm(Lowering& lowering, const graph::Node& node);

// relabel.cpp
bool is_relabel(const graph::Node& node);
Verdict check_relabel(const Question& question, const graph::Node& node);
Status lower_relabel(Lowering& lowering, const graph::Node& node);

// transpose.cpp
Verdict check_transpose(const Question& question, const graph::Node& node);
Status lower_transpose(Lowering& lowering, const graph::Node& node);

// concat.cpp
Verdict check_concat(const Question& question, const graph::Node& node);
Status lower_concat(Lowering& lowering, const graph::Node& node);

// rearrange.cpp
Verdict check_depth_to_space(const Question& question, const graph::Node& node);
Status lower_depth_to_space(Lowering& lowering, const graph::Node& node);
Verdict check_space_to_depth(const Question& question, const graph::Node& node);
Status lower_space_to_depth(Lowering& lowering, const graph::Node& node);

// lrn.cpp
Verdict check_lrn(const Question& question, const graph::Node& node);
Status lower_lrn(Lowering& lowering, const graph::Node& node);

// resize.cpp
Verdict check_resize(const Question& question, const graph::Node& node);
Status lower_resize(Lowering& lowering, const graph::Node& node);

// select.cpp
Verdict check_slice(const Question& question, const graph::Node& node);
Status lower_slice(Lowering& lowering, const graph::Node& node);
Verdict check_split(const Question& question, const graph::Node& node);
Status lower_split(Lowering& lowering, const graph::Node& node);

// pad.cpp
Verdict check_pad(const Question& question, const graph::Node& node);
Status lower_pad(Lowering& lowering, const graph::Node& node);
/// Lines beyond the ends of a tensor.
struct Sides {
  int top = 0, left = 0, bottom = 0, right = 0;
};
enum class Lines : uint8_t { kZeros, kCopiesOfTheOutermost };
/// The tensor with such lines around it; the tensor itself when no side has any.
TensorId padded(Lowering& lowering, const graph::Node& node, TensorId src, const Sides& sides, Lines lines);

/// Weights of a selection of channels from which on bands of its result are worth an operation each.
inline constexpr int64_t kWideSelection = int64_t{1} << 18;
/// Channels of one such band: its weights load in about the time that one operation takes to start.
inline constexpr int kBandChannels = 256;
/// 1x1 convolution whose kernel k copies channel k - first, or nothing where the source has no such channel.
ConvLayer shifted_channels(int kernels, int channels, int first);

}  // namespace medlar::compiler
