// SPDX-License-Identifier: Apache-2.0
// The checks and lowerings behind the operator table, by file.
#pragma once

#include "compiler/legalise/shapes.hpp"

namespace medlar::compiler {

// conv.cpp
Verdict check_conv(const Question& question, const graph::Node& node);
Status lower_conv(Lowering& lowering, const graph::Node& node);
/// Whether the convolution core can slide this window; `channels` per group.
Verdict check_conv_window(const Question& question, const Window& window, int channels);

// gemm.cpp
Verdict check_gemm(const Question& question, const graph::Node& node);
Status lower_gemm(Lowering& lowering, const graph::Node& node);
Verdict check_matmul(const Question& question, const graph::Node& node);
Status lower_matmul(Lowering& lowering, const graph::Node& node);

// pool.cpp
Verdict check_max_pool(const Question& question, const graph::Node& node);
Verdict check_average_pool(const Question& question, const graph::Node& node);
Status lower_pool(Lowering& lowering, const graph::Node& node);
Verdict check_global_average(const Question& question, const graph::Node& node);
Status lower_global_average(Lowering& lowering, const graph::Node& node);

// eltwise.cpp
Verdict check_binary(const Question& question, const graph::Node& node);
Status lower_binary(Lowering& lowering, const graph::Node& node);

// activation.cpp
Verdict check_relu(const Question& question, const graph::Node& node);
Status lower_relu(Lowering& lowering, const graph::Node& node);
Verdict check_clip(const Question& question, const graph::Node& node);
Status lower_clip(Lowering& lowering, const graph::Node& node);
Verdict check_prelu(const Question& question, const graph::Node& node);
Status lower_prelu(Lowering& lowering, const graph::Node& node);
Verdict check_table(const Question& question, const graph::Node& node);
Status lower_table(Lowering& lowering, const graph::Node& node);
Verdict check_hard_sigmoid(const Question& question, const graph::Node& node);
Status lower_hard_sigmoid(Lowering& lowering, const graph::Node& node);
Verdict check_batch_norm(const Question& question, const graph::Node& node);
Status lower_batch_norm(Lowering& lowering, const graph::Node& node);

// relabel.cpp
bool is_relabel(const graph::Node& node);
Verdict check_relabel(const Question& question, const graph::Node& node);
Status lower_relabel(Lowering& lowering, const graph::Node& node);

// concat.cpp
Verdict check_concat(const Question& question, const graph::Node& node);
Status lower_concat(Lowering& lowering, const graph::Node& node);

// select.cpp: strided slices and padding as convolutions with 0/1 weights
Verdict check_slice(const Question& question, const graph::Node& node);
Status lower_slice(Lowering& lowering, const graph::Node& node);
Verdict check_split(const Question& question, const graph::Node& node);
Status lower_split(Lowering& lowering, const graph::Node& node);
Verdict check_pad(const Question& question, const graph::Node& node);
Status lower_pad(Lowering& lowering, const graph::Node& node);

/// 1x1 convolution whose kernel k copies channel k - first, or nothing where the source has no such channel.
ConvLayer shifted_channels(int kernels, int channels, int first);

}  // namespace medlar::compiler
