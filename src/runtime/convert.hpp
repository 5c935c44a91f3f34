// SPDX-License-Identifier: Apache-2.0
// Between the host's row-major tensors and the DLA's layouts. Pure. Private to this folder.
#pragma once

#include "graph/graph.hpp"
#include "loadable/loadable.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace medlar::runtime {

/// real = scale * (stored - zero), times the channel's factor where there are such.
struct StoredAs {
  float scale = 1.0f;
  int zero = 0;
  std::span<const float> channel_scale = {};
  bool channels_last = false;  ///< The rows hold the channels of each pixel together.

  friend bool operator==(const StoredAs& a, const StoredAs& b) {
    return a.scale == b.scale && a.zero == b.zero && a.channels_last == b.channels_last &&
           std::equal(a.channel_scale.begin(), a.channel_scale.end(), b.channel_scale.begin(), b.channel_scale.end());
  }
};

/// float32 or float16 rows into the DLA's layout.
Status rows_to_device(ByteView rows, graph::DataType type, const loadable::Tensor& layout, StoredAs stored,
                      MutableBytes device);
/// The inverse.
Status device_to_rows(ByteView device, const loadable::Tensor& layout, StoredAs stored, graph::DataType type,
                      MutableBytes rows);

/// "float16 cube", "int8 image": the DLA's side of a conversion, for reports.
std::string describe_layout(const loadable::Tensor& layout);

}  // namespace medlar::runtime
