// SPDX-License-Identifier: Apache-2.0
// "Slower than the GPU": an engine's modelled time beside that of its module's GPU, or CPU where it has none,
// alone.
#pragma once

#include "api/doctor.hpp"
#include "engine/engine.hpp"

#include <string>

namespace medlar::api {

/// Runs the engine once, on zeros, on a module of its own in power mode `mode` (empty: the device's default).
Finding speed_finding(const engine::Engine& engine, const std::string& mode);

}  // namespace medlar::api
