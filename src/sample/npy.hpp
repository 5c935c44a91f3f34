// SPDX-License-Identifier: Apache-2.0
// NumPy's array files (.npy versions 1 to 3).
#pragma once

#include <string_view>

#include "graph/graph.hpp"

namespace medlar::sample {

/// Little-endian, C-order arrays of the numeric types; others are kUnsupported by name.
Result<graph::Tensor> parse_npy(ByteView bytes, std::string_view name);

/// Version 1.0, C order. Strings are kUnsupported; bfloat16 has no NumPy type and is kUnsupported too.
Result<ByteBuffer> npy_bytes(const graph::Tensor& tensor);

/// `name` with every character outside A-Z a-z 0-9 . _ - replaced by '_': the file name of a tensor.
std::string file_name_of_tensor(std::string_view name);

}  // namespace medlar::sample
