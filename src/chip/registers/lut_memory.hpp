// SPDX-License-Identifier: Apache-2.0
// The look-up tables of SDP and CDP behind their two access registers, and their settings as numbers.
#pragma once

#include "base/status.hpp"
#include "hw/gen/registers.hpp"
#include "num/lut.hpp"

namespace medlar::chip {

/// S_LUT_ACCESS_CFG selects table, direction and entry; every access of S_LUT_ACCESS_DATA moves to the next entry.
class LutMemory {
 public:
  void reset() { *this = {}; }
  void configure(uint32_t access_cfg);
  Status write(hw::Block block, uint32_t data);
  Result<uint32_t> read(hw::Block block);
  const num::LutTables& tables() const { return tables_; }

 private:
  Result<int16_t*> entry(hw::Block block, bool writing);

  num::LutTables tables_;
  uint32_t address_ = 0;
  bool lo_ = false;
  bool writing_ = false;
};

num::LutSettings lut_settings(const hw::SdpLut& registers);
/// CDP cuts its index-select registers to fewer bits in INT8 processing than in INT16.
num::LutSettings lut_settings(const hw::CdpLut& registers, uint32_t precision);

}  // namespace medlar::chip
