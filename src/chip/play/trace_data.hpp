// SPDX-License-Identifier: Apache-2.0
// The data files of NVIDIA's traces, and the checksum that traces compare.
#pragma once

#include "base/bytes.hpp"
#include "chip/memory/memory_port.hpp"

#include <string_view>

namespace medlar::chip {

/// nvdlav1 .dat: lines of 0xNN tokens, lowest address first; header lines do not count.
Result<ByteBuffer> parse_byte_lines(std::string_view text, std::string_view name);

/// The same the other way: 32 tokens a line behind a header line.
ByteBuffer byte_lines(ByteView bytes);

/// A comment line that names the configuration of an .txn trace, for those that are not for the first
/// register map.
inline constexpr std::string_view kTraceConfigComment = "# Configuration: ";

/// Which memory an address of an .txn trace means: NVIDIA's bench puts CVSRAM at 0x5....... and the rest at
/// 0x8.......; longer memories run on up to the next window.
Result<Ram> trace_ram(uint32_t address);
/// Error when the range cannot be said in an .txn trace.
Status check_trace_window(Ram ram, uint64_t address, uint64_t size);

/// Later traces: lines "{offset:0x0, size:4, payload:0x08 0x83 0x00 0xae} ,"; missing bytes are zero.
Result<ByteBuffer> parse_payload_lines(std::string_view text, std::string_view name);

/// CRC-32/ISO-HDLC, the one of zlib.
uint32_t crc32(ByteView bytes);

}  // namespace medlar::chip
