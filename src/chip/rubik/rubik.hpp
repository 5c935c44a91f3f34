// SPDX-License-Identifier: Apache-2.0
// RUBIK: moves elements without changing them (contract for deconvolution, split into planes, merge from planes).
#pragma once

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"
#include "hw/config.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

Status run_rubik(const hw::HwConfig& config, const hw::RubikGroup& registers, MemoryPort& memory);

}  // namespace medlar::chip
