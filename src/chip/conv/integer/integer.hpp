// SPDX-License-Identifier: Apache-2.0
// INT8 and INT16 convolution at speed: tiles of output pixels times blocks of kernels, exact.
#pragma once

#include <vector>

#include "chip/conv/acc_cube.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/integer/dot.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/pack.hpp"

namespace medlar::chip {

/// True when no order of additions can saturate CACC, so that sums may be formed in any order.
bool sums_cannot_saturate(const ConvJob& job);

/// The window form that `target` wants for the job.
WindowForm window_form(const ConvJob& job, const DotTarget& target);

struct IntegerConvolution {
  const ConvJob& job;
  const ConvWindow& window;
  const DotTarget& target;
};

/// Kernels that are computed together.
inline constexpr uint32_t kTileKernels = kDotLanes * kDotMaxBlocks;

/// Where sums go: surfaces of `lanes` kernels, neighbouring pixels side by side.
struct SumsPlace {
  int32_t* data = nullptr;  ///< Of the first pixel and surface that it holds.
  uint32_t lanes = 0;
  uint64_t surface_step = 0;  ///< Elements.
  uint64_t batch_step = 0;
  uint64_t first_pixel = 0;  ///< Of every batch.
  uint32_t first_surface = 0;

  int32_t* at(uint32_t batch, uint64_t pixel, uint32_t surface) const {
    return data + batch * batch_step + (surface - first_surface) * surface_step + (pixel - first_pixel) * lanes;
  }
};

/// Computes the kernels of `weights`, which are those of `range`, piece by piece, on any number of threads at once. What it is
/// given must outlive it.
class IntegerTiler {
 public:
  IntegerTiler(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range);

  /// All batches.
  uint64_t pixels() const { return uint64_t{job_.batches} * plane_; }
  uint32_t kernel_tiles() const;
  /// Pixels [first, last) of one tile of kernels, and zeros in the lanes beyond the last kernel.
  void run(uint64_t first, uint64_t last, uint32_t kernel_tile, const SumsPlace& place) const;

 private:
  /// A part of the depth whose sums fit 32 bits.
  struct Slice {
    int64_t data = 0;      ///< Byte offset into the window.
    uint64_t weights = 0;  ///< Byte offset into a block.
    uint32_t rows = 0;
    uint32_t taps = 0;
    uint32_t steps = 0;
  };
  /// The kernel's rows, taps and steps after joining what lies side by side.
  struct Walk {
    uint32_t rows = 0;
    uint32_t taps = 0;
    uint32_t steps = 0;
    int64_t row_step = 0;
    int64_t tap_step = 0;
  };
  /// An output pixel; advances in order.
  struct Pixel {
    uint32_t batch = 0;
    uint32_t y = 0;
    uint32_t x = 0;
  };
  using Dot = void (*)(const DotTile&);

  static Walk join(Walk walk);
  static std::vector<Slice> cut(const Walk& walk, uint32_t max_steps);
  static void set_slice(DotTile& tile, const Slice& slice);
  Pixel pixel_at(uint64_t index) const;
  void advance(Pixel& pixel) const;
  uint64_t index_of(const Pixel& pixel) const { return uint64_t{pixel.y} * job_.out_w + pixel.x; }  ///< In its batch.
  void aim_pixels(DotTile& tile, Pixel& pixel, uint64_t count, uint64_t own_channels) const;
  void run_once(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const;
  void run_joined(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const;
  void run_sliced(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const;
  bool whole_blocks(uint32_t block, const SumsPlace& place) const;
  void clear_unused_lanes(const DotTile& tile, uint32_t block, const SumsPlace& place) const;
  void aim(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const;
  void deliver(const DotTile& tile, int32_t* sums) const;
  int64_t total(const int64_t* sums, int pixel, uint32_t k) const;
  template <uint32_t kLanes>
  void store_lanes(Pixel pixel, int count, uint32_t block, const int32_t* values, const SumsPlace& place) const;
  void store(Pixel pixel, int count, uint32_t block, const int32_t* values, const SumsPlace& place) const;

  const ConvJob& job_;
  const ConvWindow& window_;
  const DotTarget& target_;
  const PackedWeights& weights_;
  KernelRange range_;
  uint64_t plane_;  ///< Pixels of a batch.
  WindowForm form_;
  Dot dot_;
  Walk walk_;
  std::vector<Slice> slices_;
};

/// All pixels of `range` into `out`.
void convolve_integers(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range, AccCube& out);

}  // namespace medlar::chip
