// SPDX-License-Identifier: Apache-2.0
// The convolution core: plan, fetch, compute.
#include "chip/conv.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "chip/conv_buffer.hpp"
#include "chip/conv_compute.hpp"
#include "chip/conv_dot.hpp"
#include "chip/conv_plan.hpp"
#include "chip/conv_reference.hpp"

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

}  // namespace

struct ConvCore::State {
  const hw::HwConfig& config;
  const DotTarget& target;
  ConvBuffer buffer;
  ConvScratch scratch;
};

ConvCore::ConvCore(const hw::HwConfig& config)
    : state_(std::make_unique<State>(State{.config = config, .target = active_dot_target(), .buffer = {}, .scratch = {}})) {}
ConvCore::~ConvCore() = default;

void ConvCore::reset() { state_->buffer.clear(); }

Result<AccCube> ConvCore::run(const ConvRegisters& registers, MemoryPort& memory) {
  MEDLAR_ASSIGN(const ConvJob job, plan_convolution(state_->config, registers));
  MEDLAR_TRY(check_output_size(job));
  ConvBuffer& buffer = state_->buffer;
  MEDLAR_ASSIGN(ConvCube cube, buffer.load_data(job, memory));
  AccCube out = make_acc_cube(job);
  ConvCompute compute(job, cube, state_->target, state_->scratch);
  const uint32_t step = kernels_per_round(job);
  for (uint32_t first = 0; first < job.kernels; first += step) {
    const KernelRange range{.first = first, .count = std::min(step, job.kernels - first)};
    MEDLAR_ASSIGN(const ByteView weights, buffer.load_weights(job, range, memory));
    compute.run(range, weights, out);
  }
  buffer.store_data(job, std::move(cube));
  buffer.store_weights(job);
  return out;
}

}  // namespace medlar::chip
