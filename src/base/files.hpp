// SPDX-License-Identifier: Apache-2.0
// Whole-file reads and writes that report what the operating system said.
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.hpp"

namespace medlar {

/// The whole file; of a pipe or device all that comes, up to 256 MiB.
Result<ByteBuffer> read_file(const std::filesystem::path& path);
Result<std::string> read_text_file(const std::filesystem::path& path);

/// Writes to a temporary beside `path` and renames it, so that a full disk never leaves a truncated file. A link stays a
/// link (its target is replaced); a device or pipe is written into.
Status write_file(const std::filesystem::path& path, ByteView bytes);

}  // namespace medlar
