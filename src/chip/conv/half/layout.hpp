// SPDX-License-Identifier: Apache-2.0
// Where an FP16 convolution finds a kernel's elements and puts its pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "chip/conv/acc_cube.hpp"
#include "chip/conv/half/half.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/job.hpp"

namespace medlar::chip {

/// The order in which CSC sends a kernel's elements to the MAC array.
struct AtomOrder {
  struct Lane {
    uint32_t row = 0;
    uint32_t tap = 0;
    uint32_t element = 0;
  };
  std::vector<Lane> lanes;
  std::vector<int64_t> offsets;  ///< Into a pixel's window.
  std::vector<uint32_t> begin;   ///< First lane of each atom, and the end.
};
AtomOrder atom_order(const ConvJob& job, const ConvWindow& window);

/// Output pixels, counted over all batches.
class HalfPlaces {
 public:
  HalfPlaces(const ConvJob& job, const ConvWindow& window, AccCube& out);

  uint64_t count() const { return count_; }
  /// First byte of a pixel's window.
  const uint8_t* window(uint64_t pixel) const;
  /// Result of kernel 0 of a pixel.
  int32_t* result(uint64_t pixel) const;
  /// From there to another kernel's.
  uint64_t kernel_offset(uint32_t kernel) const { return kernel / lanes_ * surface_step_ + kernel % lanes_; }

 private:
  const ConvJob& job_;
  const ConvWindow& window_;
  int32_t* data_;
  uint64_t plane_;  ///< Pixels of a batch.
  uint64_t count_;
  uint32_t lanes_;
  uint64_t surface_step_;
  uint64_t batch_step_;
};

/// What the parts of one convolution have in common.
struct HalfLayer {
  const HalfConvolution& conv;
  KernelRange range;
  ByteView weights;
  AtomOrder order;
  const HalfPlaces& places;
};

}  // namespace medlar::chip
