// SPDX-License-Identifier: Apache-2.0
// The data files of NVIDIA's traces, and the checksum that traces compare.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace medlar::chip {

/// nvdlav1 .dat: lines of 0xNN tokens, lowest address first; header lines do not count.
Result<ByteBuffer> parse_byte_lines(std::string_view text, std::string_view name);

/// Later traces: lines "{offset:0x0, size:4, payload:0x08 0x83 0x00 0xae} ,"; missing bytes are zero.
Result<ByteBuffer> parse_payload_lines(std::string_view text, std::string_view name);

/// CRC-32/ISO-HDLC, the one of zlib.
uint32_t crc32(ByteView bytes);

}  // namespace medlar::chip
