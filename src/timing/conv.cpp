// SPDX-License-Identifier: Apache-2.0
// Convolution: load, multiply, post-process. Rules read off the RTL (nv_full) and its runs.
#include "timing/rates.hpp"

#include <cmath>
#include <vector>

namespace medlar::timing {
namespace {

/// A port that keeps so many reads open: they come in bursts of that many beats, one a latency, where the
/// latency is longer than the burst.
class Window {
 public:
  Window(const MemoryModel& m, double port_bytes)
      : burst_(Credits::kPort * port_bytes), turn_(m.latency + Pipeline::kWindowTurn) {}
  /// Cycles from the first to the last of `bytes` that come at most at `rate`.
  double cycles(double bytes, double rate) const {
    if (burst_ / rate >= turn_) {
      return bytes / rate;
    }
    const double bursts = std::max(0.0, std::ceil(bytes / burst_) - 1);
    return bursts * turn_ + (bytes - bursts * burst_) / rate;
  }

 private:
  double burst_, turn_;
};

/// Cycles of a load beside the latency and its beats: the first request, and the way into CBUF.
double load_start(ConvWork::Mode mode) {
  switch (mode) {
    case ConvWork::Mode::kDirect:
      return Pipeline::kLoadStart;
    case ConvWork::Mode::kImage:
      return Pipeline::kImageStart;
    case ConvWork::Mode::kWinograd:
      return Pipeline::kWinogradStart;
  }
  return 0;
}

/// When data and weights arrive in CBUF: both streams share a memory until the shorter one ends.
class Loading {
 public:
  Loading(const ConvWork& work, const Machine& machine)
      : data_(static_cast<double>(work.data.bytes)),
        weights_(static_cast<double>(work.weights.bytes)),
        data_window_(memory(machine, work.data.memory), machine.port_bytes),
        weight_window_(memory(machine, work.weights.memory), machine.port_bytes) {
    const MemoryModel& data_memory = memory(machine, work.data.memory);
    const MemoryModel& weight_memory = memory(machine, work.weights.memory);
    const double port = machine.port_bytes;
    const double data_port = work.paired_surfaces ? port * Pipeline::kFeatureShare : port;
    rate_data_ = std::min(memory_rate(data_memory), data_port);
    rate_weights_ = std::min(memory_rate(weight_memory), port);
    start_data_ = data_memory.latency + load_start(work.mode);
    start_weights_ = Pipeline::kLoadStart + weight_memory.latency;
    if (work.data.memory == work.weights.memory && data_ > 0 && weights_ > 0) {
      const double shared = std::min(memory_rate(data_memory), port * Pipeline::kSharedPort);
      const double turn = work.request_fill / (work.request_fill + 1);
      const double data = std::min(rate_data_, shared * turn);
      const double weights = std::min(rate_weights_, shared - data);
      shared_data_ = data / (data + weights);
      both_rate_ = data + weights;
      both_bytes_ = std::min(data_ / data, weights_ / weights) * both_rate_;
    }
  }

  /// Cycle at which all data, or the first `bytes` of the weights, are there.
  double data_done() const {
    return data_ == 0 ? 0 : start_data_ + span(data_, shared_data_, rate_data_, data_window_);
  }
  double weights_done(double bytes) const {
    return bytes == 0 ? 0 : start_weights_ + span(bytes, 1 - shared_data_, rate_weights_, weight_window_);
  }
  double data_alone() const { return data_window_.cycles(data_, rate_data_); }
  double rate_alone() const { return rate_data_; }
  /// Cycles from the moment that CBUF has room again until `bytes` of weights are there.
  double weights_again(double bytes) const { return start_weights_ + bytes / rate_weights_; }

 private:
  /// A memory that the machine lacks takes no time.
  static double memory_rate(const MemoryModel& m) {
    return m.bytes_per_cycle == 0 ? std::numeric_limits<double>::infinity() : m.read_bytes_per_cycle;
  }

  double span(double bytes, double part, double rate, const Window& window) const {
    if (both_bytes_ == 0) {
      return window.cycles(bytes, rate);
    }
    const double with_other = bytes / part;
    if (with_other <= both_bytes_) {
      return window.cycles(with_other, both_rate_);
    }
    // Alone from where the other stream has ended: the port goes on with the same bursts.
    const double rest = bytes - both_bytes_ * part;
    return std::max(window.cycles(both_bytes_, both_rate_) + rest / rate,
                    window.cycles(both_bytes_ + rest, both_rate_));
  }

