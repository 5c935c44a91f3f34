// SPDX-License-Identifier: Apache-2.0
// Replays the register writes of a trace into snapshots of the operations that it enables.
#pragma once

#include "timing/snapshot.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace medlar::test {

/// Text of every input.txn in an archive of traces, by the name of its folder.
std::map<std::string, std::string> read_programs(const std::filesystem::path& archive);

/// Operations of a program, in the order of their last enable.
std::vector<timing::Snapshot> snapshots_of(const std::string& program, hw::RegisterMap map);

}  // namespace medlar::test
