// SPDX-License-Identifier: Apache-2.0
// Other strides for a bound buffer: what NVIDIA's runtime calls setInputTensorDesc and setOutputTensorDesc.
#pragma once

#include "loadable/loadable.hpp"

namespace medlar::loadable {

struct Strides {
  uint32_t line = 0;
  uint32_t surface = 0;  ///< Ignored for images.
};

/// Gives tensor `tensor` (an input or output) other strides: the words that relocations name are rewritten,
/// the tensor and its memory take the size that the strides need. Expects the current layout (see
/// upgrade.hpp). Error kInvalidArgument: the strides are shorter than the rows and surfaces they span.
Status set_strides(Loadable& loadable, size_t tensor, const Strides& strides);

}  // namespace medlar::loadable
