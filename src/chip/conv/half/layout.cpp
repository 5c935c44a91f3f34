// SPDX-License-Identifier: Apache-2.0
#include "chip/conv/half/layout.hpp"

#include <algorithm>

#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

AtomOrder atom_order(const ConvJob& job, const ConvWindow& window) {
  const KernelShape shape = kernel_shape(job);
  AtomOrder order;
  for (uint32_t c = 0; c < shape.depth; c += job.machine.atomic_c) {
    const uint32_t last = std::min(c + job.machine.atomic_c, shape.depth);
    for (uint32_t row = 0; row < shape.rows; row += job.y_extension) {
      const uint32_t end_row = std::min(row + job.y_extension, shape.rows);
      for (uint32_t tap = 0; tap < shape.taps; ++tap) {
        order.begin.push_back(static_cast<uint32_t>(order.lanes.size()));
        for (uint32_t r = row; r < end_row; ++r) {
          for (uint32_t i = c; i < last; ++i) {
            order.lanes.push_back({.row = r, .tap = tap, .element = i});
            order.offsets.push_back(r * window.row_step + tap * window.tap_step + int64_t{i} * 2);
          }
        }
      }
    }
  }
  order.begin.push_back(static_cast<uint32_t>(order.lanes.size()));
  return order;
}

HalfPlaces::HalfPlaces(const ConvJob& job, const ConvWindow& window, AccCube& out)
    : job_(job),
      window_(window),
      data_(out.data.data()),
      plane_(uint64_t{job.out_h} * job.out_w),
      count_(plane_ * job.batches),
      lanes_(static_cast<uint32_t>(out.lanes)),
      surface_step_(plane_ * lanes_),
      batch_step_(surface_step_ * static_cast<uint64_t>(out.surfaces())) {}

const uint8_t* HalfPlaces::window(uint64_t pixel) const {
  const auto at = static_cast<uint32_t>(pixel % plane_);
  return window_.at(0, static_cast<uint32_t>(pixel / plane_), at / job_.out_w, at % job_.out_w);
}

int32_t* HalfPlaces::result(uint64_t pixel) const { return data_ + pixel / plane_ * batch_step_ + pixel % plane_ * lanes_; }

}  // namespace medlar::chip
