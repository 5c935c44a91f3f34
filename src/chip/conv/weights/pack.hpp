// SPDX-License-Identifier: Apache-2.0
// Weights from memory order to the order of the inner product: blocks of 16 kernels, steps of four bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "chip/conv/input/bytes.hpp"
#include "chip/conv/integer/dot.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

struct PackedWeights {
  RawBytes bytes;  ///< [block][row][tap][step][lane][four bytes], zero where there is no weight.
  uint32_t blocks = 0;
  uint32_t steps = 0;          ///< Of one tap.
  uint64_t block_bytes = 0;
  bool diagonal = false;       ///< One channel a kernel: one step a tap (DotTarget::diagonal_bytes, diagonal_words).
  std::vector<int32_t> bias;   ///< One a kernel: what the sums start with. Undoes the 128 of the bytes form.
};

/// `weights`: those of kernels [range.first, range.first + range.count), in memory order. `words`: INT8 weights are
/// widened to 16 bits. `packed` is overwritten; its memory is used again.
struct PackRequest {
  const ConvJob& job;
  const DotTarget& target;
  bool words = false;
};
void pack_weights(const PackRequest& request, KernelRange range, ByteView weights, PackedWeights& packed);

}  // namespace medlar::chip
