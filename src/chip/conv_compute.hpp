// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one convolution once data and weights are there: picks the fast path or the written-out one.
#pragma once

#include "base/bytes.hpp"
#include "chip/acc_cube.hpp"
#include "chip/conv_cube.hpp"
#include "chip/conv_dot.hpp"
#include "chip/conv_job.hpp"
#include "chip/conv_pack.hpp"
#include "chip/conv_weights.hpp"
#include "chip/conv_window.hpp"

namespace medlar::chip {

/// Memory that operations use one after the other.
struct ConvScratch {
  ConvWindow window;
  PackedWeights packed;
};

class ConvCompute {
 public:
  /// All must outlive it. `cube` holds the job's whole input.
  ConvCompute(const ConvJob& job, const ConvCube& cube, const DotTarget& target, ConvScratch& scratch);

  /// Computes the kernels of `range` into `out`; `weights` are theirs, uncompressed, in memory order.
  void run(KernelRange range, ByteView weights, AccCube& out);

 private:
  enum class Path : uint8_t { kReference, kInteger, kHalf, kWinograd };
  static Path choose_path(const ConvJob& job, const DotTarget& target);

  const ConvJob& job_;
  const ConvCube& cube_;
  const DotTarget& target_;
  Path path_;
  WindowForm form_;
  ConvScratch& scratch_;
};

}  // namespace medlar::chip
