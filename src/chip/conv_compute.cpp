// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one convolution.
#include "chip/conv_compute.hpp"

#include "chip/conv_half.hpp"
#include "chip/conv_integer.hpp"
#include "chip/conv_reference.hpp"
#include "chip/conv_winograd.hpp"

namespace medlar::chip {

ConvCompute::Path ConvCompute::choose_path(const ConvJob& job, const DotTarget& target) {
  if (job.mode == ConvMode::kWinograd) {
    return Path::kWinograd;
  }
  if (job.precision == hw::Precision::kFp16) {
    return has_fast_half(target.name) ? Path::kHalf : Path::kReference;
  }
  return sums_cannot_saturate(job) ? Path::kInteger : Path::kReference;
}

ConvCompute::ConvCompute(const ConvJob& job, const ConvCube& cube, const DotTarget& target, ConvScratch& scratch)
    : job_(job),
      cube_(cube),
      target_(target),
      path_(choose_path(job, target)),
      form_(path_ == Path::kInteger ? window_form(job, target) : WindowForm::kRaw),
      scratch_(scratch) {
  if (path_ != Path::kWinograd) {
    make_window(job, cube, form_, scratch.window);
  }
}

void ConvCompute::run(KernelRange range, ByteView weights, AccCube& out) {
  if (path_ == Path::kWinograd) {
    convolve_winograd(job_, cube_, range, weights, out);
    return;
  }
  if (path_ == Path::kHalf) {
    convolve_halves(job_, scratch_.window, range, weights, out);
    return;
  }
  if (path_ == Path::kReference) {
    convolve_reference(job_, scratch_.window, range, weights, out);
    return;
  }
  const PackRequest request{.job = job_, .target = target_, .words = form_ != WindowForm::kBytes};
  pack_weights(request, range, weights, scratch_.packed);
  convolve_integers({.job = job_, .window = scratch_.window, .target = target_}, scratch_.packed, range, out);
}

}  // namespace medlar::chip
