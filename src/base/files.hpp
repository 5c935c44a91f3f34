// SPDX-License-Identifier: Apache-2.0
// Whole-file reads and writes that report what the operating system said.
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.hpp"

namespace medlar {

Result<ByteBuffer> read_file(const std::filesystem::path& path);
Result<std::string> read_text_file(const std::filesystem::path& path);

/// Writes to a temporary beside `path` and renames it, so that a full disk never leaves a truncated file.
Status write_file(const std::filesystem::path& path, ByteView bytes);

}  // namespace medlar
