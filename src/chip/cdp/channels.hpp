// SPDX-License-Identifier: Apache-2.0
// The arithmetic of CDP over all channels of one position: square, window sum, look-up, product, converters.
#pragma once

#include <span>
#include <vector>

#include "chip/cdp/cdp.hpp"
#include "num/cdp_lut.hpp"
#include "num/converter.hpp"

namespace medlar::chip {

class CdpChannels {
 public:
  /// `operation` must outlive the object. `channels`: real channels of the cube.
  CdpChannels(const CdpOperation& operation, hw::Precision precision, int channels);

  /// Elements of all lanes in, sign-extended (FP16: bits); results out, in the low bits. Lanes beyond the last channel
  /// count as zero input.
  void run(std::span<const int32_t> in, std::span<int32_t> out, CdpCounters& counters);

 private:
  void run_integer(std::span<const int32_t> in, std::span<int32_t> out, CdpCounters& counters);
  void run_float(std::span<const int32_t> in, std::span<int32_t> out, CdpCounters& counters);
  uint32_t window_float(size_t lane) const;

  const CdpOperation& operation_;
  hw::Precision precision_;
  size_t channels_;
  size_t reach_;  ///< Channels on each side of the window.
  num::CdpLut lut_;
  num::Converter in_;
  num::Converter out_;
  std::vector<int64_t> value_;    ///< Converted inputs; FP16: FP17 bits.
  std::vector<int64_t> square_;   ///< With kMargin zeros on both sides; FP16: FP32 bits.
};

}  // namespace medlar::chip
