// SPDX-License-Identifier: Apache-2.0
// The data files of NVIDIA's traces.
#include "chip/play/trace_data.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace medlar::chip {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void skip_blanks(std::string_view& text) {
  const size_t first = text.find_first_not_of(" \t\r,");
  text.remove_prefix(first == std::string_view::npos ? text.size() : first);
}

/// Takes "0x1f" or "31" from the front.
std::optional<uint64_t> take_number(std::string_view& text) {
  skip_blanks(text);
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const char* const first = text.data() + (hex ? 2 : 0);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc()) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

/// The number after "key:" in a line.
std::optional<uint64_t> value_of(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = line.substr(at + key.size());
  return take_number(rest);
}

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? (value >> 1) ^ 0xedb88320u : value >> 1;
    }
    table[i] = value;
  }
  return table;
}

}  // namespace

Result<ByteBuffer> parse_byte_lines(std::string_view text, std::string_view name) {
  ByteBuffer bytes;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (!line.starts_with("0x") && !line.starts_with(" 0x")) {
      continue;
    }
    for (skip_blanks(line); !line.empty(); skip_blanks(line)) {
      const auto value = take_number(line);
      if (!value || *value > 0xff) {
        return fail(Code::kCorrupt, "{}: \"{}\" is no byte", name, line.substr(0, 16));
      }
      bytes.push_back(static_cast<uint8_t>(*value));
    }
  }
  return bytes;
}

ByteBuffer byte_lines(ByteView bytes) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  constexpr size_t kTokens = 32;
  const std::string header = "Data_size=" + std::to_string(bytes.size()) + "\n";
  ByteBuffer text(header.begin(), header.end());
  text.reserve(text.size() + bytes.size() * 5);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool last = i % kTokens == kTokens - 1 || i + 1 == bytes.size();
    for (const char letter : {'0', 'x', kHex[bytes[i] >> 4], kHex[bytes[i] & 15], last ? '\n' : ' '}) {
      text.push_back(static_cast<uint8_t>(letter));
    }
  }
  return text;
}

namespace {
constexpr uint64_t kSramWindow = 0x5000'0000;
constexpr uint64_t kDramWindow = 0x8000'0000;
constexpr uint64_t kWindowsEnd = uint64_t{1} << 32;
}  // namespace

Result<Ram> trace_ram(uint32_t address) {
  if (address < kSramWindow) {
    return fail(Code::kCorrupt, "memory address {:#x} lies in neither port's window", address);
  }
  return address < kDramWindow ? Ram::kSram : Ram::kDram;
}

Status check_trace_window(Ram ram, uint64_t address, uint64_t size) {
  const uint64_t first = ram == Ram::kSram ? kSramWindow : kDramWindow;
  const uint64_t end = ram == Ram::kSram ? kDramWindow : kWindowsEnd;
  if (address < first || address > end || size > end - address) {
    return fail(Code::kOutOfRange, "{} bytes at {:#x}: a trace addresses this memory from {:#x} to {:#x}",
                size, address, first, end);
  }
  return {};
}

Result<ByteBuffer> parse_payload_lines(std::string_view text, std::string_view name) {
  ByteBuffer bytes;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    const size_t payload = line.find("payload:");
    if (payload == std::string_view::npos || line.starts_with("#")) {
      continue;
    }
    const auto offset = value_of(line, "offset:");
    const auto size = value_of(line, "size:");
    if (!offset || !size || *offset > kMaxBytes || *size > kMaxBytes) {
      return fail(Code::kCorrupt, "{}: \"{}\" has no usable offset and size", name, line.substr(0, 40));
    }
    bytes.resize(std::max<size_t>(bytes.size(), *offset + *size));
    std::string_view rest = line.substr(payload + 8);
    for (uint64_t i = 0; i < *size; ++i) {
      const auto value = take_number(rest);
      if (!value || *value > 0xff) {
        break;  // Missing bytes are zero.
      }
      bytes[*offset + i] = static_cast<uint8_t>(*value);
    }
  }
  return bytes;
}

uint32_t crc32(ByteView bytes) {
  static constexpr auto kTable = make_crc_table();
  uint32_t crc = ~0u;
  for (const uint8_t byte : bytes) {
    crc = kTable[(crc ^ byte) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

}  // namespace medlar::chip
