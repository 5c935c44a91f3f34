// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <unistd.h>

namespace medlar {
namespace {

/// A stream tells no size beforehand: /dev/zero must not eat the memory.
constexpr size_t kStreamLimit = size_t{256} << 20;

tl::unexpected<Error> io_error(const std::filesystem::path& path, const char* action, int error) {
  const Code code = error == ENOENT ? Code::kNotFound : Code::kIo;
  return fail(code, "{}: cannot {}: {}", path.string(), action, std::generic_category().message(error));
}

/// A pipe or a device, whose size nobody knows.
Result<ByteBuffer> read_stream(const std::filesystem::path& path, std::ifstream& file) {
  ByteBuffer bytes;
  std::array<char, 1 << 16> block;
  while (file.read(block.data(), block.size()), file.gcount() > 0) {
    if (bytes.size() + static_cast<size_t>(file.gcount()) > kStreamLimit) {
      return fail(Code::kResourceExhausted, "{}: a stream may hold {} bytes, it goes on", path.string(), kStreamLimit);
    }
    bytes.insert(bytes.end(), block.begin(), block.begin() + file.gcount());
  }
  return bytes;
}

/// Writes into `file_path`; errors speak of `path`, which the user knows.
Status write_into(const std::filesystem::path& file_path, const std::filesystem::path& path, ByteView bytes) {
  errno = 0;
  std::ofstream file(file_path, std::ios::binary | std::ios::trunc);
  if (!file) {
    return io_error(path, "create", errno);
  }
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    return io_error(path, "write", errno);
  }
  return {};
}

/// The file that a path means: links are followed, so that they stay links, be their end there or not.
std::filesystem::path target_of(std::filesystem::path path) {
  constexpr int kLinks = 40;  // Linux's own limit
  std::error_code error;
  for (int i = 0; i < kLinks && std::filesystem::is_symlink(path, error); ++i) {
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return path;
}

}  // namespace

Result<ByteBuffer> read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return fail(Code::kInvalidArgument, "{}: is a directory, a file is wanted", path.string());
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return io_error(path, "open", errno);
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    return read_stream(path, file);
  }
  ByteBuffer bytes(std::filesystem::file_size(path, error));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (error || !file) {
    return io_error(path, "read", error ? error.value() : errno);
  }
  return bytes;
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  MEDLAR_ASSIGN(ByteBuffer bytes, read_file(path));
  return std::string(bytes.begin(), bytes.end());
}

Status write_file(const std::filesystem::path& path, ByteView bytes) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return write_into(path, path, bytes);
  }
  const std::filesystem::path target = target_of(path);
  const std::filesystem::path temporary = target.string() + fmt::format(".tmp{}", ::getpid());
  if (const Status written = write_into(temporary, path, bytes); !written) {
    std::filesystem::remove(temporary, error);
    return written;
  }
  std::filesystem::rename(temporary, target, error);
  if (error) {
    const int reason = error.value();
    std::filesystem::remove(temporary, error);
    return io_error(path, "rename into place", reason);
  }
  return {};
}

}  // namespace medlar
