// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <unistd.h>

namespace medlar {
namespace {

tl::unexpected<Error> io_error(const std::filesystem::path& path, const char* action, int error) {
  const Code code = error == ENOENT ? Code::kNotFound : Code::kIo;
  return fail(code, "{}: cannot {}: {}", path.string(), action, std::generic_category().message(error));
}

}  // namespace

Result<ByteBuffer> read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return fail(Code::kInvalidArgument, "{}: is a directory, a file is wanted", path.string());
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    return io_error(path, "open", errno);
  }
  const std::streamoff size = file.tellg();
  ByteBuffer bytes(size > 0 ? static_cast<size_t>(size) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) {
    return io_error(path, "read", errno);
  }
  return bytes;
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  MEDLAR_ASSIGN(ByteBuffer bytes, read_file(path));
  return std::string(bytes.begin(), bytes.end());
}

Status write_file(const std::filesystem::path& path, ByteView bytes) {
  const std::filesystem::path temporary = path.string() + fmt::format(".tmp{}", ::getpid());
  errno = 0;
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  if (!file) {
    return io_error(path, "create", errno);
  }
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (!file) {
    const int reason = errno;
    std::filesystem::remove(temporary, error);
    return io_error(path, "write", reason);
  }
  std::filesystem::rename(temporary, path, error);
  if (error) {
    const int reason = error.value();
    std::filesystem::remove(temporary, error);
    return io_error(path, "rename into place", reason);
  }
  return {};
}

}  // namespace medlar
