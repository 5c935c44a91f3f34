// SPDX-License-Identifier: Apache-2.0
// Tiling of integer convolutions over the inner product.
#include "chip/conv_integer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv_cacc.hpp"

namespace medlar::chip {
namespace {

constexpr uint64_t kStepBytes = 4 * kDotLanes;
constexpr uint32_t kTileKernels = kDotLanes * kDotMaxBlocks;
constexpr int64_t kTilesPerTask = 8;

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

Walk join(const KernelShape& shape, const ConvWindow& window, uint32_t steps) {
  Walk walk{.rows = shape.rows, .taps = shape.taps, .steps = steps, .row_step = window.row_step, .tap_step = window.tap_step};
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
  const uint64_t tap_weights = walk.steps * kStepBytes;
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
                          .weights = r * row_weights + t * tap_weights + s * kStepBytes,
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

class Tiler {
 public:
  Tiler(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range, AccCube& out)
      : job_(conv.job), window_(conv.window), weights_(weights), range_(range), out_(out),
        form_(window_form(conv.job, conv.target)),
        dot_(form_ == WindowForm::kBytes ? conv.target.bytes : conv.target.words),
        walk_(join(kernel_shape(conv.job), conv.window, weights.steps)),
        slices_(cut(walk_, max_steps(form_))),
        pixels_(uint64_t{conv.job.batches} * conv.job.out_h * conv.job.out_w) {
    bias_.assign(weights.sums.size(), 0);
    if (form_ == WindowForm::kBytes) {
      std::transform(weights.sums.begin(), weights.sums.end(), bias_.begin(), [](int32_t sum) { return -128 * sum; });
    }
  }

  int pixels_per_tile() const { return kDotMaxPixels / static_cast<int>(window_.planes); }
  int64_t pixel_tiles() const { return static_cast<int64_t>(ceil_div<uint64_t>(pixels_, static_cast<uint64_t>(pixels_per_tile()))); }
  int64_t kernel_tiles() const { return ceil_div<int64_t>(weights_.blocks, kDotMaxBlocks); }

  void run(int64_t pixel_tile, int64_t kernel_tile) const {
    const uint64_t first = static_cast<uint64_t>(pixel_tile) * static_cast<uint64_t>(pixels_per_tile());
    const int count = static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(pixels_per_tile()), pixels_ - first));
    DotTile tile{};
    for (int i = 0; i < count; ++i) {
      const uint8_t* window = pixel(first + static_cast<uint64_t>(i));
      for (uint32_t plane = 0; plane < window_.planes; ++plane) {
        tile.pixels[tile.pixel_count++] = window + plane * window_.plane_bytes;
      }
    }
    const auto block = static_cast<uint32_t>(kernel_tile) * kDotMaxBlocks;
    tile.block_count = static_cast<int>(std::min<uint32_t>(kDotMaxBlocks, weights_.blocks - block));
    tile.weights = weights_.bytes.data() + block * weights_.block_bytes;
    tile.block_bytes = weights_.block_bytes;
    tile.row_step = walk_.row_step;
    tile.tap_step = walk_.tap_step;
    tile.weight_row_step = uint64_t{walk_.taps} * walk_.steps * kStepBytes;
    const bool direct = slices_.size() == 1 && window_.planes == 1;
    direct ? run_once(tile, first, block) : run_sliced(tile, first, block);
  }

 private:
  const uint8_t* pixel(uint64_t index) const {
    const uint64_t plane = uint64_t{job_.out_h} * job_.out_w;
    const auto batch = static_cast<uint32_t>(index / plane);
    const auto rest = static_cast<uint32_t>(index % plane);
    return window_.at(0, batch, rest / job_.out_w, rest % job_.out_w);
  }

  void set_slice(DotTile& tile, const Slice& slice) const {
    tile.rows = slice.rows;
    tile.taps = slice.taps;
    tile.steps = slice.steps;
  }

