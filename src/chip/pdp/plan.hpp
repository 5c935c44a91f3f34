// SPDX-License-Identifier: Apache-2.0
// PDP's registers, checked: sizes, kernel, padding, and the bands of a width split.
#pragma once

#include <array>
#include <vector>

#include "chip/memory/dma.hpp"
#include "chip/pdp/pdp.hpp"

namespace medlar::chip {

/// One band of columns that is pooled by itself (a single one without a split).
struct PdpBand {
  int in_first = 0;  ///< First input column.
  int in_width = 0;
  int out_first = 0;
  int out_width = 0;
  int pad_left = 0;
  int pad_right = 0;
};

struct PdpPlan {
  enum class Method : uint8_t { kAverage = 0, kMax = 1, kMin = 2 };

  int in_w = 0;
  int in_h = 0;
  int out_w = 0;
  int out_h = 0;
  int lanes = 0;
  int surfaces = 0;
  hw::Precision precision = hw::Precision::kInt8;
  Method method = Method::kAverage;
  bool flush_nan = false;
  int kernel_w = 1;
  int kernel_h = 1;
  int stride_x = 1;
  int stride_y = 1;
  int pad_top = 0;
  std::array<int32_t, 8> padding{};  ///< [n]: value for n missing columns or rows; [0] is zero.
  uint32_t recip_w = 0;
  uint32_t recip_h = 0;
  std::vector<PdpBand> bands;
  FeatureCube source;
  FeatureCube destination;
};

Result<PdpPlan> plan_pdp(const hw::HwConfig& config, const PdpOperation& operation);

}  // namespace medlar::chip
