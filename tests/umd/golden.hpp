// SPDX-License-Identifier: Apache-2.0
// NVIDIA's golden images ("DIMG"): a header and the elements in channel, row, column order.
#pragma once

#include "base/bytes.hpp"

#include <string_view>

namespace medlar::test {

struct Golden {
  uint32_t format = 0;  ///< 40 INT8 x32, 41 INT16 x16, 42 FP16 x16.
  uint32_t width = 0, height = 0, channel = 0;
  uint32_t line_stride = 0, surf_stride = 0;
  ByteBuffer elements;

  uint32_t element_bytes() const { return format == 40 ? 1 : 2; }
};

Result<Golden> read_golden(ByteView bytes, std::string_view name);

/// The elements that NVIDIA's tool would have written for this device buffer: it walks it by the golden's own
/// format, 32-byte atoms, whatever the hardware's atom is.
Result<ByteBuffer> walk_like(const Golden& golden, ByteView buffer);

}  // namespace medlar::test
