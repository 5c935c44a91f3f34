// SPDX-License-Identifier: Apache-2.0
// Properties of the time model that do not depend on measured runs.
#include "timing/energy.hpp"
#include "timing/estimate.hpp"
#include "timing/snapshot.hpp"

#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

const hw::DeviceProfile& device(std::string_view name) {
  return **hw::find_device(name);
}

LayerShape conv(uint32_t c, uint32_t hw_size, uint32_t k, uint32_t kernel) {
  LayerShape layer;
  layer.input = {hw_size, hw_size, c};
  layer.output = {hw_size, hw_size, k};
  layer.kernel_w = layer.kernel_h = kernel;
  return layer;
}

TEST(Estimate, ConvolutionCountsMacsAndBytes) {
  const OpTime t = estimate(conv(64, 28, 64, 3), device("nv_full"));
  EXPECT_EQ(t.macs, 28u * 28 * 64 * 64 * 9);
  EXPECT_EQ(t.dram_read_bytes, 50176u + 36864u);
  EXPECT_EQ(t.dram_write_bytes, 50176u);
  EXPECT_EQ(t.sram_bytes(), 0u);
  EXPECT_EQ(t.mac_cycles, 784u * 9 * 2);
  EXPECT_GE(t.cycles, t.load_cycles + t.mac_cycles);
}

TEST(Estimate, SmallerChipsTakeLonger) {
  uint64_t last = 0;
  for (const char* name :
       {"nv_full", "nv_medium_1024_full", "nv_medium_512", "nv_small_256_full", "nv_small"}) {
    const OpTime t = estimate(conv(64, 28, 64, 3), device(name));
    EXPECT_GT(t.cycles, last) << name;
    last = t.cycles;
  }
}

TEST(Estimate, NeverBeatsThePeak) {
  for (const hw::DeviceProfile& d : hw::devices()) {
    for (const LayerShape& layer :
         {conv(64, 28, 64, 3), conv(256, 14, 1024, 1), conv(3, 112, 32, 3), conv(2048, 1, 1000, 1)}) {
      const OpTime t = estimate(layer, d);
      const double utilisation = mac_utilisation(t, d, layer.precision);
      EXPECT_GT(utilisation, 0.0) << d.name;
      EXPECT_LE(utilisation, 1.0) << d.name;
      const double seconds = static_cast<double>(t.cycles) / static_cast<double>(d.mode().dla_hz);
      EXPECT_LE(static_cast<double>(t.dram_bytes()) / seconds,
                1.001 * static_cast<double>(d.mode().dram_bytes_per_second))
          << d.name;
    }
  }
}

TEST(Estimate, BoundNamesTheLimit) {
  EXPECT_EQ(estimate(conv(64, 56, 64, 3), device("nv_full")).bound, Bound::kMac);
  EXPECT_EQ(estimate(conv(1024, 1, 1000, 1), device("nv_full")).bound,
            Bound::kMac);  // stalled by its weights
  LayerShape pool = conv(64, 28, 64, 3);
  pool.kind = LayerShape::Kind::kPool;
  EXPECT_EQ(estimate(pool, device("nv_full")).bound, Bound::kPdp);
  LayerShape add = conv(64, 28, 64, 1);
  add.kind = LayerShape::Kind::kElementwise;
  add.operands = 1;
  EXPECT_EQ(estimate(add, device("nv_full")).bound, Bound::kMemory);
  add.ew = true;
  EXPECT_EQ(estimate(add, device("nv_full")).bound, Bound::kSdp);
  EXPECT_EQ(bound_name(Bound::kSdp), "sdp");
}

TEST(Estimate, UtilisationRisesAsTheClockFalls) {  // NVIDIA's own table shows the same
  const hw::DeviceProfile& agx = device("agx-orin-64gb");
  const auto at = [&](const char* mode) {
    return mac_utilisation(estimate(conv(256, 56, 64, 1), agx, **agx.find_mode(mode)), agx,
                           hw::Precision::kInt8);
  };
  EXPECT_GT(at("15W"), at("30W"));
  EXPECT_GT(at("30W"), at("MAXN"));
}

