// SPDX-License-Identifier: Apache-2.0
// Speed of the units behind the convolution, whole operations through the registers' decoders and flat memory, in
// elements a second. One thread.
#include <random>

#include <benchmark/benchmark.h>

#include "base/parallel.hpp"
#include "chip/cdp/cdp.hpp"
#include "chip/chip_target.hpp"
#include "chip/pdp/pdp.hpp"
#include "chip/play/flat_memory.hpp"
#include "chip/sdp/sdp.hpp"
#include "hw/config.hpp"

namespace medlar::chip {
namespace {

struct Cube {
  uint32_t w, h, c;
  uint64_t elements() const { return uint64_t{w} * h * c; }
};

constexpr uint32_t kSource = 0x80000000;
constexpr uint32_t kOperands = 0x90000000;
constexpr uint32_t kResult = 0xa0000000;

void fill(FlatMemory& memory, uint64_t address, uint64_t bytes, hw::Precision precision) {
  std::mt19937 random(1);
  std::vector<uint8_t> values(bytes);
  for (size_t i = 0; i < values.size(); ++i) {
    // FP16: exponents of ordinary activations.
    values[i] = precision == hw::Precision::kFp16 && i % 2 == 1 ? static_cast<uint8_t>(0x34 + random() % 12)
                                                                : static_cast<uint8_t>(random());
  }
  (void)memory.write(Ram::kDram, address, values);
}

SdpOperation sdp_operation(const Cube& cube, hw::Precision precision, bool per_element) {
  const auto code = static_cast<uint32_t>(precision);
  const uint32_t line = cube.w * 32;
  const uint32_t operand_bytes = precision == hw::Precision::kInt8 ? 1 : 2;
  SdpOperation op;
  hw::SdpGroup& s = op.sdp;
  s.width = cube.w - 1;
  s.height = cube.h - 1;
  s.channel = cube.c - 1;
  s.proc_precision = s.out_precision = code;
  s.dst_ram_type = 1;
  s.dst_base_addr_low = kResult;
  s.dst_line_stride = line;
  s.dst_surface_stride = line * cube.h;
  s.bs_bypass = 0;
  s.bs_alu_bypass = 0;
  s.bs_alu_algo = hw::value::kAluSum;
  s.bs_alu_src = 1;
  s.bs_mul_bypass = 0;
  s.bs_mul_operand = 0x3c00;
  s.bs_mul_shift_value = 14;
  s.bs_relu_bypass = 0;
  s.bn_bypass = s.ew_bypass = 1;
  s.cvt_scale = 3;
  s.cvt_shift = 2;
  hw::SdpRdmaGroup r;
  r.width = s.width;
  r.height = s.height;
  r.channel = s.channel;
  r.in_precision = r.proc_precision = r.out_precision = code;
  r.src_ram_type = 1;
  r.src_base_addr_low = kSource;
  r.src_line_stride = line;
  r.src_surface_stride = line * cube.h;
  r.brdma_disable = 0;
  r.brdma_data_use = 1;
  r.brdma_data_size = operand_bytes - 1;
  r.brdma_data_mode = per_element ? 1 : 0;
  r.brdma_ram_type = 1;
  r.bs_base_addr_low = kOperands;
  r.bs_line_stride = line;
  r.bs_surface_stride = line * cube.h;
  r.nrdma_disable = r.erdma_disable = 1;
  op.rdma = r;
  return op;
}

void run_sdp_bench(benchmark::State& state, hw::Precision precision, bool per_element, bool lut) {
  const hw::HwConfig& config = *hw::find_config("nv_full").value();
  const Cube cube{56, 56, 256};
  const uint64_t bytes = cube.elements() * (precision == hw::Precision::kInt8 ? 1 : 2);
  FlatMemory memory;
  fill(memory, kSource, bytes, precision);
  fill(memory, kOperands, bytes, precision);
  SdpOperation op = sdp_operation(cube, precision, per_element);
  num::LutTables tables;
  op.tables = &tables;
  op.target = &(*find_chip_target())->sdp;
  if (lut) {
    op.sdp.ew_bypass = 0;
    op.sdp.ew_alu_bypass = op.sdp.ew_mul_bypass = 1;
    op.sdp.ew_lut_bypass = 0;
    op.lut.le = {.start = -64, .end = 64, .index_select = 1, .underflow = {}, .overflow = {}};
    op.lut.lo = {.start = -128, .end = 128, .index_select = 0, .underflow = {}, .overflow = {}};
  }
  for (auto _ : state) {
    const auto done = run_sdp(config, op, memory, nullptr);
    if (!done) {
      state.SkipWithError(done.error().message.c_str());
      break;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(cube.elements()) * state.iterations());
}

void run_pdp_bench(benchmark::State& state, hw::Precision precision, uint32_t method) {
  const hw::HwConfig& config = *hw::find_config("nv_full").value();
  const Cube cube{113, 113, 64};
  const auto code = static_cast<uint32_t>(precision);
  FlatMemory memory;
  fill(memory, kSource, cube.elements() * 2, precision);
  PdpOperation op;
  hw::PdpGroup& p = op.pdp;
  p.cube_in_width = p.cube_in_height = cube.w - 1;
  p.cube_in_channel = p.cube_out_channel = cube.c - 1;
  p.cube_out_width = p.cube_out_height = 55;
  p.kernel_width = p.kernel_height = 2;
  p.kernel_stride_width = p.kernel_stride_height = 1;
  p.recip_kernel_width = p.recip_kernel_height = precision == hw::Precision::kFp16 ? 0x7555 : 0x5555;
  p.pooling_method = method;
  p.flying_mode = 1;
  p.input_data = code;
  p.dst_ram_type = 1;
  p.dst_base_addr_low = kResult;
  p.dst_line_stride = 56 * 32;
  p.dst_surface_stride = 56 * 56 * 32;
  hw::PdpRdmaGroup r;
  r.cube_in_width = p.cube_in_width;
  r.cube_in_height = p.cube_in_height;
  r.cube_in_channel = p.cube_in_channel;
  r.input_data = code;
  r.src_ram_type = 1;
  r.src_base_addr_low = kSource;
  r.src_line_stride = cube.w * 32;
  r.src_surface_stride = cube.w * cube.h * 32;
  op.rdma = r;
  for (auto _ : state) {
    const auto done = run_pdp(config, op, memory);
    if (!done) {
      state.SkipWithError(done.error().message.c_str());
      break;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(cube.elements()) * state.iterations());
}

void run_cdp_bench(benchmark::State& state, hw::Precision precision) {
  const hw::HwConfig& config = *hw::find_config("nv_full").value();
  const Cube cube{28, 28, 192};
  const auto code = static_cast<uint32_t>(precision);
  FlatMemory memory;
  fill(memory, kSource, cube.elements() * 2, precision);
  num::LutTables tables;
  CdpOperation op;
  op.tables = &tables;
  op.lut.le_exponential = true;
  op.lut.lo = {.start = 0, .end = 1 << 16, .index_select = 8, .underflow = {}, .overflow = {}};
  op.cdp.input_data_type = code;
  op.cdp.normalz_len = 1;
  op.cdp.datin_scale = op.cdp.datout_scale = 1;
  op.cdp.datout_shifter = 15;
  op.cdp.dst_ram_type = 1;
  op.cdp.dst_base_addr_low = kResult;
  op.cdp.dst_line_stride = op.rdma.src_line_stride = cube.w * 32;
  op.cdp.dst_surface_stride = op.rdma.src_surface_stride = cube.w * cube.h * 32;
  op.rdma.width = op.rdma.height = cube.w - 1;
  op.rdma.channel = cube.c - 1;
  op.rdma.input_data = code;
  op.rdma.src_ram_type = 1;
  op.rdma.src_base_addr_low = kSource;
  for (auto _ : state) {
    const auto done = run_cdp(config, op, memory);
    if (!done) {
      state.SkipWithError(done.error().message.c_str());
      break;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(cube.elements()) * state.iterations());
}

void register_all() {
  for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kInt16, hw::Precision::kFp16}) {
    const std::string name(hw::precision_name(precision));
    const auto add = [&](const std::string& what, auto run) {
      benchmark::RegisterBenchmark((what + "/" + name).c_str(), run)->Unit(benchmark::kMillisecond);
    };
    add("sdp_bias_scale_relu_per_channel", [=](benchmark::State& s) { run_sdp_bench(s, precision, false, false); });
    add("sdp_bias_scale_relu_per_element", [=](benchmark::State& s) { run_sdp_bench(s, precision, true, false); });
    add("sdp_lut", [=](benchmark::State& s) { run_sdp_bench(s, precision, false, true); });
    add("pdp_max_3x3s2", [=](benchmark::State& s) { run_pdp_bench(s, precision, hw::value::kPoolingMethodMax); });
    add("pdp_average_3x3s2", [=](benchmark::State& s) { run_pdp_bench(s, precision, hw::value::kPoolingMethodAverage); });
    add("cdp_lrn5", [=](benchmark::State& s) { run_cdp_bench(s, precision); });
  }
}

}  // namespace
}  // namespace medlar::chip

int main(int argc, char** argv) {
  medlar::set_parallel_threads(1);
  medlar::chip::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
