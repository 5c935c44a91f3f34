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

constexpr uint64_t kPixelsPerTask = 96;  // whole tiles of 12, 6 and 3

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

using Dot = void (*)(const DotTile&);

Dot choose_dot(const DotTarget& target, bool bytes, bool diagonal) {
  if (diagonal) {
    return bytes ? target.diagonal_bytes : target.diagonal_words;
  }
  return bytes ? target.bytes : target.words;
}

}  // namespace

IntegerTiler::Walk IntegerTiler::join(Walk walk) {
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

std::vector<IntegerTiler::Slice> IntegerTiler::cut(const Walk& walk, uint32_t max_steps) {
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

IntegerTiler::IntegerTiler(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range)
    : job_(conv.job),
      window_(conv.window),
      target_(conv.target),
      weights_(weights),
      range_(range),
      plane_(uint64_t{conv.job.out_h} * conv.job.out_w),
      form_(window_form(conv.job, conv.target)),
      dot_(choose_dot(conv.target, form_ == WindowForm::kBytes, weights.diagonal)) {
  const KernelShape shape = kernel_shape(conv.job);
  const Walk walk{.rows = shape.rows, .taps = shape.taps, .steps = weights.diagonal ? 1 : weights.steps,
                  .row_step = window_.row_step, .tap_step = window_.tap_step};
  walk_ = weights.diagonal ? walk : join(walk);
  slices_ = cut(walk_, max_steps(form_));
}

uint32_t IntegerTiler::kernel_tiles() const { return ceil_div<uint32_t>(weights_.blocks, kDotMaxBlocks); }

IntegerTiler::Pixel IntegerTiler::pixel_at(uint64_t index) const {
  const uint64_t line = index / job_.out_w;
  return {.batch = static_cast<uint32_t>(line / job_.out_h),
          .y = static_cast<uint32_t>(line % job_.out_h),
          .x = static_cast<uint32_t>(index % job_.out_w)};
}

void IntegerTiler::advance(Pixel& pixel) const {
  if (++pixel.x == job_.out_w) {
    pixel.x = 0;
    if (++pixel.y == job_.out_h) {
      pixel.y = 0;
      ++pixel.batch;
    }
  }
}

/// The windows of `count` pixels from `pixel` on, which moves behind them.
void IntegerTiler::aim_pixels(DotTile& tile, Pixel& pixel, uint64_t count, uint64_t own_channels) const {
  tile.pixel_count = 0;
  while (count > 0) {
    const uint8_t* window = window_.at(0, pixel.batch, pixel.y, pixel.x) + own_channels;
    const auto in_line = static_cast<uint32_t>(std::min<uint64_t>(count, job_.out_w - pixel.x));
    for (uint32_t i = 0; i < in_line; ++i, window += window_.x_step) {
      tile.pixels[tile.pixel_count++] = window;
      if (window_.planes == 2) {
        tile.pixels[tile.pixel_count++] = window + window_.plane_bytes;
      }
    }
    count -= in_line;
    pixel.x += in_line - 1;
    advance(pixel);
  }
}

void IntegerTiler::run(uint64_t first, uint64_t last, uint32_t kernel_tile, const SumsPlace& place) const {
  const uint32_t block = kernel_tile * kDotMaxBlocks;
  DotTile tile{};
  tile.block_count = static_cast<int>(std::min<uint32_t>(kDotMaxBlocks, weights_.blocks - block));
  tile.weights = weights_.bytes.data() + block * weights_.block_bytes;
  tile.block_bytes = weights_.block_bytes;
  tile.row_step = walk_.row_step;
  tile.tap_step = walk_.tap_step;
  tile.weight_row_step = uint64_t{walk_.taps} * walk_.steps * kDotStepBytes;
  const auto run_tile = slices_.size() > 1 ? &IntegerTiler::run_sliced
                        : window_.planes == 1 ? &IntegerTiler::run_once
                                              : &IntegerTiler::run_joined;
  const int tile_pixels = weights_.diagonal ? kDotDiagonalPixels : target_.tile_pixels(tile.block_count);
  const auto full = static_cast<uint64_t>(tile_pixels) / window_.planes;
  const uint64_t element = form_ == WindowForm::kBytes ? 1 : 2;
  const uint64_t own_channels = weights_.diagonal ? uint64_t{block} * kDotLanes * element : 0;
  Pixel pixel = pixel_at(first);
  while (first < last) {
    const uint64_t count = std::min(full, last - first);
    const Pixel start = pixel;
    aim_pixels(tile, pixel, count, own_channels);
    (this->*run_tile)(tile, start, block, place);
    first += count;
  }
}

void IntegerTiler::set_slice(DotTile& tile, const Slice& slice) {
  tile.rows = slice.rows;
  tile.taps = slice.taps;
  tile.steps = slice.steps;
}

namespace {

void aim_aside(DotTile& tile, int32_t* sums) {
  for (int i = 0; i < kDotMaxBlocks; ++i) {
    tile.out[i] = sums + i * kDotLanes;
  }
  tile.out_step = kTileKernels;
}

}  // namespace

void IntegerTiler::run_once(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const {
  set_slice(tile, slices_.front());
  tile.start = weights_.bias.data() + uint64_t{block} * kDotLanes;
  const bool one_batch = job_.batches == 1 || index_of(first) + static_cast<uint32_t>(tile.pixel_count) <= plane_;
  if (one_batch && whole_blocks(block, place)) {
    aim(tile, first, block, place);
    dot_(tile);
    clear_unused_lanes(tile, block, place);
    return;
  }
  alignas(64) std::array<int32_t, kDotDiagonalPixels * kTileKernels> sums;
  aim_aside(tile, sums.data());
  dot_(tile);
  if (job_.clip_truncate > 0) {
    deliver(tile, sums.data());
  }
  store(first, tile.pixel_count, block, sums.data(), place);
}

/// The sums can go where they belong: nothing to cut, and blocks lie inside surfaces.
bool IntegerTiler::whole_blocks(uint32_t block, const SumsPlace& place) const {
  return job_.clip_truncate == 0 && place.lanes >= kDotLanes && (range_.first + block * kDotLanes) % place.lanes == 0;
}

/// The last surface may have room for a block that does not exist. (Lanes without a kernel inside a block are zero by
/// themselves: their weights and biases are.)
void IntegerTiler::clear_unused_lanes(const DotTile& tile, uint32_t block, const SumsPlace& place) const {
  const auto end = range_.first + (block + static_cast<uint32_t>(tile.block_count)) * kDotLanes;
  const uint32_t unused = round_up(end, place.lanes) - end;
  int32_t* const from = tile.out[tile.block_count - 1] + kDotLanes;
  for (uint32_t lane = 0; lane < unused; lane += kDotLanes) {
    for (int i = 0; i < tile.pixel_count; ++i) {
      std::memset(from + i * tile.out_step + lane, 0, kDotLanes * sizeof(int32_t));
    }
  }
}

/// Results to the output: neighbouring pixels lie side by side, two blocks share a surface of 32 lanes.
void IntegerTiler::aim(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const {
  for (int i = 0; i < tile.block_count; ++i) {
    const uint32_t kernel = range_.first + (block + static_cast<uint32_t>(i)) * kDotLanes;
    tile.out[i] = place.at(first.batch, index_of(first), kernel / place.lanes) + kernel % place.lanes;
  }
  tile.out_step = place.lanes;
}

void IntegerTiler::deliver(const DotTile& tile, int32_t* sums) const {
  for (int i = 0; i < tile.pixel_count; ++i) {
    for (int k = 0; k < tile.block_count * kDotLanes; ++k) {
      int32_t& sum = sums[static_cast<uint32_t>(i) * kTileKernels + static_cast<uint32_t>(k)];
      sum = cacc_deliver(sum, job_.clip_truncate);
    }
  }
}

/// The two planes of INT16, when their sums fit 32 bits each.
void IntegerTiler::run_joined(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const {
  alignas(64) static constexpr std::array<int32_t, kTileKernels> kZero{};
  alignas(64) std::array<int32_t, kDotDiagonalPixels * kTileKernels> planes;
  alignas(64) std::array<int32_t, kDotDiagonalPixels / 2 * kTileKernels> sums;
  set_slice(tile, slices_.front());
  tile.start = kZero.data();
  aim_aside(tile, planes.data());
  dot_(tile);
  const int pixels = tile.pixel_count / 2;
  for (int i = 0; i < pixels; ++i) {
    const int32_t* const high = planes.data() + static_cast<size_t>(i) * 2 * kTileKernels;
    target_.join({.high = high, .low = high + kTileKernels, .start = weights_.bias.data() + uint64_t{block} * kDotLanes,
                  .out = sums.data() + static_cast<size_t>(i) * kTileKernels, .count = tile.block_count * kDotLanes,
                  .truncate = job_.clip_truncate});
  }
  store(first, pixels, block, sums.data(), place);
}

void IntegerTiler::run_sliced(DotTile& tile, Pixel first, uint32_t block, const SumsPlace& place) const {
  alignas(64) static constexpr std::array<int32_t, kTileKernels> kZero{};
  alignas(64) std::array<int32_t, kDotDiagonalPixels * kTileKernels> part;
  alignas(64) std::array<int64_t, kDotDiagonalPixels * kTileKernels> sums;
  const auto used = static_cast<size_t>(tile.pixel_count) * kTileKernels;
  const auto kernels = static_cast<size_t>(tile.block_count) * kDotLanes;
  std::fill_n(sums.begin(), used, 0);
  tile.start = kZero.data();
  aim_aside(tile, part.data());
  const DotTile whole = tile;
  for (const Slice& slice : slices_) {
    set_slice(tile, slice);
    tile.weights = whole.weights + slice.weights;
    for (int i = 0; i < tile.pixel_count; ++i) {
      tile.pixels[i] = whole.pixels[i] + slice.data;
    }
    dot_(tile);
    for (size_t i = 0; i < used; i += kTileKernels) {
      for (size_t k = 0; k < kernels; ++k) {
        sums[i + k] += part[i + k];
      }
    }
  }
  tile = whole;
  const int pixels = tile.pixel_count / static_cast<int>(window_.planes);
  for (int i = 0; i < pixels; ++i) {
    for (uint32_t k = 0; k < kernels; ++k) {
      part[static_cast<uint32_t>(i) * kTileKernels + k] =
          cacc_deliver(total(sums.data(), i, k) + weights_.bias[uint64_t{block} * kDotLanes + k], job_.clip_truncate);
    }
  }
  store(first, pixels, block, part.data(), place);
}

int64_t IntegerTiler::total(const int64_t* sums, int pixel, uint32_t k) const {
  if (window_.planes == 1) {
    return sums[static_cast<uint32_t>(pixel) * kTileKernels + k];
  }
  const int64_t* high = sums + static_cast<uint32_t>(pixel) * 2 * kTileKernels;
  return high[k] * 256 + high[kTileKernels + k];
}

template <uint32_t kLanes>
void IntegerTiler::store_lanes(Pixel pixel, int count, uint32_t block, const int32_t* values, const SumsPlace& place) const {
  const uint32_t first = block * kDotLanes;  // a whole number of surfaces
  const uint32_t kernels = std::min(range_.count - first, kTileKernels);
  const uint32_t surface = (range_.first + first) / kLanes;
  for (int i = 0; i < count; ++i, values += kTileKernels, advance(pixel)) {
    int32_t* to = place.at(pixel.batch, index_of(pixel), surface);
    uint32_t k = 0;
    for (; k + kLanes <= kernels; k += kLanes, to += place.surface_step) {
      std::memcpy(to, values + k, kLanes * sizeof(int32_t));
    }
    if (k < kernels) {
      std::memcpy(to, values + k, (kernels - k) * sizeof(int32_t));
      std::fill(to + (kernels - k), to + kLanes, 0);
    }
  }
}

/// Scatters pixels' kernels to the surfaces of the output; `values` holds kTileKernels a pixel.
void IntegerTiler::store(Pixel pixel, int count, uint32_t block, const int32_t* values, const SumsPlace& place) const {
  switch (place.lanes) {
    case 32:
      return store_lanes<32>(pixel, count, block, values, place);
    case 16:
      return store_lanes<16>(pixel, count, block, values, place);
    default:
      return store_lanes<8>(pixel, count, block, values, place);
  }
}

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
  const IntegerTiler tiler(conv, weights, range);
  const uint64_t pixels = tiler.pixels();
  const auto lanes = static_cast<uint32_t>(out.lanes);
  const uint64_t surface = uint64_t{conv.job.out_h} * conv.job.out_w * lanes;
  const SumsPlace place{.data = out.data.data(), .lanes = lanes, .surface_step = surface,
                        .batch_step = surface * static_cast<uint64_t>(out.surfaces())};
  const auto chunks = static_cast<int64_t>(ceil_div<uint64_t>(pixels, kPixelsPerTask));
  parallel_for(chunks * tiler.kernel_tiles(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const auto first = static_cast<uint64_t>(task % chunks) * kPixelsPerTask;
      tiler.run(first, std::min(first + kPixelsPerTask, pixels), static_cast<uint32_t>(task / chunks), place);
    }
  });
}

}  // namespace medlar::chip
