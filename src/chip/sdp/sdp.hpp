// SPDX-License-Identifier: Apache-2.0
// SDP with its read DMA: per-element arithmetic on a cube from memory or from the convolution core, into memory or PDP.
#pragma once

#include <optional>

#include "base/status.hpp"
#include "chip/conv/acc_cube.hpp"
#include "chip/memory/memory_port.hpp"
#include "chip/sdp/packed_cube.hpp"
#include "hw/config.hpp"
#include "hw/gen/registers.hpp"
#include "num/lut.hpp"

namespace medlar::chip {

struct SdpTarget;

struct SdpOperation {
  hw::SdpGroup sdp;
  std::optional<hw::SdpRdmaGroup> rdma;  ///< Present when sdp_needs_rdma.
  num::LutSettings lut;
  const num::LutTables* tables = nullptr;
  const SdpTarget* target = nullptr;  ///< The vector unit to compute with; never null in run_sdp.
  const AccFeed* conv = nullptr;  ///< Input of a flying operation.
};

/// What the status registers report. All lanes of all processed atoms count, padding lanes included.
struct SdpCounters {
  bool unequal = false;
  num::LutCounters lut;
  uint64_t out_saturation = 0;
  uint64_t nan_inputs = 0;
  uint64_t inf_inputs = 0;
  uint64_t nan_outputs = 0;
};

/// True when the operation reads a cube or operands through SDP_RDMA.
bool sdp_needs_rdma(const hw::SdpGroup& sdp);

/// True when the read DMA has nothing to read: flying, all operand readers disabled.
bool sdp_rdma_idle(const hw::SdpRdmaGroup& rdma);

/// `to_pdp` receives the cube when OUTPUT_DST is PDP, and must not be null then.
Result<SdpCounters> run_sdp(const hw::HwConfig& config, const SdpOperation& operation, MemoryPort& memory,
                            PackedCube* to_pdp);

}  // namespace medlar::chip