TEST(Estimate, SramTakesTrafficOffDram) {
  LayerShape layer = conv(64, 56, 64, 1);
  const OpTime dram = estimate(layer, device("nv_full"));
  layer.input_in_sram = layer.output_in_sram = true;
  const OpTime sram = estimate(layer, device("nv_full"));
  EXPECT_EQ(sram.dram_read_bytes, 4096u);
  EXPECT_EQ(sram.dram_write_bytes, 0u);
  EXPECT_EQ(sram.dram_bytes() + sram.sram_bytes(), dram.dram_bytes());
  EXPECT_LT(sram.cycles, dram.cycles);
}

TEST(Snapshot, ReusedWeightsAndDataAreNotLoaded) {
  ConvSnapshot s;
  s.cdma.datain_width = s.cdma.datain_height = 27;
  s.cdma.datain_channel = 63;
  s.cdma.weight_bytes = 36864;
  s.csc.weight_width_ext = s.csc.weight_height_ext = 2;
  s.csc.weight_channel_ext = s.csc.weight_kernel = 63;
  s.cacc.dataout_width = s.cacc.dataout_height = 27;
  const hw::HwConfig& config = **hw::find_config("nv_full");
  EXPECT_EQ(work_of(s, config).data.bytes, 50176u);
  EXPECT_EQ(work_of(s, config).weights.bytes, 36864u);
  s.cdma.data_reuse = s.cdma.weight_reuse = 1;
  EXPECT_EQ(work_of(s, config).data.bytes + work_of(s, config).weights.bytes, 0u);
  s.csc.y_extension = 1;  // two rows a step
  EXPECT_EQ(work_of(s, config).steps, 6u);
}

TEST(Snapshot, HostileRegistersGiveATimeAndNoFault) {
  const hw::HwConfig& config = **hw::find_config("nv_small");
  const Machine machine = machine_of(device("nv_small"));
  std::vector<uint32_t> words(hw::kBlockBytes / 4, ~0u);
  const auto map = config.register_map;
  ConvSnapshot conv_all{hw::CdmaGroup::decode(words, map), hw::CscGroup::decode(words, map),
                        hw::CaccGroup::decode(words, map), hw::SdpRdmaGroup::decode(words, map),
                        hw::SdpGroup::decode(words, map),  hw::PdpGroup::decode(words, map)};
  conv_all.csc.proc_precision = 0;
  EXPECT_GT(time_of(conv_all, config, machine).cycles, 0u);
  conv_all.csc.proc_precision = 2;  // a precision that the chip lacks: no time, the operation cannot run
  EXPECT_EQ(time_of(conv_all, config, machine).cycles, 0u);
  EXPECT_GT(time_of(BdmaSnapshot{{hw::BdmaGroup::decode(words, map)}}, config, machine).cycles, 0u);
}

