// SPDX-License-Identifier: Apache-2.0
// All files below a folder or inside an archive, by relative path.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/bytes.hpp"

namespace medlar::chip {

using FileSet = std::map<std::string, ByteBuffer>;

/// Reads a folder (recursively), an archive (any format and compression of libarchive), or one file with its folder.
/// `wanted` chooses by relative path; empty takes all.
Result<FileSet> read_file_set(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted = {});

/// "a/b/c.txt" to "a/b/"; empty for a file at the top.
std::string folder_of(const std::string& path);

}  // namespace medlar::chip
