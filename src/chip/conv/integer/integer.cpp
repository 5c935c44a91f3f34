// SPDX-License-Identifier: Apache-2.0
// Tiling of integer convolutions over the inner product.
#include "chip/conv/integer/integer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv/integer/cacc.hpp"

namespace medlar::chip {
namespace {

constexpr uint32_t kTileKernels = kDotLanes * kDotMaxBlocks;
constexpr uint64_t kPixelsPerTask = 96;  // whole tiles of 12, 6 and 3

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

Walk walk_of(const KernelShape& shape, const ConvWindow& window, uint32_t steps) {
  return {.rows = shape.rows, .taps = shape.taps, .steps = steps, .row_step = window.row_step, .tap_step = window.tap_step};
}

Walk join(Walk walk) {
  if (walk.taps > 1 && walk.tap_step == int64_t{walk.steps} * 4) {
    walk.steps *= walk.taps;
    walk.taps = 1;
  }
  if (walk.taps == 1 && walk.rows > 1 && walk.row_step == int64_t{walk.steps} * 4) {
    walk.steps *= walk.rows;
    walk.rows = 1;
  }
  return walk;
}

std::vector<Slice> cut(const Walk& walk, uint32_t max_steps) {
  const uint64_t tap_weights = uint64_t{walk.steps} * kDotStepBytes;
  const uint64_t row_weights = walk.taps * tap_weights;
  std::vector<Slice> slices;
  const uint64_t row_steps = uint64_t{walk.taps} * walk.steps;
  if (row_steps <= max_steps) {
    const auto rows = static_cast<uint32_t>(max_steps / row_steps);
    for (uint32_t r = 0; r < walk.rows; r += rows) {
      slices.push_back({.data = r * walk.row_step, .weights = r * row_weights, .rows = std::min(rows, walk.rows - r),
                        .taps = walk.taps, .steps = walk.steps});
    }
    return slices;
  }
  const uint32_t taps = std::max(1u, max_steps / walk.steps);
  for (uint32_t r = 0; r < walk.rows; ++r) {
    for (uint32_t t = 0; t < walk.taps; t += taps) {
      for (uint32_t s = 0; s < walk.steps; s += max_steps) {
        slices.push_back({.data = r * walk.row_step + t * walk.tap_step + int64_t{s} * 4,
                          .weights = r * row_weights + t * tap_weights + uint64_t{s} * kDotStepBytes,
                          .rows = 1,
                          .taps = std::min(taps, walk.taps - t),
                          .steps = std::min(max_steps, walk.steps - s)});
      }
    }
  }
  return slices;
}

/// Largest number of steps whose partial sums fit 32 bits (magnitude of one step's sum, see WindowForm).
uint32_t max_steps(WindowForm form) {
  switch (form) {
    case WindowForm::kBytes:
      return (1u << 31) / (4 * 255 * 128) - 1;
    case WindowForm::kWords:
      return (1u << 31) / (2 * 128 * 128) - 1;
    default:
      return (1u << 31) / (2 * 128 * 32768) - 1;
  }
}

/// Walks output pixels in order.
struct Pixel {
  uint32_t batch = 0;
  uint32_t y = 0;
  uint32_t x = 0;

  static Pixel at(const ConvJob& job, uint64_t index) {
    const uint64_t line = index / job.out_w;
    return {.batch = static_cast<uint32_t>(line / job.out_h),
            .y = static_cast<uint32_t>(line % job.out_h),
            .x = static_cast<uint32_t>(index % job.out_w)};
  }
  void advance(const ConvJob& job) {
    if (++x == job.out_w) {
      x = 0;
      if (++y == job.out_h) {
        y = 0;
        ++batch;
      }
    }
  }
};

using Dot = void (*)(const DotTile&);

Dot choose_dot(const DotTarget& target, bool bytes, bool diagonal) {
  if (diagonal) {
    return bytes ? target.diagonal_bytes : target.diagonal_words;
  }
  return bytes ? target.bytes : target.words;
}

class Tiler {
 public:
  Tiler(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range, AccCube& out)
      : job_(conv.job), window_(conv.window), target_(conv.target), weights_(weights), range_(range), out_(out),
        form_(window_form(conv.job, conv.target)),
        dot_(choose_dot(conv.target, form_ == WindowForm::kBytes, weights.diagonal)),
        walk_(weights.diagonal ? walk_of(kernel_shape(conv.job), conv.window, 1)
                               : join(walk_of(kernel_shape(conv.job), conv.window, weights.steps))),
        slices_(cut(walk_, max_steps(form_))),
        bias_(weights.bias) {}

