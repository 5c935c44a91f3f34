// SPDX-License-Identifier: Apache-2.0
// NumPy's archives of arrays (.npz), uncompressed.
#pragma once

#include <map>
#include <string>

#include "graph/graph.hpp"

namespace medlar::sample {

/// One `NAME.npy` for each tensor.
Result<ByteBuffer> npz_bytes(const std::map<std::string, graph::Tensor>& tensors);

}  // namespace medlar::sample
