// SPDX-License-Identifier: Apache-2.0
// Modelled time of the operations that the chip executed, from the register snapshots that its observer hands out.
#pragma once

#include "chip/chip.hpp"
#include "timing/snapshot.hpp"

namespace medlar::profile {

/// Time of `op` alone on `machine`. kUnsupported names the first block of a chain that no formula covers.
Result<timing::OpTime> time_of(const chip::ExecutedOp& op, const hw::HwConfig& config, const timing::Machine& machine);

}  // namespace medlar::profile
