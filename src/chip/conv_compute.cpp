// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one convolution.
#include "chip/conv_compute.hpp"

#include "chip/conv_half.hpp"
#include "chip/conv_integer.hpp"
#include "chip/conv_pack.hpp"
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

ConvCompute::ConvCompute(const ConvJob& job, const ConvCube& cube, const DotTarget& target)
    : job_(job),
      cube_(cube),
      target_(target),
      path_(choose_path(job, target)),
      form_(path_ == Path::kInteger ? window_form(job, target) : WindowForm::kRaw),
      window_(path_ == Path::kWinograd ? ConvWindow{} : make_window(job, cube, form_)) {}

void ConvCompute::run(KernelRange range, ByteView weights, AccCube& out) const {
  if (path_ == Path::kWinograd) {
    convolve_winograd(job_, cube_, range, weights, out);
    return;
  }
  if (path_ == Path::kHalf) {
    convolve_halves(job_, window_, range, weights, out);
    return;
  }
  if (path_ == Path::kReference) {
    convolve_reference(job_, window_, range, weights, out);
    return;
  }
  const PackedWeights packed = pack_weights(job_, range, weights, form_ != WindowForm::kBytes);
  convolve_integers({.job = job_, .window = window_, .target = target_}, packed, range, out);
}

}  // namespace medlar::chip
