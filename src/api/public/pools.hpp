// SPDX-License-Identifier: Apache-2.0
// Memory pool limits of a config, handed to the compiler. Private to this folder.
#pragma once

#include "api/public/config_state.hpp"
#include "compiler/compile.hpp"

namespace medlar::door {

/// Bytes of a DLA pool that a build may use: what the caller set, else the default that the command line has
/// too.
uint64_t pool_limit(const BuilderConfig::State& config, MemoryPoolType pool);

/// Limits of memory and layouts for the device. Throws ResourceExhausted for more SRAM than the device has.
void limit_memory(const BuilderConfig::State& config, const hw::DeviceProfile& device,
                  compiler::CompileOptions& options);

}  // namespace medlar::door
