// SPDX-License-Identifier: Apache-2.0
#include "import/external_data.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/checked.hpp"
#include "import/onnx_proto.hpp"

namespace medlar::import {
namespace {

struct Location {
  std::string path;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<uint64_t> parse_size(const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    return fail(Code::kCorrupt, "external data: {} is '{}', must be a number of bytes", key, text);
  }
  return value;
}

/// `checksum` and runtime-specific keys do not change where the data lie.
Result<Location> read_location(const onnx::TensorProto& tensor) {
  Location location;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") {
      location.path = entry.value();
    } else if (entry.key() == "offset") {
      MEDLAR_ASSIGN(location.offset, parse_size("offset", entry.value()));
    } else if (entry.key() == "length") {
      MEDLAR_ASSIGN(location.length, parse_size("length", entry.value()));
    }
  }
  if (location.path.empty() || location.path.find('\0') != std::string::npos) {
    return fail(Code::kCorrupt, "external data: no location is given");
  }
  return location;
}

Result<std::filesystem::path> resolve(const std::filesystem::path& folder, const std::string& location) {
  const std::filesystem::path relative(location);
  if (relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end()) {
    return fail(Code::kCorrupt, "external data: location '{}' leads out of the model's folder", location);
  }
  std::error_code error;
  const std::filesystem::path base = std::filesystem::canonical(folder.empty() ? "." : folder, error);
  if (error) {
    return fail(Code::kIo, "external data: {}: {}", folder.string(), error.message());
  }
  const std::filesystem::path target = std::filesystem::canonical(base / relative, error);
  if (error) {
    return fail(Code::kNotFound, "external data: {}: {}", (folder / relative).string(), error.message());
  }
  if (std::mismatch(base.begin(), base.end(), target.begin(), target.end()).first != base.end()) {
    return fail(Code::kCorrupt, "external data: location '{}' leads out of the model's folder", location);
  }
  if (!std::filesystem::is_regular_file(target, error)) {
    return fail(Code::kCorrupt, "external data: '{}' is not a regular file", location);
  }
  return target;
}

}  // namespace

Result<ByteBuffer> read_external_data(const onnx::TensorProto& tensor, uint64_t size, const DataFolder& folder) {
  if (!folder) {
    return fail(Code::kUnsupported, "external data: the model was not read from a file, so it has no folder");
  }
  MEDLAR_ASSIGN(const Location location, read_location(tensor));
  if (location.length && *location.length != size) {
    return fail(Code::kCorrupt, "external data: length is {}, the tensor's shape needs {} bytes", *location.length,
                size);
  }
  MEDLAR_ASSIGN(const std::filesystem::path path, resolve(*folder, location.path));
  std::error_code error;
  const uint64_t total = std::filesystem::file_size(path, error);
  if (error) {
    return fail(Code::kIo, "external data: {}: {}", path.string(), error.message());
  }
  if (!range_inside(location.offset, size, total)) {
    return fail(Code::kCorrupt, "external data: {} bytes at offset {} run past the end of {} ({} bytes)", size,
                location.offset, path.string(), total);
  }
  ByteBuffer bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(location.offset));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) {
    return fail(Code::kIo, "external data: {}: {}", path.string(), std::strerror(errno));
  }
  return bytes;
}

}  // namespace medlar::import
