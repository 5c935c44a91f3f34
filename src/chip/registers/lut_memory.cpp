// SPDX-License-Identifier: Apache-2.0
// The look-up tables of SDP and CDP.
#include "chip/registers/lut_memory.hpp"

#include "num/round.hpp"

namespace medlar::chip {
namespace {

template <typename Registers>
void set_slopes(const Registers& r, num::LutSettings& s) {
  const auto slope = [](uint32_t scale, uint32_t shift) {
    return num::LutSlope{static_cast<int16_t>(scale), static_cast<int8_t>(num::sign_extend(shift, 5))};
  };
  s.le.underflow = slope(r.lut_le_slope_uflow_scale, r.lut_le_slope_uflow_shift);
  s.le.overflow = slope(r.lut_le_slope_oflow_scale, r.lut_le_slope_oflow_shift);
  s.lo.underflow = slope(r.lut_lo_slope_uflow_scale, r.lut_lo_slope_uflow_shift);
  s.lo.overflow = slope(r.lut_lo_slope_oflow_scale, r.lut_lo_slope_oflow_shift);
  s.le_exponential = r.lut_le_function == hw::value::kLutFunctionExponent;
  s.le_index_offset = static_cast<int8_t>(r.lut_le_index_offset);
  s.underflow_selects_lo = r.lut_uflow_priority != 0;
  s.overflow_selects_lo = r.lut_oflow_priority != 0;
  s.hybrid_selects_lo = r.lut_hybrid_priority != 0;
}

}  // namespace

void LutMemory::configure(uint32_t access_cfg) {
  address_ = access_cfg & 0x3ff;
  lo_ = ((access_cfg >> 16) & 1) != 0;
  writing_ = ((access_cfg >> 17) & 1) != 0;
}

Result<int16_t*> LutMemory::entry(hw::Block block, bool writing) {
  const uint32_t entries = lo_ ? num::kLoEntries : num::kLeEntries;
  if (writing != writing_) {
    return fail(Code::kFault, "{}.S_LUT_ACCESS_DATA: {} while S_LUT_ACCESS_CFG selects {}", hw::block_name(block),
                writing ? "write" : "read", writing_ ? "writing" : "reading");
  }
  if (address_ >= entries) {
    return fail(Code::kFault, "{}.S_LUT_ACCESS_DATA: entry {} of a table of {}", hw::block_name(block), address_, entries);
  }
  return (lo_ ? tables_.lo.data() : tables_.le.data()) + address_++;
}

Status LutMemory::write(hw::Block block, uint32_t data) {
  if (!writing_ && data == 0) {
    return {};  // Whole-register dumps write the reset value back; the table is not addressed.
  }
  MEDLAR_ASSIGN(int16_t* const at, entry(block, true));
  *at = static_cast<int16_t>(data);
  return {};
}

Result<uint32_t> LutMemory::read(hw::Block block) {
  MEDLAR_ASSIGN(const int16_t* const at, entry(block, false));
  return static_cast<uint16_t>(*at);
}

num::LutSettings lut_settings(const hw::SdpLut& r) {
  num::LutSettings s;
  set_slopes(r, s);
  s.le.start = static_cast<int32_t>(r.lut_le_start);
  s.le.end = static_cast<int32_t>(r.lut_le_end);
  s.lo.start = static_cast<int32_t>(r.lut_lo_start);
  s.lo.end = static_cast<int32_t>(r.lut_lo_end);
  s.le.index_select = static_cast<int8_t>(r.lut_le_index_select);
  s.lo.index_select = static_cast<int8_t>(r.lut_lo_index_select);
  return s;
}

num::LutSettings lut_settings(const hw::CdpLut& r, uint32_t precision) {
  num::LutSettings s;
  set_slopes(r, s);
  s.le.start = num::sign_extend(r.lut_le_start(), 38);
  s.le.end = num::sign_extend(r.lut_le_end(), 38);
  s.lo.start = num::sign_extend(r.lut_lo_start(), 38);
  s.lo.end = num::sign_extend(r.lut_lo_end(), 38);
  const int bits = precision == hw::value::kPrecisionInt8 ? 6 : (precision == hw::value::kPrecisionInt16 ? 7 : 8);
  s.le.index_select = static_cast<int>(num::sign_extend(r.lut_le_index_select, bits));
  s.lo.index_select = static_cast<int>(num::sign_extend(r.lut_lo_index_select, bits));
  return s;
}

}  // namespace medlar::chip
