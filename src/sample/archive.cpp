// SPDX-License-Identifier: Apache-2.0
#include "sample/archive.hpp"

#include <array>
#include <memory>

#include <archive.h>
#include <archive_entry.h>

namespace medlar::sample {
namespace {

using Reader = std::unique_ptr<struct archive, int (*)(struct archive*)>;
constexpr size_t kBlockBytes = 1 << 16;

Reader make_reader() {
  Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  return reader;
}

tl::unexpected<Error> reader_error(const Reader& reader, const std::string& name) {
  const char* reason = archive_error_string(reader.get());
  return fail(Code::kCorrupt, "{}: cannot read the archive: {}", name, reason != nullptr ? reason : "unknown reason");
}

Result<ByteBuffer> read_entry(const Reader& reader, const std::string& archive, const std::string& file, uint64_t limit) {
  ByteBuffer bytes;
  std::array<uint8_t, kBlockBytes> block;
  while (true) {
    const la_ssize_t got = archive_read_data(reader.get(), block.data(), block.size());
    if (got == 0) {
      return bytes;
    }
    if (got < 0) {
      return reader_error(reader, archive + ": " + file);
    }
    if (bytes.size() + static_cast<uint64_t>(got) > limit) {
      return fail(Code::kCorrupt, "{}: {} is larger than {} bytes", archive, file, limit);
    }
    bytes.insert(bytes.end(), block.begin(), block.begin() + got);
  }
}

Status visit_entries(const Reader& reader, const std::string& name, const ArchiveVisitor& visitor, uint64_t limit) {
  struct archive_entry* entry = nullptr;
  while (true) {
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) {
      return {};
    }
    if (status < ARCHIVE_WARN) {
      return reader_error(reader, name);
    }
    if (archive_entry_filetype(entry) != AE_IFREG) {
      continue;
    }
    const char* path = archive_entry_pathname(entry);
    const std::string file = path != nullptr ? path : "";
    MEDLAR_ASSIGN(ByteBuffer bytes, read_entry(reader, name, file, limit));
    MEDLAR_ASSIGN(const bool go_on, visitor(file, std::move(bytes)));
    if (!go_on) {
      return {};
    }
  }
}

}  // namespace

Status visit_archive(const std::filesystem::path& path, const ArchiveVisitor& visitor, uint64_t max_file_bytes) {
  if (!std::filesystem::exists(path)) {
    return fail(Code::kNotFound, "{}: no such file", path.string());
  }
  const Reader reader = make_reader();
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return reader_error(reader, path.string());
  }
  return visit_entries(reader, path.string(), visitor, max_file_bytes);
}

Status visit_archive(ByteView archive, const std::string& archive_name, const ArchiveVisitor& visitor,
                     uint64_t max_file_bytes) {
  const Reader reader = make_reader();
  if (archive_read_open_memory(reader.get(), archive.data(), archive.size()) != ARCHIVE_OK) {
    return reader_error(reader, archive_name);
  }
  return visit_entries(reader, archive_name, visitor, max_file_bytes);
}

bool is_archive_name(std::string_view name) {
  for (const std::string_view extension : {".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".zip"}) {
    if (name.ends_with(extension)) {
      return true;
    }
  }
  return false;
}

}  // namespace medlar::sample
