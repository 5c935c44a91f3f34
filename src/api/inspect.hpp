// SPDX-License-Identifier: Apache-2.0
// Engines and loadables in words: tables for people, JSON for programs.
#pragma once

#include <string>

#include "engine/engine.hpp"

namespace medlar::api {

std::string engine_to_text(const engine::Engine& engine);
std::string engine_to_json(const engine::Engine& engine);

/// How many nodes run where, and one line with the reason for each that is not on the DLA.
std::string placement_summary(const engine::Engine& engine);

/// NVDLA loadable (.nvdla) from its bytes.
Result<std::string> loadable_to_text(ByteView bytes, std::string_view name);
Result<std::string> loadable_to_json(ByteView bytes, std::string_view name);

/// Device profiles with their labels.
std::string devices_to_text();
std::string devices_to_json();

}  // namespace medlar::api