  double data_, weights_;
  Window data_window_, weight_window_;
  double rate_data_ = 0, rate_weights_ = 0;  ///< Alone, while no read waits for another.
  double both_bytes_ = 0;                    ///< Of both streams, until the shorter one ends.
  double both_rate_ = 0;
  double shared_data_ = 1;  ///< The data's part of them.
  double start_data_ = 0, start_weights_ = 0;
};

/// Operands that SDP fetches ahead while the convolution loads; they take bandwidth from it.
double prefetched_operands(const ConvWork& work, const Machine& machine) {
  double bytes = 0;
  for (const Traffic* t : {&work.sdp.x1, &work.sdp.x2, &work.sdp.y}) {
    if (t->memory == work.data.memory) {
      bytes += std::min(static_cast<double>(t->bytes), Credits::kSdpX * machine.port_bytes);
    }
  }
  return bytes;
}

/// Cycles from the last data in CBUF to the first step, without the kernels.
double data_to_mac(ConvWork::Mode mode) {
  switch (mode) {
    case ConvWork::Mode::kDirect:
      return Pipeline::kDataToMac;
    case ConvWork::Mode::kImage:
      return Pipeline::kImageToMac;
    case ConvWork::Mode::kWinograd:
      return Pipeline::kWinogradToMac;
  }
  return 0;
}

/// Cycles of SDP for one pixel of one kernel group: its own, and those of the memories behind it.
double post_cycles_a_pixel(const ConvWork& work, const Machine& machine, uint32_t group) {
  const uint64_t groups = (work.kernels + group - 1) / group;
  const double all = static_cast<double>(work.stripes.pixels() * groups);
  OpTime moved;
  count_read(moved, work.sdp.x1);
  count_read(moved, work.sdp.x2);
  count_read(moved, work.sdp.y);
  count_write(moved, work.sdp.output);
  // What SDP fetched ahead came with the load.
  const double ahead =
      cycles_at(prefetched_operands(work, machine), memory(machine, work.data.memory).bytes_per_cycle);
  double cycles = std::max(sdp_cycles(work.sdp, machine, group), memory_cycles(moved, machine) - ahead);
  const double atoms = static_cast<double>(work.sdp.output.bytes) / (machine.port_bytes / 2.0);
  if (work.mode == ConvWork::Mode::kWinograd) {
    cycles = std::max(cycles, Pipeline::kPairWrite * atoms);
  } else if (work.sdp.single_atoms) {
    cycles = std::max(cycles, Pipeline::kSingleWrite * atoms);
  }
  return cycles / all;
}

/// Walks through the kernel groups: each loads its weights, multiplies stripe by stripe, and hands results
/// on.
class Array {
 public:
  Array(const ConvWork& work, const Machine& machine, uint32_t group)
      : work_(work),
        loading_(work, machine),
        group_(group),
        post_(post_cycles_a_pixel(work, machine, group)) {
    groups_ = (work.kernels + group - 1) / group;
    const double bytes = static_cast<double>(work.weights.bytes);
    group_bytes_ = bytes * group / work.kernels;
    const double extra = prefetched_operands(work, machine) / loading_.rate_alone();
    data_ready_ = loading_.data_done() + extra + data_to_mac(work.mode);
    for (uint64_t g = 0; g < groups_; ++g) {
      take_group(g);
    }
  }

  const Loading& loading() const { return loading_; }
  double first_step() const { return first_step_; }
  double last_step() const { return end_; }
  double first_result() const { return first_result_; }
  double post_end() const { return post_end_; }

 private:
  /// Cycles of CSC to load the kernels of group `g` into the cells, which the stripe before hides.
  double kernel_cycles(uint64_t g) const {
    const uint64_t kernels = g + 1 < groups_ ? group_ : work_.kernels - g * group_;
    return std::max(2.0, std::ceil(Pipeline::kKernelLoad * static_cast<double>(kernels) / group_));
  }

  double weights_ready(uint64_t g) const {
    if (work_.weights.bytes == 0) {
      return 0;
    }
    const double upto =
        std::min(static_cast<double>(work_.weights.bytes), static_cast<double>(g + 1) * group_bytes_);
    const double streamed = loading_.weights_done(upto);
    const double beyond = upto - static_cast<double>(work_.weight_room);
    // A core with more kernels side by side than its registers know takes a group in parts.
    const bool fits = group_bytes_ <= static_cast<double>(work_.weight_room);
    if (beyond <= 0 || !fits || ends_.empty()) {
      return streamed;
    }
    // CBUF is a ring: the groups that have been used make room for what is beyond.
    const double used = std::ceil(beyond / group_bytes_);
    const double room = ends_[std::min(static_cast<size_t>(used), ends_.size()) - 1];
    return std::max(streamed, room + loading_.weights_again(beyond - (used - 1) * group_bytes_));
  }