TEST(Energy, PartsByHand) {
  static constexpr hw::PowerMode kModes[] = {{.name = "x", .dla_hz = 1'000'000'000}};
  hw::DeviceProfile d = device("nv_full");
  d.modes = kModes;
  d.default_mode = 0;
  d.dla_energy = {.static_watts = 1,
                  .clock_watts_per_ghz = 2,
                  .pj_mac_int8 = 3,
                  .pj_mac_fp16 = 6,
                  .pj_dram_byte = 10,
                  .pj_sram_byte = 1};
  OpTime t;
  t.cycles = 1'000'000;  // a millisecond
  t.macs = 2'000'000'000;
  t.dram_read_bytes = 60'000'000;
  t.dram_write_bytes = 40'000'000;
  t.sram_read_bytes = 5'000'000;
  const Energy e = op_energy(t, d, d.mode(), hw::Precision::kInt8);
  EXPECT_DOUBLE_EQ(e.static_joules, 1e-3);
  EXPECT_DOUBLE_EQ(e.clock_joules, 2e-3);
  EXPECT_DOUBLE_EQ(e.mac_joules, 6e-3);
  EXPECT_DOUBLE_EQ(e.dram_joules, 1e-3);
  EXPECT_DOUBLE_EQ(e.sram_joules, 5e-6);
  EXPECT_DOUBLE_EQ(e.total(), 1e-3 + 2e-3 + 6e-3 + 1e-3 + 5e-6);
  EXPECT_DOUBLE_EQ(op_energy(t, d, d.mode(), hw::Precision::kFp16).mac_joules, 12e-3);
  Energy twice = e;
  twice += e;
  EXPECT_DOUBLE_EQ(twice.total(), 2 * e.total());
}

TEST(Energy, TypicalWattsStayInsideWhatIsPublished) {
  for (const hw::DeviceProfile& d : hw::devices()) {
    for (const hw::PowerMode& mode : d.modes) {
      const double watts = typical_watts(d, mode, Engine::kDla);
      if (d.dla_watts_max > 0) {
        EXPECT_GE(watts, d.dla_watts_min) << d.name << mode.name;
        EXPECT_LE(watts, d.dla_watts_max) << d.name << mode.name;
      } else {
        EXPECT_GT(watts, idle_watts(d, mode, Engine::kDla, Gate::kRunning)) << d.name << mode.name;
      }
    }
  }
}

/// CSC's stripes: 16 positions each, the last one up to 32; a package of kernels takes half a cycle a kernel
/// in INT8.
TEST(Stripes, FollowTheSequenceController) {
  const Stripes direct{.positions = 196};
  EXPECT_EQ(direct.full(), 11u);
  EXPECT_EQ(direct.last(), 20u);
  EXPECT_EQ((Stripes{.positions = 32}.full()), 0u);
  EXPECT_EQ((Stripes{.positions = 33}.full()), 1u);
  const Stripes image{.positions = 100, .lines = 5, .least = 64, .most = 64};
  EXPECT_EQ(image.full(), 1u);
  EXPECT_EQ(image.last(), 36u);
  EXPECT_EQ(image.pixels(), 500u);
}

TEST(Smmu, WalksAddToOperationsBehindOne) {
  const hw::DeviceProfile& nano = device("orin-nano-8gb");
  const Machine with = machine_of(nano);
  Machine without = with;
  without.smmu = {};
  const LayerShape layer = conv(256, 56, 64, 1);
  const OpTime slow = estimate(layer, *nano.config, with), fast = estimate(layer, *nano.config, without);
  EXPECT_GT(slow.translation_cycles, 0u);
  EXPECT_EQ(fast.translation_cycles, 0u);
  EXPECT_NEAR(static_cast<double>(slow.cycles), static_cast<double>(fast.cycles + slow.translation_cycles),
              2);
  // A leaf is 64 KiB; two reads of DRAM a walk, eight walks side by side.
  const double pages = static_cast<double>(slow.dram_bytes()) / 65536;
  EXPECT_NEAR(static_cast<double>(slow.translation_cycles),
              pages * 2 * 100e-9 * static_cast<double>(with.hz) / 8, 2);
  EXPECT_EQ(machine_of(device("nv_full")).smmu.page_bytes, 0);
}

TEST(Energy, GatesTakeTheClockThenEverything) {
  for (const hw::DeviceProfile& d : hw::devices()) {
    for (const Engine engine : {Engine::kDla, Engine::kCpu}) {
      const double running = idle_watts(d, d.mode(), engine, Gate::kRunning);
      const double gated = idle_watts(d, d.mode(), engine, Gate::kClockGated);
      EXPECT_GT(running, gated) << d.name;
      EXPECT_GT(gated, 0) << d.name;
      EXPECT_EQ(idle_watts(d, d.mode(), engine, Gate::kPowerGated), 0) << d.name;
    }
  }
}

}  // namespace
}  // namespace medlar::timing
