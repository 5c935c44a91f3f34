// SPDX-License-Identifier: Apache-2.0
// The convolution core: plan, fetch, compute.
#include "chip/conv/conv.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/chip_target.hpp"
#include "chip/conv/compute.hpp"
#include "chip/conv/input/buffer.hpp"
#include "chip/conv/input/fetch.hpp"
#include "chip/conv/integer/integer.hpp"
#include "chip/conv/plan.hpp"
#include "chip/conv/reference.hpp"

namespace medlar::chip {
namespace {

constexpr uint64_t kMaxOutputElements = uint64_t{1} << 28;  // 1 GiB of accumulators
constexpr uint64_t kRoundBytes = uint64_t{64} << 20;        // weights repacked at a time

/// Kernels of one round: whole tiles of groups, as many as the weight budget allows.
uint32_t kernels_per_round(const ConvJob& job) {
  const uint64_t kernel_bytes = job.kernel_elements() * 2;
  const uint32_t unit = std::max(job.machine.kernels_per_group, static_cast<uint32_t>(kDotLanes * kDotMaxBlocks));
  const uint64_t units = std::max<uint64_t>(1, kRoundBytes / (kernel_bytes * unit));
  return static_cast<uint32_t>(std::min<uint64_t>(units * unit, round_up(job.kernels, unit)));
}

Status check_output_size(const ConvJob& job) {
  const uint64_t surfaces = ceil_div(job.kernels, job.machine.channels_per_atom);
  const uint64_t elements =
      uint64_t{job.batches} * surfaces * job.machine.channels_per_atom * job.out_w * job.out_h;
  if (elements > kMaxOutputElements) {
    return fail(Code::kResourceExhausted, "CACC.D_DATAOUT_SIZE_0: {} x {} x {} accumulators, the model holds {}",
                job.out_w, job.out_h, job.kernels, kMaxOutputElements);
  }
  return {};
}

/// What no sum of so many products exceeds once CACC has delivered it; 2^31 when that says nothing.
int64_t largest_sum(const ConvJob& job, uint64_t products) {
  constexpr uint64_t kAny = uint64_t{1} << 31;
  if (job.mode == ConvMode::kWinograd || job.precision != hw::Precision::kInt8) {
    return kAny;
  }
  return static_cast<int64_t>(std::min(products << 14, kAny));
}

}  // namespace

struct ConvCore::State {
  const hw::HwConfig& config;
  const ChipTarget& target;
  ConvBuffer buffer;
  ConvScratch scratch;
  AccCube band;      ///< Memory that operations use one after the other.
  /// The operation that is running.
  ConvJob job;
  ConvCube cube;
  std::optional<ConvCompute> compute;
  MemoryPort* memory = nullptr;

