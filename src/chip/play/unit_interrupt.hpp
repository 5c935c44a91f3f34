// SPDX-License-Identifier: Apache-2.0
// Interrupts by the names that traces and vectors use: "SDP_0", "CDMA_WT_1".
#pragma once

#include <string>

#include "base/status.hpp"
#include "hw/config.hpp"

namespace medlar::chip {

/// Bit of S_INTR_STATUS.
Result<uint32_t> interrupt_bit(const std::string& name);
/// Byte address of GLB.S_INTR_STATUS.
Result<uint32_t> interrupt_status_address(const hw::HwConfig& config);

}  // namespace medlar::chip
