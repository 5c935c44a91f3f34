// SPDX-License-Identifier: Apache-2.0
// Operations that stream from memory to memory: SDP, PDP, CDP, RUBIK, BDMA.
#include "base/checked.hpp"
#include "timing/rates.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace medlar::timing {
namespace {

/// Cycles that a reader with `credits` open beats waits for memory once its first data are there: all credits
/// are used up, and the next beats are asked for when the first come back. 0 where the credits cover the
/// latency.
double reader_cycles(const Traffic& t, const Machine& machine, double credits,
                     double held = Pipeline::kCreditHeld) {
  const MemoryModel& m = memory(machine, t.memory);
  if (t.bytes == 0 || m.bytes_per_cycle == 0) {
    return 0;
  }
  const double batch = credits * machine.port_bytes;
  const double turn = m.latency + held;
  if (batch / turn >= m.read_bytes_per_cycle) {
    return 0;
  }
  const double turns = std::ceil(static_cast<double>(t.bytes) / batch) - 1;
  return turns * turn + (static_cast<double>(t.bytes) - turns * batch) / m.read_bytes_per_cycle;
}

/// Cycles until a unit that takes `unit` cycles for everything is done with operands that several readers
/// fetch from one memory. They take turns, so the largest stream is late until the smaller ones have ended;
/// what it brings then faster than the unit works waits for the unit.
double starved_cycles(std::vector<double> bytes, const MemoryModel& m, double unit) {
  std::erase(bytes, 0.0);
  if (bytes.empty() || m.bytes_per_cycle == 0) {
    return unit;
  }
  std::sort(bytes.begin(), bytes.end());
  double cycles = unit, at = 0, before = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    at += (bytes[i] - before) * static_cast<double>(bytes.size() - i) / m.read_bytes_per_cycle;
    before = bytes[i];
    cycles = std::max(cycles, at + (1 - bytes[i] / bytes.back()) * unit);
  }
  return cycles;
}

struct Streams {
  double unit = 0;     ///< Cycles of the unit itself.
  double readers = 0;  ///< Cycles of its slowest reader.
  double start = 0;
  double memory_start = 0;  ///< Where memory decides; 0: as `start`.
  Bound unit_bound = Bound::kSdp;
  Memory first = Memory::kDram;
};

void finish(OpTime& time, const Streams& s, const Machine& machine) {
  const double latency = memory(machine, s.first).latency;
  const double start = s.start + latency;
  const double bytes = std::max(s.readers, memory_cycles(time, machine));
  const double by_memory = latency + (s.memory_start > 0 ? s.memory_start : s.start) + bytes;
  time.cycles = to_cycles(std::max(start + s.unit, by_memory));
  time.load_cycles = to_cycles(start);
  time.sdp_cycles = to_cycles(s.unit);
  time.bound = s.unit >= bytes ? s.unit_bound : Bound::kMemory;
  add_translation(time, machine);
}

}  // namespace

std::string_view bound_name(Bound bound) {
  switch (bound) {
    case Bound::kLoad:
      return "load";
    case Bound::kMac:
      return "mac";
    case Bound::kSdp:
      return "sdp";
    case Bound::kPdp:
      return "pdp";
    case Bound::kCdp:
      return "cdp";
    case Bound::kMemory:
      return "memory";
  }
  return "invalid";
}

double sdp_cycles(const SdpWork& work, const Machine& machine, uint32_t channel_multiple) {
  const uint64_t channels = round_up(uint64_t{work.channels}, uint64_t{std::max(1u, channel_multiple)});
  const double rate = work.ew && machine.sdp_ew > 0 ? machine.sdp_ew : machine.sdp;
  return cycles_at(static_cast<double>(work.pixels * channels), rate);
}

