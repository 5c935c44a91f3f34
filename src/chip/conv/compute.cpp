// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one convolution.
#include "chip/conv/compute.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "chip/conv/half/half.hpp"
#include "chip/conv/integer/integer.hpp"
#include "chip/conv/reference.hpp"
#include "chip/conv/winograd.hpp"

namespace medlar::chip {

ConvCompute::Path ConvCompute::choose_path(const ConvJob& job, const ChipTarget& target) {
  if (job.mode == ConvMode::kWinograd) {
    return Path::kWinograd;
  }
  if (job.precision == hw::Precision::kFp16) {
    return !target.written_out && target.dot.half_tile != nullptr ? Path::kHalf : Path::kReference;
  }
  return !target.written_out && sums_cannot_saturate(job) ? Path::kInteger : Path::kReference;
}

ConvCompute::ConvCompute(const ConvJob& job, const ChipTarget& target, ConvScratch& scratch)
    : job_(job),
      target_(target.dot),
      path_(choose_path(job, target)),
      form_(path_ == Path::kInteger ? window_form(job, target.dot) : WindowForm::kRaw),
      scratch_(scratch),
      single_(path_ == Path::kInteger && SinglePixel::takes(job, form_, target.dot)) {}

void ConvCompute::set_data(const ConvCube& cube) {
  cube_ = &cube;
  if (path_ != Path::kWinograd) {
    make_window(job_, cube, form_, scratch_.window);
  }
}

void ConvCompute::set_weights(KernelRange range, ByteView weights) {
  range_ = range;
  weights_ = weights;
  if (single_) {
    pixel_.emplace(job_, scratch_.window, target_, range, weights);
  } else if (path_ == Path::kInteger) {
    pack_weights({.job = job_, .target = target_, .words = form_ != WindowForm::kBytes}, range, weights, scratch_.packed);
  }
}

void ConvCompute::run(uint32_t first_row, AccCube& out) {
  if (single_) {
    pixel_->run(range_.first, round_up(range_.count, job_.machine.channels_per_atom), out.data.data() + range_.first);
    return;
  }
  ConvJob band = job_;
  band.out_h = static_cast<uint32_t>(out.h);
  scratch_.window.first_row = first_row;
  if (path_ != Path::kInteger && range_.first == 0) {
    std::fill(out.data.begin(), out.data.end(), 0);
  }
  switch (path_) {
    case Path::kInteger:
      return convolve_integers({.job = band, .window = scratch_.window, .target = target_}, scratch_.packed, range_, out);
    case Path::kHalf:
      return convolve_halves({.job = band, .window = scratch_.window, .target = target_}, range_, weights_, out);
    case Path::kReference:
      return convolve_reference(band, scratch_.window, range_, weights_, out);
    case Path::kWinograd:
      return convolve_winograd(band, *cube_, range_, weights_, out);  // always all rows
  }
}

void ConvCompute::start_pieces() {
  scratch_.window.first_row = 0;
  if (single_) {
    return;
  }
  tiler_.emplace(IntegerConvolution{.job = job_, .window = scratch_.window, .target = target_}, scratch_.packed, range_);
}

void ConvCompute::run_piece(const AccPiece& piece, int32_t* out) const {
  const uint32_t lanes = job_.machine.channels_per_atom;
  if (single_) {
    pixel_->run(static_cast<uint32_t>(piece.first_surface) * lanes, static_cast<uint32_t>(piece.surfaces) * lanes, out);
    return;
  }
  const auto first = static_cast<uint64_t>(piece.first_pixel);
  const auto pixels = static_cast<uint64_t>(piece.pixels);
  const auto surface = static_cast<uint32_t>(piece.first_surface);
  tiler_->run(first, first + pixels, surface * lanes / kTileKernels,
              {.data = out, .lanes = lanes, .surface_step = pixels * lanes, .batch_step = 0, .first_pixel = first,
               .first_surface = surface});
}

uint64_t ConvCompute::pixel_bytes() const {
  return static_cast<uint64_t>(scratch_.window.y_step) * scratch_.window.planes / job_.out_w + 1;
}

uint64_t ConvCompute::products() const {
  return !single_ && scratch_.packed.diagonal ? uint64_t{job_.kernel_w} * job_.kernel_h * 4 : job_.kernel_elements();
}

uint64_t ConvCompute::terms() const {
  const bool diagonal = path_ == Path::kInteger && !single_ && scratch_.packed.diagonal;
  return diagonal ? uint64_t{job_.kernel_w} * job_.kernel_h : job_.kernel_elements();
}

}  // namespace medlar::chip
