// SPDX-License-Identifier: Apache-2.0
// The memories of NVIDIA's RTL runs by name, and the memories of a device profile.
#pragma once

#include "base/status.hpp"
#include "timing/machine.hpp"

#include <string_view>

namespace medlar::timing {

/// "nvidia-axi": NVIDIA's own test bench: 32 cycles, a request every second cycle. "timed-latL-BB"
/// (timed-lat64-64B): latency L, a request every cycle, B bytes a cycle for reads and writes together (64: a
/// beat a cycle each way). kInvalidArgument names what is wrong with the name.
Result<Machine> machine_of_memory(const hw::HwConfig& config, std::string_view memory);

}  // namespace medlar::timing
