// SPDX-License-Identifier: Apache-2.0
// Values of the command line that are more than a word: name=FILE pairs.
#pragma once

#include <filesystem>
#include <string>

namespace medlar::tools {

/// "name=FILE" or "FILE" (empty name).
struct NamedFile {
  std::string name;
  std::filesystem::path file;
};
NamedFile parse_named_file(const std::string& text);

}  // namespace medlar::tools