  uint64_t pixels() const { return uint64_t{job_.batches} * job_.out_h * job_.out_w; }
  int64_t kernel_tiles() const { return ceil_div<int64_t>(weights_.blocks, kDotMaxBlocks); }

  /// Pixels [first, last) of one tile of kernels.
  void run(uint64_t first, uint64_t last, int64_t kernel_tile) const {
    const auto block = static_cast<uint32_t>(kernel_tile) * kDotMaxBlocks;
    DotTile tile{};
    tile.block_count = static_cast<int>(std::min<uint32_t>(kDotMaxBlocks, weights_.blocks - block));
    tile.weights = weights_.bytes.data() + block * weights_.block_bytes;
    tile.block_bytes = weights_.block_bytes;
    tile.row_step = walk_.row_step;
    tile.tap_step = walk_.tap_step;
    tile.weight_row_step = uint64_t{walk_.taps} * walk_.steps * kDotStepBytes;
    const bool direct = slices_.size() == 1 && window_.planes == 1;
    const auto full = static_cast<uint64_t>(target_.tile_pixels(tile.block_count)) / window_.planes;
    const uint64_t element = form_ == WindowForm::kBytes ? 1 : 2;
    const uint64_t own_channels = weights_.diagonal ? uint64_t{block} * kDotLanes * element : 0;
    Pixel pixel = Pixel::at(job_, first);
    while (first < last) {
      const uint64_t count = std::min(full, last - first);
      const Pixel start = pixel;
      tile.pixel_count = 0;
      for (uint64_t i = 0; i < count; ++i, pixel.advance(job_)) {
        const uint8_t* window = window_.at(0, pixel.batch, pixel.y, pixel.x) + own_channels;
        for (uint32_t plane = 0; plane < window_.planes; ++plane) {
          tile.pixels[tile.pixel_count++] = window + plane * window_.plane_bytes;
        }
      }
      direct ? run_once(tile, start, block) : run_sliced(tile, start, block);
      first += count;
    }
  }

 private:
  static void set_slice(DotTile& tile, const Slice& slice) {
    tile.rows = slice.rows;
    tile.taps = slice.taps;
    tile.steps = slice.steps;
  }

  void run_once(DotTile& tile, Pixel first, uint32_t block) const {
    set_slice(tile, slices_.front());
    tile.start = bias_.data() + uint64_t{block} * kDotLanes;
    if (whole_blocks(block) && first.batch == last_batch(first, tile.pixel_count)) {
      aim(tile, first, block);
      dot_(tile);
      clear_unused_lanes(tile, block);
      return;
    }
    alignas(64) std::array<int32_t, kDotMaxPixels * kTileKernels> sums;
    aim(tile, sums.data());
    dot_(tile);
    if (job_.clip_truncate > 0) {
      deliver(tile, sums.data());
    }
    store(first, tile.pixel_count, block, sums.data());
  }

  /// The sums can go where they belong: nothing to cut, and blocks lie inside surfaces.
  bool whole_blocks(uint32_t block) const {
    return job_.clip_truncate == 0 && out_.lanes >= kDotLanes &&
           (range_.first + block * kDotLanes) % static_cast<uint32_t>(out_.lanes) == 0;
  }

