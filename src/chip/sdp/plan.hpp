// SPDX-License-Identifier: Apache-2.0
// The registers of SDP and its read DMA, checked and turned into sizes, stages and cubes.
#pragma once

#include "chip/memory/dma.hpp"
#include "chip/sdp/sdp.hpp"
#include "chip/sdp/stages.hpp"

namespace medlar::chip {

/// Operands that one reader (BRDMA, NRDMA, ERDMA) fetches.
struct SdpOperandSource {
  bool on = false;
  bool per_element = false;  ///< Otherwise one value a channel.
  bool alu = false;
  bool mul = false;
  uint32_t element_bytes = 1;  ///< Of one operand.
  FeatureCube cube;            ///< atom: bytes of the operands of one data atom.

  uint32_t bytes_per_lane() const { return element_bytes * ((alu && mul) ? 2 : 1); }
};

struct SdpPlan {
  int w = 0;
  int h = 0;
  int c = 0;
  int batches = 1;
  int lanes = 0;     ///< Channels of one atom at the processing precision.
  int surfaces = 0;  ///< At the processing precision.
  hw::Precision in = hw::Precision::kInt8;
  hw::Precision proc = hw::Precision::kInt8;
  hw::Precision out = hw::Precision::kInt8;
  bool flying = false;
  bool to_pdp = false;
  bool compare = false;  ///< EQL mode: the only result is a status bit.
  bool flush_nan = false;
  FeatureCube source;       ///< Memory input, atoms of the input precision.
  FeatureCube destination;  ///< Atoms of the output precision.
  uint32_t batch_stride = 0;
  SdpStage x1;
  SdpStage x2;
  SdpStage y;
  SdpOperandSource x1_source;
  SdpOperandSource x2_source;
  SdpOperandSource y_source;
  num::Converter out_converter;
  bool count_saturation = false;
  bool count_nan_inf_inputs = false;
  bool count_nan_outputs = false;

  bool is_float() const { return proc == hw::Precision::kFp16; }
  /// 16-bit atoms of one INT8-processed atom: 2 where a width conversion splits or joins surfaces.
  int in_parts() const { return proc == hw::Precision::kInt8 && in != hw::Precision::kInt8 ? 2 : 1; }
  int out_parts() const { return proc == hw::Precision::kInt8 && out != hw::Precision::kInt8 ? 2 : 1; }
};

Result<SdpPlan> plan_sdp(const hw::HwConfig& config, const SdpOperation& operation);

}  // namespace medlar::chip
