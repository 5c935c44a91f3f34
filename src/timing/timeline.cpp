// SPDX-License-Identifier: Apache-2.0
// Operations of a program side by side: units that are busy, and the load that hides behind the operation
// before.
#include "timing/program.hpp"

#include <algorithm>
#include <array>

namespace medlar::timing {
namespace {

/// Cycles of one register write on the way from the bus to the unit: the RTL runs enable the second of two
/// operations 117 writes after the first, and 264 cycles.
constexpr double kCyclesPerWrite = 2.25;

/// The readers of PDP and CDP fetch for the second group while the first one's results drain.
constexpr int64_t kPdpAhead = 50, kCdpAhead = 60;

int64_t ahead_of(const Snapshot& snapshot) {
  return std::holds_alternative<PdpSnapshot>(snapshot)   ? kPdpAhead
         : std::holds_alternative<CdpSnapshot>(snapshot) ? kCdpAhead
                                                         : 0;
}

/// Bits of the units that an operation keeps busy.
constexpr uint32_t kConvUnit = 1, kSdpUnit = 2, kPdpUnit = 4, kCdpUnit = 8, kRubikUnit = 16, kBdmaUnit = 32;

uint32_t units_of(const Snapshot& snapshot) {
  struct Units {
    uint32_t operator()(const ConvSnapshot& s) const {
      return kConvUnit | kSdpUnit | (s.pdp ? kPdpUnit : 0u);
    }
    uint32_t operator()(const SdpSnapshot& s) const { return kSdpUnit | (s.pdp ? kPdpUnit : 0u); }
    uint32_t operator()(const PdpSnapshot&) const { return kPdpUnit; }
    uint32_t operator()(const CdpSnapshot&) const { return kCdpUnit; }
    uint32_t operator()(const RubikSnapshot&) const { return kRubikUnit; }
    uint32_t operator()(const BdmaSnapshot&) const { return kBdmaUnit; }
  };
  return std::visit(Units{}, snapshot);
}

/// CBUF entries of the data of a convolution; its region is a ring, so two operations fit when their sum
/// does.
uint64_t data_entries(const ConvSnapshot& s) {
  return uint64_t{s.cdma.entries + 1} * (s.cdma.datain_height_ext + 1) * (s.cdma.batches + 1);
}

bool room_for_both(const ConvSnapshot& first, const ConvSnapshot& second, const hw::HwConfig& config) {
  const uint64_t capacity = uint64_t{second.cdma.data_bank + 1} * config.cbuf_bank_entries;
  return data_entries(first) + data_entries(second) <= capacity;
}

/// The operation that keeps a unit busy, and until when.
struct Busy {
  const ProgramOp* op = nullptr;
  TimedOp timed;
};

/// When an operation that could begin at `begin` ends after the one before it on the same units.
int64_t end_after(const Busy& before, const ProgramOp& op, const OpTime& time, int64_t begin,
                  const hw::HwConfig& config) {
  const auto cycles = static_cast<int64_t>(time.cycles);
  const auto* first = std::get_if<ConvSnapshot>(&before.op->snapshot);
  const auto* second = std::get_if<ConvSnapshot>(&op.snapshot);
  if (first == nullptr || second == nullptr) {
    return std::max(begin, before.timed.end - ahead_of(op.snapshot)) + cycles;
  }
  const uint64_t both = ping_pong_cycles(before.timed.time, time, room_for_both(*first, *second, config));
  const int64_t start = before.timed.end - static_cast<int64_t>(before.timed.time.cycles);
  return std::max(begin + cycles, start + static_cast<int64_t>(both));
}

}  // namespace

Timeline timeline_of(const std::vector<ProgramOp>& ops, const hw::HwConfig& config, const Machine& machine) {
  Timeline timeline;
  for (size_t first = 0; first < ops.size();) {
    size_t last = first;
    while (last + 1 < ops.size() && ops[last + 1].phase == ops[first].phase) {
      ++last;
    }
    std::array<Busy, 6> busy{};
    int64_t end_of_phase = 0;
    for (size_t i = first; i <= last; ++i) {
      TimedOp timed{.time = time_of(ops[i].snapshot, config, machine)};
      const double before_last =
          static_cast<double>(ops[last].enabled_at - ops[i].enabled_at) * kCyclesPerWrite;
      timed.begin = -static_cast<int64_t>(before_last);
      timed.end = timed.begin + static_cast<int64_t>(timed.time.cycles);
      const uint32_t units = units_of(ops[i].snapshot);
      for (size_t unit = 0; unit < busy.size(); ++unit) {
        if (((units >> unit) & 1) != 0 && busy[unit].op != nullptr) {
          timed.end = std::max(timed.end, end_after(busy[unit], ops[i], timed.time, timed.begin, config));
        }
      }
      for (size_t unit = 0; unit < busy.size(); ++unit) {
        if (((units >> unit) & 1) != 0) {
          busy[unit] = {&ops[i], timed};
        }
      }
      end_of_phase = std::max(end_of_phase, timed.end);
      timeline.ops.push_back(timed);
    }
    timeline.total_cycles += static_cast<uint64_t>(end_of_phase);
    first = last + 1;
  }
  return timeline;
}

}  // namespace medlar::timing