  /// The last surface may have room for a block that does not exist. (Lanes without a kernel inside a block are zero by
  /// themselves: their weights and biases are.)
  void clear_unused_lanes(const DotTile& tile, uint32_t block) const {
    const auto end = range_.first + (block + static_cast<uint32_t>(tile.block_count)) * kDotLanes;
    const uint32_t unused = round_up(end, static_cast<uint32_t>(out_.lanes)) - end;
    int32_t* const from = tile.out[tile.block_count - 1] + kDotLanes;
    for (int i = 0; i < tile.pixel_count && unused > 0; ++i) {
      std::fill_n(from + i * tile.out_step, unused, 0);
    }
  }

  uint32_t last_batch(Pixel first, int count) const {
    const uint64_t plane = uint64_t{job_.out_h} * job_.out_w;
    const uint64_t at = uint64_t{first.y} * job_.out_w + first.x + static_cast<uint32_t>(count) - 1;
    return first.batch + static_cast<uint32_t>(at / plane);
  }

  /// Results to the output: neighbouring pixels lie side by side, two blocks share a surface of 32 lanes.
  void aim(DotTile& tile, Pixel first, uint32_t block) const {
    const auto lanes = static_cast<uint64_t>(out_.lanes);
    const uint64_t plane = uint64_t{job_.out_h} * job_.out_w * lanes;
    int32_t* const base = out_.data.data() + first.batch * static_cast<uint64_t>(out_.surfaces()) * plane +
                          (uint64_t{first.y} * job_.out_w + first.x) * lanes;
    for (int i = 0; i < tile.block_count; ++i) {
      const uint64_t kernel = range_.first + (uint64_t{block} + static_cast<uint32_t>(i)) * kDotLanes;
      tile.out[i] = base + kernel / lanes * plane + kernel % lanes;
    }
    tile.out_step = static_cast<int64_t>(lanes);
  }

  static void aim(DotTile& tile, int32_t* sums) {
    for (int i = 0; i < kDotMaxBlocks; ++i) {
      tile.out[i] = sums + i * kDotLanes;
    }
    tile.out_step = kTileKernels;
  }

  void deliver(const DotTile& tile, int32_t* sums) const {
    for (int i = 0; i < tile.pixel_count; ++i) {
      for (int k = 0; k < tile.block_count * kDotLanes; ++k) {
        int32_t& sum = sums[static_cast<uint32_t>(i) * kTileKernels + static_cast<uint32_t>(k)];
        sum = cacc_deliver(sum, job_.clip_truncate);
      }
    }
  }

  void run_sliced(DotTile& tile, Pixel first, uint32_t block) const {
    alignas(64) static constexpr std::array<int32_t, kTileKernels> kZero{};
    alignas(64) std::array<int32_t, kDotMaxPixels * kTileKernels> part;
    alignas(64) std::array<int64_t, kDotMaxPixels * kTileKernels> sums;
    const auto used = static_cast<size_t>(tile.pixel_count) * kTileKernels;
    std::fill_n(sums.begin(), used, 0);
    tile.start = kZero.data();
    aim(tile, part.data());
    const DotTile whole = tile;
    for (const Slice& slice : slices_) {
      set_slice(tile, slice);
      tile.weights = whole.weights + slice.weights;
      for (int i = 0; i < tile.pixel_count; ++i) {
        tile.pixels[i] = whole.pixels[i] + slice.data;
      }
      dot_(tile);
      const auto kernels = static_cast<size_t>(tile.block_count) * kDotLanes;
      for (size_t i = 0; i < used; i += kTileKernels) {
        for (size_t k = 0; k < kernels; ++k) {
          sums[i + k] += part[i + k];
        }
      }
    }
    tile = whole;
    const int pixels = tile.pixel_count / static_cast<int>(window_.planes);
    for (int i = 0; i < pixels; ++i) {
      for (uint32_t k = 0; k < static_cast<uint32_t>(tile.block_count) * kDotLanes; ++k) {
        part[static_cast<uint32_t>(i) * kTileKernels + k] =
            cacc_deliver(total(sums.data(), i, k) + bias_[uint64_t{block} * kDotLanes + k], job_.clip_truncate);
      }
    }
    store(first, pixels, block, part.data());
  }

