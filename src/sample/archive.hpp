// SPDX-License-Identifier: Apache-2.0
// Streams the files of a .tar, .tar.gz, .tar.xz or .zip (libarchive), one at a time, in bounded memory.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/bytes.hpp"

namespace medlar::sample {

/// Receives one regular file; returns false to stop early.
using ArchiveVisitor = std::function<Result<bool>(const std::string& name, ByteBuffer bytes)>;

/// Visits the files in the archive's order. Files over `max_file_bytes` are kCorrupt by name.
Status visit_archive(const std::filesystem::path& path, const ArchiveVisitor& visitor,
                     uint64_t max_file_bytes = uint64_t{1} << 30);

/// The same over an archive held in memory.
Status visit_archive(ByteView archive, const std::string& archive_name, const ArchiveVisitor& visitor,
                     uint64_t max_file_bytes = uint64_t{1} << 30);

/// True for the extensions that visit_archive reads.
bool is_archive_name(std::string_view name);

}  // namespace medlar::sample
