// SPDX-License-Identifier: Apache-2.0
// CDP with its read DMA: local response normalisation across channels.
#pragma once

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"
#include "hw/config.hpp"
#include "hw/gen/registers.hpp"
#include "num/lut.hpp"

namespace medlar::chip {

struct CdpOperation {
  hw::CdpGroup cdp;
  hw::CdpRdmaGroup rdma;
  num::LutSettings lut;
  const num::LutTables* tables = nullptr;
};

struct CdpCounters {
  uint64_t nan_inputs = 0;
  uint64_t inf_inputs = 0;
  uint64_t nan_outputs = 0;
  uint64_t out_saturation = 0;
  num::LutCounters lut;
};

Result<CdpCounters> run_cdp(const hw::HwConfig& config, const CdpOperation& operation, MemoryPort& memory);

}  // namespace medlar::chip
