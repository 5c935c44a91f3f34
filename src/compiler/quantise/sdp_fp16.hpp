// SPDX-License-Identifier: Apache-2.0
// FP16 operations: operands become FP16 bit patterns, nothing is scaled; between the stages the SDP computes in FP32.
#pragma once

#include "base/status.hpp"
#include "compiler/fuse/stages.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

SdpParams sdp_fp16(const Layer& layer, const StagePlan& plan);
ConvOp conv_fp16(const Layer& layer, const StagePlan& plan);

}  // namespace medlar::compiler
