// SPDX-License-Identifier: Apache-2.0
// Memory pool limits against what the DLA's segments need. Private to this folder.
#pragma once

#include "api/public/config_state.hpp"
#include "compiler/plan.hpp"

namespace medlar::door {

/// Throws ResourceExhausted naming the pool, its limit and the need, for limits that the caller set.
void check_pools(const BuilderConfig::State& config, const hw::DeviceProfile& device, const compiler::Plan& plan);

}  // namespace medlar::door
