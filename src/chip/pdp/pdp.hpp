// SPDX-License-Identifier: Apache-2.0
// PDP with its read DMA: max, min and average pooling of a cube from memory or straight from SDP.
#pragma once

#include <optional>

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"
#include "chip/sdp/packed_cube.hpp"
#include "hw/config.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

struct PdpOperation {
  hw::PdpGroup pdp;
  std::optional<hw::PdpRdmaGroup> rdma;  ///< Present when the source is memory.
  const PackedCube* from_sdp = nullptr;  ///< Present otherwise.
};

struct PdpCounters {
  uint64_t nan_inputs = 0;
  uint64_t inf_inputs = 0;
  uint64_t nan_outputs = 0;
};

/// FLYING_MODE of PDP: 0 is on-the-fly from SDP, 1 from memory.
constexpr bool pdp_flying(const hw::PdpGroup& pdp) { return pdp.flying_mode == 0; }

Result<PdpCounters> run_pdp(const hw::HwConfig& config, const PdpOperation& operation, MemoryPort& memory);

}  // namespace medlar::chip