  Status fetch_data();
  Status load_weights(uint32_t first);
  bool in_rounds() const { return kernels_per_round(job) < job.kernels; }
  void offer_pieces(AccFeed& feed);
  int band_rows() const;
  Result<const AccCube*> rows(int first, int count);
};

Status ConvCore::State::fetch_data() {
  if (compute->takes_window() && can_fetch_window(job)) {
    cube = ConvCube();
    return fetch_window(job, compute->form(), *memory, scratch.window);
  }
  MEDLAR_ASSIGN(cube, buffer.load_data(job, *memory));
  compute->set_data(cube);
  return {};
}

Status ConvCore::State::load_weights(uint32_t first) {
  const KernelRange range{.first = first, .count = std::min(kernels_per_round(job), job.kernels - first)};
  MEDLAR_ASSIGN(const ByteView weights, buffer.load_weights(job, range, *memory));
  compute->set_weights(range, weights);
  return {};
}

/// As many rows as fit the second cache beside data and weights, when computing in bands is free.
int ConvCore::State::band_rows() const {
  constexpr uint64_t kBandBytes = uint64_t{384} << 10;
  if (!compute->has_bands() || in_rounds() || job.batches > 1) {
    return static_cast<int>(job.out_h);
  }
  const uint64_t row = uint64_t{job.out_w} * round_up(job.kernels, job.machine.channels_per_atom) * sizeof(int32_t);
  return static_cast<int>(std::clamp<uint64_t>(kBandBytes / row, 1, job.out_h));
}

void ConvCore::State::offer_pieces(AccFeed& feed) {
  constexpr int64_t kPiecePixels = 96;  // whole tiles of 12 and 6; with all its kernels in less than the first cache
  constexpr int64_t kPieceProducts = int64_t{1} << 22;  // some 20 us of work, so that threads end together
  constexpr uint64_t kBlockBytes = uint64_t{256} << 10;
  const uint64_t pixels = uint64_t{job.out_w} * job.out_h;
  const uint64_t bytes = compute->pixel_bytes();
  compute->start_pieces();
  feed.piece = [this](const AccPiece& piece, int32_t* out) { compute->run_piece(piece, out); };
  feed.products = static_cast<int64_t>(compute->products());
  feed.piece_pixels = std::clamp<int64_t>(kPieceProducts / (feed.products * int64_t{kTileKernels}) / 12 * 12, 12, kPiecePixels);
  feed.piece_surfaces = static_cast<int>(kTileKernels / job.machine.channels_per_atom);
  uint64_t block = pixels * bytes <= 3 * kBlockBytes / 2 ? pixels : round_up(kBlockBytes / bytes, uint64_t{kPiecePixels});
  if (pixels * bytes > job.weight_elements() * job.element_bytes()) {
    // Threads share the weights, and each has its own pixels: those whose input it has fetched.
    const uint64_t tile = job.kernels > 2 * kDotLanes ? 6 : 12;
    block = std::min(block, round_up(ceil_div(pixels, static_cast<uint64_t>(parallel_threads())), tile));
  }
  feed.block_pixels = static_cast<int64_t>(block);
}

Result<const AccCube*> ConvCore::State::rows(int first, int count) {
  resize_acc_cube(job, count, band);
  for (uint32_t kernel = 0; kernel < job.kernels; kernel += kernels_per_round(job)) {
    if (in_rounds()) {
      MEDLAR_TRY(load_weights(kernel));
    }
    compute->run(static_cast<uint32_t>(first), band);
  }
  return &band;
}

ConvCore::ConvCore(const hw::HwConfig& config, const ChipTarget& target)
    : state_(new State{.config = config, .target = target, .buffer = {}, .scratch = {}, .band = {}, .job = {},
                       .cube = {}, .compute = {}}) {}
ConvCore::~ConvCore() = default;

void ConvCore::reset() { state_->buffer.clear(); }

Result<AccFeed> ConvCore::start(const ConvRegisters& registers, MemoryPort& memory) {
  State& state = *state_;
  MEDLAR_ASSIGN(state.job, plan_convolution(state.config, registers));
  MEDLAR_TRY(check_output_size(state.job));
  state.memory = &memory;
  state.compute.emplace(state.job, state.target, state.scratch);
  MEDLAR_TRY(state.fetch_data());
  if (!state.in_rounds()) {
    MEDLAR_TRY(state.load_weights(0));
  }
  AccFeed feed;
  feed.shape = acc_cube_shape(state.job);
  feed.band_rows = state.band_rows();
  feed.bound = largest_sum(state.job, state.in_rounds() ? state.job.kernel_elements() : state.compute->terms());
  if (state.compute->has_pieces() && !state.in_rounds()) {
    state.offer_pieces(feed);
  }
  feed.rows = [&state](int first, int count) { return state.rows(first, count); };
  return feed;
}

void ConvCore::finish() {
  State& state = *state_;
  state.compute.reset();
  state.buffer.store_data(state.job, std::move(state.cube));
  state.buffer.store_weights(state.job);
}

}  // namespace medlar::chip
