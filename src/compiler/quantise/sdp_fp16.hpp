// SPDX-License-Identifier: Apache-2.0
// FP16 operations: operands become FP16 bit patterns, nothing is scaled; between the stages the SDP computes in FP32.
#pragma once

#include "base/status.hpp"
#include "compiler/fuse/stages.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// `luts` are the graph's; tables are added. Where X2 is free, it adds what FP16
/// loses of the bias.
SdpParams sdp_fp16(const Layer& layer, const StagePlan& plan, std::vector<Lut>& luts, const hw::HwConfig& config);
ConvOp conv_fp16(const Layer& layer, const StagePlan& plan, std::vector<Lut>& luts, const hw::HwConfig& config);

}  // namespace medlar::compiler