  void take_group(uint64_t g) {
    const Stripes& s = work_.stripes;
    const double kernels = kernel_cycles(g);
    const double next = g + 1 < groups_ ? kernel_cycles(g + 1) : 0;
    const auto length = [&](uint64_t positions) { return static_cast<double>(positions * s.batches); };
    const auto cost = [&](double steps, double loads) {
      return std::max({steps, loads, Pipeline::kLeastStripe});
    };
    const double full = static_cast<double>(s.full()), lines = static_cast<double>(s.lines);
    const double steps = static_cast<double>(work_.steps);
    const double a = length(s.least), b = length(s.last());
    const double stripe = cost(full > 0 ? a : b, kernels), last = cost(b, kernels);
    const double start =
        std::max({end_, data_ready_ + kernels, weights_ready(g) + Pipeline::kWeightToMac + kernels});
    if (g == 0) {
      first_step_ = start;
    }
    double all = steps * lines * (full * stripe + last);
    all -= last - (g + 1 < groups_ ? cost(b, next) : b);  // the last one loads the next kernels, or none
    end_ = start + all;
    ends_.push_back(end_);
    // Results leave with the last step of their stripe.
    const double first = start + (steps - 1) * stripe;
    const double pixels = static_cast<double>(s.pixels());
    const double of_last = b * s.outputs * post_;
    if (g == 0) {
      first_result_ = first;
    }
    const double last_result = start + all - b;
    post_end_ = std::max({post_end_ + pixels * post_, first + pixels * post_, last_result + of_last});
  }

  const ConvWork& work_;
  Loading loading_;
  uint32_t group_;
  double post_;
  uint64_t groups_ = 0;
  double group_bytes_ = 0, data_ready_ = 0;
  double first_step_ = 0, first_result_ = 0, end_ = 0, post_end_ = 0;
  std::vector<double> ends_;
};

}  // namespace

OpTime time_of(const ConvWork& work, const Machine& machine) {
  OpTime time;
  const uint32_t group = work.precision == hw::Precision::kInt8 ? machine.kernels_int8 : machine.kernels_16;
  if (group == 0 || work.kernels == 0 || work.stripes.pixels() == 0) {
    return time;
  }
  const Array array(work, machine, group);
  count_read(time, work.sdp.x1);
  count_read(time, work.sdp.x2);
  count_read(time, work.sdp.y);
  count_write(time, work.pdp ? work.pdp->output : work.sdp.output);
  // While computing; what SDP fetched ahead came with the load.
  const double ahead =
      cycles_at(prefetched_operands(work, machine), memory(machine, work.data.memory).bytes_per_cycle);
  const double streaming = std::max(0.0, memory_cycles(time, machine) - ahead);
  count_read(time, work.data);
  count_read(time, work.weights);
  const double sdp = sdp_cycles(work.sdp, machine, group);
  const double pdp = work.pdp ? cycles_at(static_cast<double>(work.pdp->input_bytes), machine.pdp_bytes) : 0;
  const double start = array.first_step();
  const double by_mac = array.last_step() + Pipeline::kMacTail;
  const double by_sdp = array.post_end() + Pipeline::kSdpTail + y_stage_cycles(work.sdp);
  const double by_pdp = work.pdp ? array.first_result() + pdp + Pipeline::kSdpTail + Pipeline::kPdpStart : 0;
  const double by_memory = start + streaming + Pipeline::kMemoryTail;
  const double end = std::max({by_mac, by_sdp, by_pdp, by_memory, memory_cycles(time, machine)});
  time.cycles = to_cycles(end);
  time.load_cycles = to_cycles(start);
  time.data_cycles = to_cycles(array.loading().data_alone());
  time.mac_cycles = to_cycles(array.last_step() - start);
  time.sdp_cycles = to_cycles(std::max(sdp, pdp));
  time.macs = work.macs;
  // SDP ends a stripe or so after the array in any case.
  const double slack = 2.0 * work.stripes.most * work.stripes.batches * work.stripes.outputs;
  time.bound = end <= by_mac + slack ? Bound::kMac
               : end <= by_sdp       ? Bound::kSdp
               : end <= by_pdp       ? Bound::kPdp
                                     : Bound::kMemory;
  if (start > end - start) {
    time.bound = Bound::kLoad;
  }
  add_translation(time, machine);
  return time;
}

}  // namespace medlar::timing
