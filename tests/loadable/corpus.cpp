// SPDX-License-Identifier: Apache-2.0
#include "loadable/corpus.hpp"

#include "support/test_data.hpp"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

namespace medlar::test {

Result<ArchiveFiles> read_archive(const std::filesystem::path& path) {
  std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 16) != ARCHIVE_OK) {
    return fail(Code::kIo, "{}: {}", path.string(), archive_error_string(reader.get()));
  }
  ArchiveFiles files;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    if (archive_entry_filetype(entry) != AE_IFREG) {
      continue;
    }
    std::string name = archive_entry_pathname(entry);
    if (name.starts_with("./")) {
      name.erase(0, 2);
    }
    ByteBuffer data(static_cast<size_t>(archive_entry_size(entry)));
    const auto got = archive_read_data(reader.get(), data.data(), data.size());
    if (got != static_cast<la_ssize_t>(data.size())) {
      return fail(Code::kIo, "{}: {}: short read", path.string(), name);
    }
    files.emplace(std::move(name), std::move(data));
  }
  return files;
}

namespace {

std::map<std::string, ByteBuffer> unpack_loadables() {
  std::map<std::string, ByteBuffer> out;
  for (const char* name : {kRegressionArchive, kFp16Archive}) {
    const auto path = reference_data(name);
    if (!path) {
      continue;
    }
    auto files = read_archive(*path);
    if (!files) {
      ADD_FAILURE() << files.error().to_string();
      continue;
    }
    for (auto& [file, bytes] : *files) {
      const std::filesystem::path inside(file);
      if (file.ends_with("_fbuf")) {
        const std::string stem = inside.filename().string();
        out.emplace(stem.substr(0, stem.size() - 5), std::move(bytes));
      } else if (file.ends_with(".nvdla")) {
        out.emplace(inside.parent_path().filename().string(), std::move(bytes));
      }
    }
  }
  return out;
}

}  // namespace

const std::map<std::string, ByteBuffer>& all_loadables() {
  static const std::map<std::string, ByteBuffer> files = unpack_loadables();
  return files;
}

}  // namespace medlar::test
