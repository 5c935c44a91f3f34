// SPDX-License-Identifier: Apache-2.0
// CDMA's image reader: pixels of any format to converted components, side padding included.
#pragma once

#include "base/status.hpp"
#include "chip/conv/input/cube.hpp"

namespace medlar::chip {

/// Components lie as CBUF orders them (R G B A or Y U V A), without gaps between columns.
Result<ConvCube> fetch_image(const ConvJob& job, ConvLines lines, MemoryPort& memory);

}  // namespace medlar::chip
