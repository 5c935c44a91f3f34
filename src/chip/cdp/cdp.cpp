// SPDX-License-Identifier: Apache-2.0
// CDP: checks its registers, walks the lines of the cube, hands all channels of a position to CdpChannels.
#include "chip/cdp/cdp.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "chip/cdp/channels.hpp"
#include "chip/memory/dma.hpp"
#include "num/float_format.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;
using num::Fp16;

struct CdpPlan {
  int w = 0;
  int h = 0;
  int c = 0;
  int lanes = 0;
  int surfaces = 0;
  Precision precision = Precision::kInt8;
  FeatureCube source;
  FeatureCube destination;
};

Result<CdpPlan> plan_cdp(const hw::HwConfig& config, const CdpOperation& operation) {
  const hw::CdpGroup& r = operation.cdp;
  const hw::CdpRdmaGroup& rdma = operation.rdma;
  CdpPlan plan;
  if (r.input_data_type > static_cast<uint32_t>(Precision::kFp16) ||
      !config.supports(static_cast<Precision>(r.input_data_type))) {
    return fail(Code::kFault, "CDP.D_DATA_FORMAT: {} does not normalise precision {}", config.name, r.input_data_type);
  }
  if (rdma.input_data != r.input_data_type) {
    return fail(Code::kFault, "CDP_RDMA.D_DATA_FORMAT: precision {} but CDP has {}", rdma.input_data, r.input_data_type);
  }
  if (rdma.src_compression_en != 0 || r.dst_compression_en != 0) {
    return fail(Code::kFault, "CDP.D_DST_COMPRESSION_EN: no configuration compresses features, have {} and {}",
                rdma.src_compression_en, r.dst_compression_en);
  }
  plan.precision = static_cast<Precision>(r.input_data_type);
  plan.w = static_cast<int>(rdma.width) + 1;
  plan.h = static_cast<int>(rdma.height) + 1;
  plan.c = static_cast<int>(rdma.channel) + 1;
  plan.lanes = static_cast<int>(config.channels_per_atom(plan.precision));
  plan.surfaces = ceil_div(plan.c, plan.lanes);
  plan.source = {ram_of(rdma.src_ram_type), rdma.src_base_addr(), rdma.src_line_stride, rdma.src_surface_stride,
                 config.memory_atom};
  plan.destination = {ram_of(r.dst_ram_type), r.dst_base_addr(), r.dst_line_stride, r.dst_surface_stride, config.memory_atom};
  MEDLAR_TRY(check_cube_size("CDP", plan.w, plan.h, plan.surfaces, config.memory_atom));
  return plan;
}

class CdpRun {
 public:
  CdpRun(const CdpPlan& plan, const CdpOperation& operation, MemoryPort& memory)
      : plan_(plan),
        reader_(memory, plan.source.ram),
        writer_(memory, plan.destination.ram),
        channels_(operation, plan.precision, plan.c),
        row_bytes_(static_cast<size_t>(plan.w) * plan.source.atom) {}

  Status run();
  const CdpCounters& counters() const { return counters_; }

 private:
  Status load_line(int y);
  Status store_line(int y);
  void run_position(int x);
  void count_inputs();

  const CdpPlan& plan_;
  DmaReader reader_;
  DmaWriter writer_;
  CdpChannels channels_;
  CdpCounters counters_;
  size_t row_bytes_;
  std::vector<uint8_t> line_;  ///< All surfaces of a line, [surface][x][atom]; results replace inputs.
  std::vector<int32_t> in_;
  std::vector<int32_t> out_;
};

Status CdpRun::load_line(int y) {
  for (int surface = 0; surface < plan_.surfaces; ++surface) {
    MEDLAR_ASSIGN(const auto bytes, reader_.fetch(plan_.source.row(surface, y), row_bytes_));
    std::copy(bytes.begin(), bytes.end(), line_.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(surface) * row_bytes_));
  }
  if (plan_.precision == Precision::kFp16) {
    count_inputs();
  }
  return {};
}

void CdpRun::count_inputs() {
  for (size_t i = 0; i + 1 < line_.size(); i += 2) {
    const auto bits = load_le<uint16_t>(line_.data() + i);
    counters_.nan_inputs += Fp16::is_nan(bits) ? 1 : 0;
    counters_.inf_inputs += Fp16::is_infinity(bits) ? 1 : 0;
  }
}

Status CdpRun::store_line(int y) {
  for (int surface = 0; surface < plan_.surfaces; ++surface) {
    MEDLAR_ASSIGN(const auto bytes, writer_.open(plan_.destination.row(surface, y), row_bytes_));
    std::copy_n(line_.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(surface) * row_bytes_), row_bytes_, bytes.begin());
    MEDLAR_TRY(writer_.commit());
  }
  return {};
}

void CdpRun::run_position(int x) {
  const auto lanes = static_cast<size_t>(plan_.lanes);
  const bool int8 = plan_.precision == Precision::kInt8;
  const size_t first = static_cast<size_t>(x) * plan_.source.atom;
  for (size_t s = 0; s < static_cast<size_t>(plan_.surfaces); ++s) {
    const uint8_t* from = line_.data() + s * row_bytes_ + first;
    for (size_t i = 0; i < lanes; ++i) {
      in_[s * lanes + i] = int8 ? static_cast<int8_t>(from[i]) : load_le<int16_t>(from + 2 * i);
    }
  }
  channels_.run(in_, out_, counters_);
  for (size_t s = 0; s < static_cast<size_t>(plan_.surfaces); ++s) {
    uint8_t* to = line_.data() + s * row_bytes_ + first;
    for (size_t i = 0; i < lanes; ++i) {
      const int32_t value = out_[s * lanes + i];
      if (int8) {
        to[i] = static_cast<uint8_t>(value);
      } else {
        store_le(to + 2 * i, static_cast<uint16_t>(value));
      }
    }
  }
}

Status CdpRun::run() {
  const size_t lanes = static_cast<size_t>(plan_.surfaces) * static_cast<size_t>(plan_.lanes);
  line_.resize(static_cast<size_t>(plan_.surfaces) * row_bytes_);
  in_.resize(lanes);
  out_.resize(lanes);
  for (int y = 0; y < plan_.h; ++y) {
    MEDLAR_TRY(load_line(y));
    for (int x = 0; x < plan_.w; ++x) {
      run_position(x);
    }
    MEDLAR_TRY(store_line(y));
  }
  return {};
}

}  // namespace

Result<CdpCounters> run_cdp(const hw::HwConfig& config, const CdpOperation& operation, MemoryPort& memory) {
  MEDLAR_ASSIGN(const CdpPlan plan, plan_cdp(config, operation));
  CdpRun run(plan, operation, memory);
  MEDLAR_TRY(run.run());
  return run.counters();
}

}  // namespace medlar::chip