  void run_once(DotTile& tile, uint64_t first, uint32_t block) const {
    alignas(64) std::array<int32_t, kDotMaxPixels * kTileKernels> sums;
    set_slice(tile, slices_.front());
    tile.start = bias_.data() + uint64_t{block} * kDotLanes;
    tile.out = sums.data();
    dot_(tile);
    if (job_.clip_truncate > 0) {
      for (int32_t& sum : sums) {
        sum = cacc_deliver(sum, job_.clip_truncate);
      }
    }
    for (int i = 0; i < tile.pixel_count; ++i) {
      store(first + static_cast<uint64_t>(i), block, &sums[static_cast<size_t>(i) * kTileKernels]);
    }
  }

  void run_sliced(DotTile& tile, uint64_t first, uint32_t block) const {
    static constexpr std::array<int32_t, kTileKernels> kZero{};
    alignas(64) std::array<int32_t, kDotMaxPixels * kTileKernels> part;
    alignas(64) std::array<int64_t, kDotMaxPixels * kTileKernels> sums{};
    tile.start = kZero.data();
    tile.out = part.data();
    const DotTile whole = tile;
    const auto used = static_cast<size_t>(tile.pixel_count) * kTileKernels;
    for (const Slice& slice : slices_) {
      set_slice(tile, slice);
      tile.weights = whole.weights + slice.weights;
      for (int i = 0; i < tile.pixel_count; ++i) {
        tile.pixels[i] = whole.pixels[i] + slice.data;
      }
      dot_(tile);
      for (size_t i = 0; i < used; ++i) {
        sums[i] += part[i];
      }
    }
    std::array<int32_t, kTileKernels> delivered;
    const int pixels = tile.pixel_count / static_cast<int>(window_.planes);
    for (int i = 0; i < pixels; ++i) {
      for (uint32_t k = 0; k < static_cast<uint32_t>(tile.block_count) * kDotLanes; ++k) {
        delivered[k] = cacc_deliver(total(sums.data(), i, k) + bias_[uint64_t{block} * kDotLanes + k], job_.clip_truncate);
      }
      store(first + static_cast<uint64_t>(i), block, delivered.data());
    }
  }

  int64_t total(const int64_t* sums, int pixel, uint32_t k) const {
    if (window_.planes == 1) {
      return sums[static_cast<size_t>(pixel) * kTileKernels + k];
    }
    const int64_t* high = sums + static_cast<size_t>(pixel) * 2 * kTileKernels;
    return high[k] * 256 + high[kTileKernels + k];
  }

  /// Scatters one pixel's kernels to the surfaces of the output.
  void store(uint64_t index, uint32_t block, const int32_t* values) const {
    const auto lanes = static_cast<uint32_t>(out_.lanes);
    const uint64_t plane = uint64_t{job_.out_h} * job_.out_w;
    const uint64_t batch = index / plane;
    const uint64_t at = index % plane;
    uint32_t k = block * kDotLanes;
    const uint32_t end = std::min(k + kTileKernels, range_.count);
    while (k < end) {
      const uint32_t kernel = range_.first + k;
      const uint32_t run = std::min(lanes - kernel % lanes, end - k);
      int32_t* to = out_.data.data() +
                    ((batch * static_cast<uint64_t>(out_.surfaces()) + kernel / lanes) * plane + at) * lanes + kernel % lanes;
      std::memcpy(to, values, run * sizeof(int32_t));
      values += run;
      k += run;
    }
  }

  const ConvJob& job_;
  const ConvWindow& window_;
  const PackedWeights& weights_;
  KernelRange range_;
  AccCube& out_;
  WindowForm form_;
  void (*dot_)(const DotTile&);
  Walk walk_;
  std::vector<Slice> slices_;
  uint64_t pixels_;
  std::vector<int32_t> bias_;  ///< -128 * sum of weights: undoes the 128 of the bytes form.
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
  const int64_t pixel_tiles = tiler.pixel_tiles();
  const int64_t chunks = ceil_div(pixel_tiles, kTilesPerTask);
  parallel_for(chunks * tiler.kernel_tiles(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % chunks * kTilesPerTask;
      const int64_t last = std::min(first + kTilesPerTask, pixel_tiles);
      for (int64_t tile = first; tile < last; ++tile) {
        tiler.run(tile, task / chunks);
      }
    }
  });
}

}  // namespace medlar::chip
