// SPDX-License-Identifier: Apache-2.0
// Convolution: load, multiply, post-process. Rules read off the RTL runs.
#include "timing/rates.hpp"

#include <cmath>

namespace medlar::timing {
namespace {

/// When data and weights arrive in CBUF: both streams share a memory until the shorter one ends.
class Loading {
 public:
  Loading(const ConvWork& work, const Machine& machine) : data_(static_cast<double>(work.data.bytes)) {
    const MemoryModel& data_memory = memory(machine, work.data.memory);
    const MemoryModel& weight_memory = memory(machine, work.weights.memory);
    const double port = machine.port_bytes;
    const bool wide = work.channels * hw::bytes_per_element(work.precision) >= Pipeline::kWideChannels;
    const double data_alone = std::min(client_rate(machine, data_memory, Credits::kPort),
                                       wide ? port * Pipeline::kFeatureShare : port);
    const double weights_alone = std::min(client_rate(machine, weight_memory, Credits::kPort), port);
    start_data_ = Pipeline::kLoadStart + data_memory.latency;
    start_weights_ = Pipeline::kLoadStart + weight_memory.latency;
    rate_data_ = {data_alone, data_alone};
    rate_weights_ = {weights_alone, weights_alone};
    const double weight_bytes = static_cast<double>(work.weights.bytes);
    if (work.data.memory == work.weights.memory && data_ > 0 && weight_bytes > 0) {
      const double limit = data_memory.bytes_per_cycle == 0 ? port : data_memory.read_bytes_per_cycle;
      const double shared = std::min(limit, port * Pipeline::kSharedPort);
      const double turn = work.request_fill / (work.request_fill + 1);
      rate_data_.first = std::min(data_alone, shared * turn);
      rate_weights_.first = std::min(weights_alone, shared - rate_data_.first);
      both_ = std::min(data_ / rate_data_.first, weight_bytes / rate_weights_.first);
    }
  }

  /// Cycle at which the first `bytes` of a stream are there.
  double data_done() const { return data_ == 0 ? 0 : start_data_ + span(data_, rate_data_); }
  double weights_done(double bytes) const {
    return bytes == 0 ? 0 : start_weights_ + span(bytes, rate_weights_);
  }
  double data_alone() const { return data_ / rate_data_.second; }
  double rate_alone() const { return rate_data_.second; }

 private:
  double span(double bytes, std::pair<double, double> rate) const {
    if (both_ == 0) {
      return bytes / rate.second;
    }
    const double in_both = both_ * rate.first;
    return bytes <= in_both ? bytes / rate.first : both_ + (bytes - in_both) / rate.second;
  }

  double data_;
  double both_ = 0;  ///< Cycles during which both streams run.
  double start_data_ = 0;
  double start_weights_ = 0;
  std::pair<double, double> rate_data_;  ///< Beside the other stream, and alone.
  std::pair<double, double> rate_weights_;
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

/// Positions of the last stripe: stripes have 16, the last one takes what is left, up to 32.
uint64_t last_stripe(uint64_t pixels) {
  if (pixels <= 2 * Pipeline::kStripe) {
    return pixels;
  }
  return Pipeline::kStripe + 1 + (pixels - 1) % Pipeline::kStripe;
}

struct Phases {
  double first_atom = 0;
  double last_atom = 0;
};

Phases multiply(const ConvWork& work, const Machine& machine, const Loading& loading, uint32_t group) {
  const double extra = prefetched_operands(work, machine) / loading.rate_alone();
  const double groups = std::ceil(static_cast<double>(work.kernels) / group);
  const double group_bytes = static_cast<double>(work.weights.bytes) / groups;
  const double group_cycles =
      static_cast<double>(work.steps) * static_cast<double>(std::max(work.pixels, Pipeline::kStripe));
  Phases phases;
  phases.first_atom = std::max(loading.data_done() + extra + Pipeline::kDataToMac,
                               loading.weights_done(group_bytes) + Pipeline::kWeightToMac);
  // Groups go on when their weights are there; with equal groups the last wait decides.
  const double stalled =
      loading.weights_done(static_cast<double>(work.weights.bytes)) + Pipeline::kWeightToMac + group_cycles;
  phases.last_atom = std::max(phases.first_atom + groups * group_cycles, stalled);
  if (work.pixels < Pipeline::kStripe) {  // the last block ends with its last position
    phases.last_atom -= static_cast<double>(Pipeline::kStripe - work.pixels);
  }
  return phases;
}

}  // namespace

OpTime time_of(const ConvWork& work, const Machine& machine) {
  OpTime time;
  const uint32_t group = work.precision == hw::Precision::kInt8 ? machine.kernels_int8 : machine.kernels_16;
  if (group == 0 || work.kernels == 0) {
    return time;
  }
  const Loading loading(work, machine);
  const Phases phases = multiply(work, machine, loading, group);
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
  const double start = phases.first_atom;
  const double by_mac = phases.last_atom + Pipeline::kMacTail + static_cast<double>(last_stripe(work.pixels));
  const double by_sdp = start + sdp + Pipeline::kSdpTail;
  const double by_pdp = work.pdp ? start + pdp + Pipeline::kSdpTail + Pipeline::kPdpStart : 0;
  const double by_memory = start + streaming + Pipeline::kMemoryTail;
  const double end = std::max({by_mac, by_sdp, by_pdp, by_memory, memory_cycles(time, machine)});
  time.cycles = to_cycles(end);
  time.load_cycles = to_cycles(start);
  time.data_cycles = to_cycles(loading.data_alone());
  time.mac_cycles = to_cycles(phases.last_atom - start);
  time.sdp_cycles = to_cycles(std::max(sdp, pdp));
  time.macs = work.macs;
  time.bound = end > by_mac ? (end > by_sdp ? (end > by_pdp ? Bound::kMemory : Bound::kPdp) : Bound::kSdp)
                            : Bound::kMac;
  if (start > end - start) {
    time.bound = Bound::kLoad;
  }
  return time;
}

}  // namespace medlar::timing