OpTime time_of(const SdpWork& work, const std::optional<PdpWork>& pdp, const Machine& machine) {
  OpTime time;
  for (const Traffic* t : {&work.input, &work.x1, &work.x2, &work.y}) {
    count_read(time, *t);
  }
  count_write(time, pdp ? pdp->output : work.output);
  Streams s{.unit = sdp_cycles(work, machine, work.channel_atom),
            .start = Pipeline::kSdpStart + y_stage_cycles(work),
            .first = work.input.memory};
  for (const Memory which : {Memory::kDram, Memory::kSram}) {
    std::vector<double> bytes;
    for (const Traffic* t : {&work.input, &work.x1, &work.x2, &work.y}) {
      bytes.push_back(t->memory == which ? static_cast<double>(t->bytes) : 0);
    }
    s.unit = starved_cycles(std::move(bytes), memory(machine, which), s.unit);
  }
  if (work.single_atoms) {
    s.unit = std::max(
        s.unit, Pipeline::kSingleWrite * static_cast<double>(work.output.bytes) / (machine.port_bytes / 2.0));
  }
  if (pdp) {
    const double pooling =
        cycles_at(static_cast<double>(pdp->input_bytes), machine.pdp_bytes) + Pipeline::kPooledStart;
    s.unit_bound = pooling > s.unit ? Bound::kPdp : Bound::kSdp;
    s.unit = std::max(s.unit, pooling);
    s.start += Pipeline::kToPdp;
  }
  s.readers = std::max(
      {reader_cycles(work.input, machine, Credits::kSdp), reader_cycles(work.x1, machine, Credits::kSdpX),
       reader_cycles(work.x2, machine, Credits::kSdpX), reader_cycles(work.y, machine, Credits::kSdpY)});
  finish(time, s, machine);
  return time;
}

OpTime time_of(const PdpWork& work, const Machine& machine) {
  OpTime time;
  count_read(time, work.input);
  count_write(time, work.output);
  const double tail =
      work.last_row_counts
          ? Pipeline::kPdpTail + cycles_at(static_cast<double>(work.flush_bytes), machine.pdp_bytes)
          : 0;
  finish(time,
         {.unit = cycles_at(static_cast<double>(work.input_bytes), machine.pdp_bytes) + tail,
          .readers = reader_cycles(work.input, machine, Credits::kPdp * work.request_fill),
          .start = Pipeline::kPdpStart,
          .unit_bound = Bound::kPdp,
          .first = work.input.memory},
         machine);
  return time;
}

OpTime time_of(const CdpWork& work, const Machine& machine) {
  OpTime time;
  count_read(time, work.input);
  count_write(time, work.output);
  finish(time,
         {.unit = cycles_at(static_cast<double>(work.bytes), machine.cdp) +
                  Pipeline::kCdpStripe * static_cast<double>(work.stripes),
          .readers = reader_cycles(work.input, machine, Credits::kCdp),
          .start = Pipeline::kCdpStart,
          .memory_start = Pipeline::kCdpMemoryStart,
          .unit_bound = Bound::kCdp,
          .first = work.input.memory},
         machine);
  return time;
}

OpTime time_of(const CopyWork& work, const Machine& machine) {
  OpTime time;
  count_read(time, work.input);
  count_write(time, work.output);
  const bool bdma = work.engine == CopyWork::Engine::kBdma;
  const double drained = memory(machine, work.input.memory).latency + Pipeline::kDrain;
  const double start =
      (bdma ? Pipeline::kCopyStart : Pipeline::kRubikStart) + static_cast<double>(work.switches) * drained;
  const double writer_start =
      bdma ? start - Pipeline::kCopyStart + Pipeline::kWriteStart : Pipeline::kRubikStart;
  finish(time,
         {.unit = static_cast<double>(work.write_cycles) + writer_start - start,
          .readers = bdma ? reader_cycles(work.input, machine, Credits::kBdma)
                          : reader_cycles(work.input, machine, Credits::kRubik, Pipeline::kRubikCreditHeld),
          .start = start,
          .unit_bound = Bound::kMemory,
          .first = work.input.memory},
         machine);
  return time;
}

uint64_t ping_pong_cycles(const OpTime& first, const OpTime& second, bool room_for_data) {
  const uint64_t computing = first.cycles - std::min(first.cycles, first.load_cycles);
  const uint64_t exposed = room_for_data ? 0 : std::min(second.load_cycles, second.data_cycles);
  const uint64_t hidden = std::min(second.load_cycles - exposed, computing);
  const uint64_t gain = hidden > 0 ? to_cycles(Pipeline::kPingPongGain) : 0;
  return first.cycles + second.cycles - std::min(second.cycles, hidden + gain);
}

}  // namespace medlar::timing
