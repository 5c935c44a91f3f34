// SPDX-License-Identifier: Apache-2.0
// Steps from sizes to work that registers and shapes share. Private to this folder.
#pragma once

#include "timing/fetch.hpp"
#include "timing/work.hpp"

namespace medlar::timing {

/// What the data reader of a convolution fetches.
struct DataFetch {
  Traffic traffic;
  double request_fill = 1;
};
/// Bytes that a memory port moves at least.
uint32_t beat_bytes(const hw::HwConfig& config);
DataFetch data_fetch(const Fetched& fetched, Memory from, const hw::HwConfig& config);
DataFetch data_fetch(const LineSet& lines, Memory from, const hw::HwConfig& config);

struct FromTo {
  Memory from = Memory::kDram, to = Memory::kDram;
};
CdpWork cdp_work(uint64_t width, uint64_t height, uint64_t bytes, FromTo memories,
                 const hw::HwConfig& config);

struct CopyLines {
  uint64_t lines = 0, bytes = 0;
  uint64_t address = 0, stride = 0;  ///< Where lines begin: in the middle of a beat they need one more.
};
/// Adds lines that are read and lines that are written to a copy.
void add_lines(CopyWork& work, const CopyLines& read, const CopyLines& written, const hw::HwConfig& config);

}  // namespace medlar::timing
