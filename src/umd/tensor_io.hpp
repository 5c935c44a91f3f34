// SPDX-License-Identifier: Apache-2.0
// Between row-major NCHW floats and the layout that a loadable's tensor descriptor asks for.
#pragma once

#include "base/bytes.hpp"
#include "loadable/loadable.hpp"

#include <span>

namespace medlar::umd {

/// Elements of one batch item times n, as the network's user counts them. An image's padded channels count.
uint64_t element_count(const loadable::Tensor& tensor);

/// Writes `values` (NCHW, element_count of them) into `bytes` (tensor.size of them at least); padding becomes
/// zero. Feature cubes and images of FP16, INT16 and INT8; stored = real / scale + zero, rounded to nearest,
/// saturated. Channels of an image are those that the chip's reader makes of its components: R or Y, G or U, B or V, alpha,
/// wherever the pixel format puts them; the two chroma components of planar formats lie behind the luma, or at strides[3]. An
/// image whose descriptor pads 3 (or 1) channels to 4 also takes values of the fewer channels.
Status pack_tensor(const loadable::Tensor& tensor, std::span<const float> values, float scale,
                   MutableBytes bytes, int zero = 0);

/// The inverse; `values` must hold element_count.
/// real = scale * (stored - zero).
Status unpack_tensor(const loadable::Tensor& tensor, ByteView bytes, float scale, std::span<float> values, int zero = 0);

}  // namespace medlar::umd