  int64_t total(const int64_t* sums, int pixel, uint32_t k) const {
    if (window_.planes == 1) {
      return sums[static_cast<uint32_t>(pixel) * kTileKernels + k];
    }
    const int64_t* high = sums + static_cast<uint32_t>(pixel) * 2 * kTileKernels;
    return high[k] * 256 + high[kTileKernels + k];
  }

  /// Scatters pixels' kernels to the surfaces of the output; `values` holds kTileKernels a pixel.
  void store(Pixel pixel, int count, uint32_t block, const int32_t* values) const {
    switch (out_.lanes) {
      case 32:
        return store_lanes<32>(pixel, count, block, values);
      case 16:
        return store_lanes<16>(pixel, count, block, values);
      default:
        return store_lanes<8>(pixel, count, block, values);
    }
  }

  template <uint32_t kLanes>
  void store_lanes(Pixel pixel, int count, uint32_t block, const int32_t* values) const {
    const uint64_t plane = uint64_t{job_.out_h} * job_.out_w * kLanes;
    const uint32_t first = block * kDotLanes;  // a whole number of surfaces
    const uint32_t kernels = std::min(range_.count - first, kTileKernels);
    const uint64_t surface = (range_.first + first) / kLanes;
    for (int i = 0; i < count; ++i, values += kTileKernels, pixel.advance(job_)) {
      int32_t* to = out_.data.data() + (pixel.batch * static_cast<uint64_t>(out_.surfaces()) + surface) * plane +
                    (uint64_t{pixel.y} * job_.out_w + pixel.x) * kLanes;
      uint32_t k = 0;
      for (; k + kLanes <= kernels; k += kLanes, to += plane) {
        std::memcpy(to, values + k, kLanes * sizeof(int32_t));
      }
      if (k < kernels) {
        std::memcpy(to, values + k, (kernels - k) * sizeof(int32_t));
        std::fill(to + (kernels - k), to + kLanes, 0);
      }
    }
  }

  const ConvJob& job_;
  const ConvWindow& window_;
  const DotTarget& target_;
  const PackedWeights& weights_;
  KernelRange range_;
  AccCube& out_;
  WindowForm form_;
  Dot dot_;
  Walk walk_;
  std::vector<Slice> slices_;
  const std::vector<int32_t>& bias_;
};

}  // namespace

bool sums_cannot_saturate(const ConvJob& job) {
  if (job.precision == hw::Precision::kFp16) {
    return false;
  }
  const KernelShape shape = kernel_shape(job);
  const uint64_t atoms = uint64_t{shape.rows} * shape.taps * ceil_div(shape.depth, job.machine.atomic_c);
  const uint64_t product_bits = job.precision == hw::Precision::kInt8 ? 14 : 30;
  return atoms * job.machine.atomic_c < uint64_t{1} << (47 - product_bits);
}

WindowForm window_form(const ConvJob& job, const DotTarget& target) {
  if (job.precision == hw::Precision::kInt16) {
    return WindowForm::kSplitWords;
  }
  return target.has_bytes ? WindowForm::kBytes : WindowForm::kWords;
}

void convolve_integers(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range, AccCube& out) {
  const Tiler tiler(conv, weights, range, out);
  const uint64_t pixels = tiler.pixels();
  const auto chunks = static_cast<int64_t>(ceil_div<uint64_t>(pixels, kPixelsPerTask));
  parallel_for(chunks * tiler.kernel_tiles(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const auto first = static_cast<uint64_t>(task % chunks) * kPixelsPerTask;
      tiler.run(first, std::min(first + kPixelsPerTask, pixels), task / chunks);
    }
  });
}

}  // namespace medlar::chip
