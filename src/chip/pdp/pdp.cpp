// SPDX-License-Identifier: Apache-2.0
// PDP: reduces every input line along x once, keeps the lines that overlapping windows share, folds them along y.
#include "chip/pdp/pdp.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "chip/pdp/plan.hpp"
#include "chip/pdp/reduce.hpp"
#include "num/float_format.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;
using num::Fp16;

class PdpRun {
 public:
  PdpRun(const PdpPlan& plan, const PdpOperation& operation, MemoryPort& memory)
      : plan_(plan),
        operation_(operation),
        reader_(memory, plan.source.ram),
        writer_(memory, plan.destination.ram) {}

  Status run();
  const PdpCounters& counters() const { return counters_; }

 private:
  Status run_band(int surface, const PdpBand& band);
  Result<std::span<const int32_t>> line(int surface, const PdpBand& band, int y);
  Result<std::span<const uint8_t>> fetch(int surface, const PdpBand& band, int y);
  void widen(std::span<const uint8_t> bytes);
  void prepare_float();
  Status store(int surface, const PdpBand& band, int y);

  /// Lines that one window needs at most.
  static constexpr size_t kKeptLines = 8;
  struct KeptLine {
    int y = -1;
    std::vector<int32_t> lanes;
  };

  const PdpPlan& plan_;
  const PdpOperation& operation_;
  DmaReader reader_;
  DmaWriter writer_;
  PdpCounters counters_;
  std::vector<int32_t> input_;
  std::vector<int32_t> acc_;
  std::array<KeptLine, kKeptLines> kept_;
};

Result<std::span<const uint8_t>> PdpRun::fetch(int surface, const PdpBand& band, int y) {
  if (operation_.from_sdp != nullptr) {
    const PackedCube& cube = *operation_.from_sdp;
    return std::span<const uint8_t>(cube.bytes).subspan(cube.row_offset(surface, y), cube.row_bytes());
  }
  const uint64_t atom = plan_.source.atom;
  const uint64_t address = plan_.source.row(surface, y) + atom * static_cast<uint64_t>(band.in_first);
  return reader_.fetch(address, atom * static_cast<uint64_t>(band.in_width));
}

void PdpRun::widen(std::span<const uint8_t> bytes) {
  if (plan_.precision == Precision::kInt8) {
    for (size_t i = 0; i < input_.size(); ++i) {
      input_[i] = static_cast<int8_t>(bytes[i]);
    }
    return;
  }
  for (size_t i = 0; i < input_.size(); ++i) {
    input_[i] = load_le<int16_t>(bytes.data() + 2 * i);
  }
  if (plan_.precision == Precision::kFp16) {
    prepare_float();
  }
}

void PdpRun::prepare_float() {
  const bool from_memory = operation_.from_sdp == nullptr;
  for (int32_t& lane : input_) {
    uint32_t bits = static_cast<uint16_t>(lane);
    const bool nan = Fp16::is_nan(bits);
    counters_.nan_inputs += from_memory && nan ? 1 : 0;
    counters_.inf_inputs += from_memory && Fp16::is_infinity(bits) ? 1 : 0;
    bits = plan_.flush_nan && nan ? 0 : bits;
    lane = pdp_float_lane(plan_, bits);
  }
}

Result<std::span<const int32_t>> PdpRun::line(int surface, const PdpBand& band, int y) {
  KeptLine& kept = kept_[static_cast<size_t>(y) % kKeptLines];
  if (kept.y != y) {
    MEDLAR_ASSIGN(const auto bytes, fetch(surface, band, y));
    widen(bytes);
    pdp_reduce_line(plan_, band, input_, kept.lanes);
    kept.y = y;
  }
  return std::span<const int32_t>(kept.lanes);
}

Status PdpRun::store(int surface, const PdpBand& band, int y) {
  const uint64_t atom = plan_.destination.atom;
  const uint64_t address = plan_.destination.row(surface, y) + atom * static_cast<uint64_t>(band.out_first);
  MEDLAR_ASSIGN(const auto bytes, writer_.open(address, atom * static_cast<uint64_t>(band.out_width)));
  if (plan_.precision == Precision::kInt8) {
    for (size_t i = 0; i < acc_.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(acc_[i]);
    }
  } else {
    for (size_t i = 0; i < acc_.size(); ++i) {
      store_le(bytes.data() + 2 * i, static_cast<uint16_t>(acc_[i]));
    }
  }
  if (plan_.precision == Precision::kFp16) {
    for (const int32_t lane : acc_) {
      counters_.nan_outputs += Fp16::is_nan(static_cast<uint16_t>(lane)) ? 1 : 0;
    }
  }
  return writer_.commit();
}

Status PdpRun::run_band(int surface, const PdpBand& band) {
  const auto lanes = static_cast<size_t>(plan_.lanes);
  input_.resize(static_cast<size_t>(band.in_width) * lanes);
  acc_.resize(static_cast<size_t>(band.out_width) * lanes);
  for (KeptLine& kept : kept_) {
    kept.y = -1;
    kept.lanes.resize(acc_.size());
  }
  int read_to = 0;  // Lines up to here were fetched: the input counters see every line once.
  for (int out = 0; out < plan_.out_h; ++out) {
    const int start = out * plan_.stride_y - plan_.pad_top;
    const int first = std::max(start, 0);
    const int end = std::min(start + plan_.kernel_h, plan_.in_h);
    for (; read_to < first; ++read_to) {  // Lines that the stride skips.
      MEDLAR_TRY(line(surface, band, read_to));
    }
    for (int y = first; y < end; ++y) {
      MEDLAR_ASSIGN(const auto reduced, line(surface, band, y));
      if (y == first) {
        std::copy(reduced.begin(), reduced.end(), acc_.begin());
      } else {
        pdp_fold_line(plan_, reduced, acc_);
      }
    }
    read_to = std::max(read_to, end);
    pdp_finish(plan_, plan_.kernel_h - (end - first), acc_);
    MEDLAR_TRY(store(surface, band, out));
  }
  for (; read_to < plan_.in_h; ++read_to) {
    MEDLAR_TRY(line(surface, band, read_to));
  }
  return {};
}

Status PdpRun::run() {
  for (const PdpBand& band : plan_.bands) {
    for (int surface = 0; surface < plan_.surfaces; ++surface) {
      MEDLAR_TRY(run_band(surface, band));
    }
  }
  return {};
}

}  // namespace

Result<PdpCounters> run_pdp(const hw::HwConfig& config, const PdpOperation& operation, MemoryPort& memory) {
  MEDLAR_ASSIGN(const PdpPlan plan, plan_pdp(config, operation));
  PdpRun run(plan, operation, memory);
  MEDLAR_TRY(run.run());
  return run.counters();
}

}  // namespace medlar::chip
