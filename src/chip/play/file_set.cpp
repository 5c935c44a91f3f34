// SPDX-License-Identifier: Apache-2.0
// Folders and archives as sets of files.
#include "chip/play/file_set.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "base/files.hpp"

namespace medlar::chip {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

struct ArchiveCloser {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

std::string normalised(std::string path) {
  while (path.starts_with("./")) {
    path.erase(0, 2);
  }
  return path;
}

Result<ByteBuffer> read_entry(archive* reader, archive_entry* entry, const std::string& name) {
  const int64_t size = archive_entry_size(entry);
  if (size < 0 || size > kMaxFileBytes) {
    return fail(Code::kCorrupt, "{}: {} bytes, more than {}", name, size, kMaxFileBytes);
  }
  ByteBuffer bytes(static_cast<size_t>(size));
  const auto got = archive_read_data(reader, bytes.data(), bytes.size());
  if (got != static_cast<la_ssize_t>(bytes.size())) {
    return fail(Code::kCorrupt, "{}: {} of {} bytes in the archive", name, static_cast<int64_t>(got), size);
  }
  return bytes;
}

Result<FileSet> read_archive(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted) {
  const std::unique_ptr<archive, ArchiveCloser> reader(archive_read_new());
  archive_read_support_format_all(reader.get());
  archive_read_support_filter_all(reader.get());
  constexpr size_t kBlock = 1 << 16;
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
    return fail(Code::kCorrupt, "{}: {}", path.string(), archive_error_string(reader.get()));
  }
  FileSet files;
  archive_entry* entry = nullptr;
  int state = ARCHIVE_OK;
  while ((state = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const std::string name = normalised(archive_entry_pathname(entry));
    if (archive_entry_filetype(entry) == AE_IFREG && (!wanted || wanted(name))) {
      MEDLAR_ASSIGN(files[name], read_entry(reader.get(), entry, name));
    }
  }
  if (state != ARCHIVE_EOF) {
    return fail(Code::kCorrupt, "{}: {}", path.string(), archive_error_string(reader.get()));
  }
  return files;
}

Result<FileSet> read_folder(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted) {
  FileSet files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
    const std::string name = entry.path().lexically_relative(path).generic_string();
    if (entry.is_regular_file(error) && (!wanted || wanted(name))) {
      MEDLAR_ASSIGN(files[name], read_file(entry.path()));
    }
  }
  if (error) {
    return fail(Code::kIo, "{}: {}", path.string(), error.message());
  }
  return files;
}

bool looks_like_archive(const std::filesystem::path& path) {
  static constexpr std::array kSuffixes = {".xz", ".gz", ".tar", ".zip", ".tgz", ".txz"};
  const std::string extension = path.extension().string();
  return std::find(kSuffixes.begin(), kSuffixes.end(), extension) != kSuffixes.end();
}

}  // namespace

Result<FileSet> read_file_set(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return read_folder(path, wanted);
  }
  if (!std::filesystem::exists(path, error)) {
    return fail(Code::kNotFound, "{}: no such file or folder", path.string());
  }
  if (looks_like_archive(path)) {
    return read_archive(path, wanted);
  }
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return read_folder(folder, wanted);
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

}  // namespace medlar::chip
