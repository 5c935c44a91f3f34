// SPDX-License-Identifier: Apache-2.0
// Which layers of an INT8 build compute in FP16: those whose rounding costs most at the outputs for the time
// that FP16 takes.
#pragma once

#include "compiler/segment.hpp"

#include <vector>

namespace medlar::host {

struct HalfQuestion {
  const std::vector<compiler::StoredTensor>& stored;
  /// Squared relative errors at the outputs: of rounding each stored tensor, and the weights of the layers
  /// that write it.
  std::vector<double> rounding, weights;
  double budget = 0.0;  ///< Relative error (2-norm) that may remain.
  double delay = 1.0;   ///< Most time that may be added, in parts of the INT8 network's, roughly estimated.
};

/// Indices of stored tensors whose writers compute in FP16, in rising order. A tensor escapes rounding when
/// the layers that write it and those that read it on the DLA are all FP16.
std::vector<size_t> choose_half(const HalfQuestion& question);

}  // namespace medlar::host
