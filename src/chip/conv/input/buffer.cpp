// SPDX-License-Identifier: Apache-2.0
// Reuse of data and weights between convolutions.
#include "chip/conv/input/buffer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "chip/conv/input/image.hpp"

namespace medlar::chip {
namespace {

Result<ConvCube> fetch(const ConvJob& job, ConvLines lines, MemoryPort& memory) {
  MEDLAR_ASSIGN(ConvCube cube, job.mode == ConvMode::kImage ? fetch_image(job, lines, memory) : fetch_features(job, lines, memory));
  cube.pad_left = job.pad_left;
  cube.pad_top = job.pad_top;
  cube.pad_value = job.side_pad_value;
  return cube;
}

/// The last `lines` lines of every batch.
ConvCube last_lines(const ConvCube& cube, uint32_t lines) {
  ConvCube rest = cube;
  rest.h = lines;
  rest.bytes.assign(rest.batch_bytes() * rest.batches, 0);
  for (uint32_t batch = 0; batch < cube.batches; ++batch) {
    std::memcpy(rest.line(batch, 0), cube.line(batch, cube.h - lines), rest.batch_bytes());
  }
  return rest;
}

}  // namespace

Status ConvBuffer::check_kept(const ConvJob& job, const ConvCube& kept) {
  const uint32_t width = job.mode == ConvMode::kImage ? job.pad_left + job.in_w + job.pad_right : job.in_w;
  if (kept.w != width || kept.c != job.in_c || kept.batches != job.batches ||
      kept.element_bytes != job.element_bytes()) {
    return fail(Code::kFault, "CDMA.D_MISC_CFG: DATA_REUSE = 1: CBUF holds {} x {} columns of {} channels, the operation "
                "wants {} x {} of {}", kept.batches, kept.w, kept.c, job.batches, width, job.in_c);
  }
  return {};
}

Result<ConvCube> ConvBuffer::append_lines(const ConvJob& job, MemoryPort& memory) const {
  MEDLAR_TRY(check_kept(job, data_));
  if (data_.h + job.fetch_h != job.in_h) {
    return fail(Code::kFault, "CSC.D_DATAIN_SIZE_EXT_0: DATAIN_HEIGHT_EXT = {}: CBUF holds {} lines and CDMA adds {}",
                job.in_h, data_.h, job.fetch_h);
  }
  if (job.mode == ConvMode::kWinograd && job.side_pad_value != data_.pad_value) {
    return fail(Code::kFault, "CDMA.D_ZERO_PADDING_VALUE = {}: CBUF holds lines that are padded with {}", job.side_pad_value,
                data_.pad_value);
  }
  MEDLAR_ASSIGN(const ConvCube added, fetch(job, {.first = 0, .count = job.fetch_h}, memory));
  ConvCube cube = data_;
  cube.h = job.in_h;
  cube.bytes.assign(cube.batch_bytes() * cube.batches, 0);
  for (uint32_t batch = 0; batch < cube.batches; ++batch) {
    std::memcpy(cube.line(batch, 0), data_.line(batch, 0), data_.batch_bytes());
    std::memcpy(cube.line(batch, data_.h), added.line(batch, 0), added.batch_bytes());
  }
  return cube;
}

Result<ConvCube> ConvBuffer::load_data(const ConvJob& job, MemoryPort& memory) {
  const bool kept = job.reuse_data && data_.h > 0 && data_layout_ == layout(job);
  if (kept && data_whole_) {
    MEDLAR_TRY(check_kept(job, data_));
    if (data_.h != job.in_h) {
      return fail(Code::kFault, "CSC.D_DATAIN_SIZE_EXT_0: DATAIN_HEIGHT_EXT = {}: CBUF holds {} lines", job.in_h, data_.h);
    }
    return std::exchange(data_, ConvCube());
  }
  if (kept) {
    return append_lines(job, memory);
  }
  if (job.fetch_h != job.in_h) {
    return fail(Code::kFault, "CSC.D_DATAIN_SIZE_EXT_0: DATAIN_HEIGHT_EXT = {}: CDMA fetches {} lines and CBUF kept none",
                job.in_h, job.fetch_h);
  }
  return fetch(job, {.first = 0, .count = job.in_h}, memory);
}

void ConvBuffer::store_data(const ConvJob& job, ConvCube cube) {
  data_layout_ = layout(job);
  data_whole_ = job.keep_data;
  if (cube.h == 0) {  // went straight to the window because nothing of it stays
    data_ = ConvCube();
    return;
  }
  if (job.mode == ConvMode::kWinograd && !job.keep_data && (job.pad_top > 0 || job.pad_bottom > 0 || job.stride_y > 1)) {
    data_ = ConvCube();  // slices are not lines of the input; whoever counts on some that were not released is told
    return;
  }
  const uint64_t slices = uint64_t{cube.h} * cube.batches;
  const uint64_t left = job.keep_data ? slices : slices - std::min<uint64_t>(slices, job.released_slices);
  if (job.keep_data) {
    data_ = std::move(cube);
  } else if (left > 0 && left % cube.batches == 0) {
    data_ = last_lines(cube, static_cast<uint32_t>(left / cube.batches));
  } else {
    data_ = ConvCube();
  }
}

bool ConvBuffer::reuses_weights(const ConvJob& job) const {
  return job.reuse_weights && weights_kept_ && weight_layout_ == layout(job);
}

Result<ByteView> ConvBuffer::load_weights(const ConvJob& job, KernelRange range, MemoryPort& memory) {
  const uint64_t kernel_bytes = job.kernel_elements() * job.element_bytes();
  if (reuses_weights(job)) {
    if (kernel_bytes != kernel_bytes_ || job.kernels * kernel_bytes != weights_.size()) {
      return fail(Code::kFault, "CDMA.D_MISC_CFG: WEIGHT_REUSE = 1: CBUF holds {} bytes in kernels of {}, the operation "
                  "wants {} kernels of {}", weights_.size(), kernel_bytes_, job.kernels, kernel_bytes);
    }
    return ByteView(weights_).subspan(range.first * kernel_bytes, range.count * kernel_bytes);
  }
  if (range.first == 0) {
    decoder_.start(job);
    incoming_.clear();
  }
  MEDLAR_ASSIGN(const ByteView view, job.compressed ? decoder_.next(job, range, memory)
                                                    : fetch_weights(job, range, memory, scratch_));
  if (job.keep_weights) {
    incoming_.insert(incoming_.end(), view.begin(), view.end());
  }
  return view;
}

void ConvBuffer::store_weights(const ConvJob& job) {
  if (!reuses_weights(job)) {
    weights_ = std::move(incoming_);
    incoming_ = ByteBuffer();
    kernel_bytes_ = job.kernel_elements() * job.element_bytes();
  }
  weights_kept_ = job.keep_weights;
  weight_layout_ = layout(job);
  if (!weights_kept_) {
    weights_ = ByteBuffer();
  }
}

}  // namespace medlar::chip
