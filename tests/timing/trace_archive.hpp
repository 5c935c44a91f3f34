// SPDX-License-Identifier: Apache-2.0
// Register programs out of an archive of traces.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace medlar::test {

/// Text of every input.txn in an archive, by the name of its folder.
std::map<std::string, std::string> read_programs(const std::filesystem::path& archive);

}  // namespace medlar::test
