// SPDX-License-Identifier: Apache-2.0
#include "profile/reference_tables.hpp"

#include <array>

#include "timing/inference.hpp"
#include "timing/networks.hpp"

namespace medlar::profile {
namespace {

using hw::Precision;
using timing::InferenceCost;
using timing::LayerShape;
using timing::Network;

const hw::DeviceProfile& device(std::string_view name) { return **hw::find_device(name); }

/// A row of the primer: 1 GHz, 16 nm, INT8 ResNet-50, no SRAM.
struct PrimerRow {
  uint32_t macs, atomic_k, cbuf_kib;
  const char* base;
  double gigabytes, fps, milliwatts;
};
constexpr std::array kPrimer = {
    PrimerRow{2048, 32, 512, "nvdla-nv_full", 20, 269, 291},       PrimerRow{1024, 32, 256, "nvdla-nv_medium_1024_full", 15, 153, 143},
    PrimerRow{512, 16, 256, "nvdla-nv_medium_512", 10, 93, 80},    PrimerRow{256, 8, 256, "nvdla-nv_small_256", 5, 46, 48},
    PrimerRow{128, 4, 256, "nvdla-nv_small_256", 2, 20, 31},       PrimerRow{64, 8, 128, "nvdla-nv_small", 1, 7.3, 21},
    PrimerRow{32, 4, 128, "nvdla-nv_small", 0.5, 3.6, 17},
};

/// A core that no configuration names: size, CBUF and memory of the primer's row, everything else of its base.
struct PrimerCore {
  hw::HwConfig config;
  hw::PowerMode mode;
  hw::DeviceProfile profile;

  explicit PrimerCore(const PrimerRow& row) {
    profile = device(row.base);
    config = *profile.config;
    config.atomic_k = row.atomic_k;
    config.cbuf_bank_entries = row.cbuf_kib * 1024 / (config.cbuf_banks * config.cbuf_entry_bytes);
    mode = profile.mode();
    mode.dram_bytes_per_second = static_cast<uint64_t>(row.gigabytes * 1e9);
    profile.config = &config;
    profile.macs_int8 = row.macs;
    profile.dla_energy = energy(row);
  }
  PrimerCore(const PrimerCore&) = delete;
  PrimerCore& operator=(const PrimerCore&) = delete;

 private:
  /// The fit behind the open profiles is linear: two of them give its coefficients.
  static hw::EnergyCosts energy(const PrimerRow& row) {
    const hw::EnergyCosts& large = device("nvdla-nv_full").dla_energy;
    const hw::EnergyCosts& small = device("nvdla-nv_small").dla_energy;
    const double slope = (large.static_watts - small.static_watts) / (512 - 128);
    hw::EnergyCosts costs = large;
    costs.static_watts = small.static_watts + slope * (row.cbuf_kib - 128.0);
    costs.clock_watts_per_ghz = large.clock_watts_per_ghz * row.macs / 2048;
    return costs;
  }
};

struct PrimerRun {
  double seconds = 0, joules = 0;
};

PrimerRun run_primer(const PrimerRow& row, timing::CbufUse use) {
  const PrimerCore core(row);
  const timing::Machine machine = timing::machine_of(core.profile, core.mode);
  PrimerRun run;
  for (const LayerShape& layer : timing::network_layers(Network::kResNet50, Precision::kInt8)) {
    const timing::OpTime time = timing::estimate(layer, core.config, machine, use);
    run.seconds += time.seconds(machine);
    run.joules += timing::op_energy(time, core.profile, core.mode, Precision::kInt8).total();
  }
  return run;
}

std::string primer_name(const PrimerRow& row) {
  return std::to_string(row.macs) + " MACs, " + std::to_string(row.cbuf_kib) + " KiB CBUF";
}

/// In the order of the benchmark table's columns.
constexpr std::array kAgxModes = {"MAXN", "50W", "30W", "15W"};

struct UtilisationRow {
  Network network;
  uint32_t batch;
  double gigaops;                  ///< An image.
  std::array<double, 4> reference;  ///< MAXN, 50W, 30W, 15W.
};
constexpr std::array kUtilisations = {
    UtilisationRow{Network::kResNet50, 2, 8.2, {0.32, 0.35, 0.35, 0.44}},
    UtilisationRow{Network::kSsdResNet34, 1, 433, {0.69, 0.72, 0.71, 0.77}},
    UtilisationRow{Network::kSsdMobileNetV1, 2, 2.47, {0.13, 0.13, 0.14, 0.16}},
};

/// A row of the described device (section 14 of the description).
struct SeedRow {
  Network network;
  Precision precision;
  bool dla;
  double low, high, watts;
};
constexpr std::array kSeed = {
    SeedRow{Network::kResNet50, Precision::kInt8, true, 5, 8, 1.5},
    SeedRow{Network::kResNet50, Precision::kInt8, false, 3, 5, 5},
    SeedRow{Network::kResNet50, Precision::kFp16, true, 8, 12, 2},
    SeedRow{Network::kMobileNetV2, Precision::kInt8, true, 2, 4, 1},
    SeedRow{Network::kMobileNetV2, Precision::kInt8, false, 1, 3, 3},
    SeedRow{Network::kYoloV5s, Precision::kFp16, true, 15, 25, 2.5},
    SeedRow{Network::kYoloV5s, Precision::kFp16, false, 8, 12, 6},
};
constexpr const char* kSeedDevice = "orin-nano-8gb";

InferenceCost seed_cost(Network network, Precision precision, bool dla) {
  const hw::DeviceProfile& d = device(kSeedDevice);
  const auto layers = timing::network_layers(network, precision);
  return dla ? timing::dla_inference(d, d.mode(), layers)
             : timing::host_inference(d, d.mode(), timing::HostEngine::kGpu, layers);
}

std::string seed_setting(Precision precision, bool dla) {
  return std::string(precision == Precision::kInt8 ? "INT8 " : "FP16 ") + (dla ? "DLA" : "GPU");
}

/// Frames a second of both engines on one network, as a multiple of the GPU alone: DRAM shared, batch 1, pipelined.
double both_over_gpu(Network network, Precision precision) {
  const hw::DeviceProfile& d = device(kSeedDevice);
  const InferenceCost dla = seed_cost(network, precision, true), gpu = seed_cost(network, precision, false);
  const std::array demands = {timing::DramDemand{dla.dram_bytes / dla.seconds, 1},
                              timing::DramDemand{gpu.dram_bytes / gpu.seconds, 1}};
  const double dram = static_cast<double>(d.mode().dram_bytes_per_second) * d.gpu.dram_share;
  const auto factors = timing::contention_factors(demands, dram);
  return (1 / (dla.seconds * factors[0]) + 1 / (gpu.seconds * factors[1])) * gpu.seconds;
}

}  // namespace

AccuracyTable primer_speed_table() {
  AccuracyTable table{.id = "primer-speed",
                      .title = "ResNet-50 on the cores of NVIDIA's primer",
                      .unit = "frames a second",
                      .source = "NVDLA primer, INT8, 1 GHz, no SRAM",
                      .note = "The primer's tool keeps half of CBUF for the operation before or after, so data and weights come in "
                              "bands of a quarter of CBUF and are read again; modelled the same way here. With all of CBUF for one "
                              "operation, as this project's compiler cuts layers, the small cores are faster (see the next table).",
                      .digits = 1};
  for (const PrimerRow& row : kPrimer) {
    table.rows.push_back({primer_name(row), "double-buffered", row.fps,
                          1 / run_primer(row, timing::CbufUse::kDoubleBuffered).seconds});
  }
  return table;
}

namespace {

AccuracyTable primer_tiling_table() {
  AccuracyTable table{.id = "primer-tiling",
                      .title = "The same cores with all of CBUF for one operation",
                      .unit = "frames a second",
                      .source = "NVDLA primer",
                      .note = "Not an error of the model but the gain of a different cut: nv_small (64 MACs, 128 KiB) reads 62 MB a "
                              "frame instead of 124 MB at 1 GB/s.",
                      .digits = 1};
  for (const PrimerRow& row : kPrimer) {
    table.rows.push_back({primer_name(row), "whole CBUF", row.fps, 1 / run_primer(row, timing::CbufUse::kWhole).seconds});
  }
  return table;
}

}  // namespace

AccuracyTable primer_power_table() {
  AccuracyTable table{.id = "primer-power",
                      .title = "Average power of the same cores",
                      .unit = "milliwatts",
                      .source = "NVDLA primer, 16 nm, ResNet-50, without DRAM",
                      .note = "Five coefficients over seven points, three of them fitted: see spec/devices.toml.",
                      .digits = 0};
  for (const PrimerRow& row : kPrimer) {
    const PrimerRun run = run_primer(row, timing::CbufUse::kDoubleBuffered);
    table.rows.push_back({primer_name(row), "average", row.milliwatts, 1e3 * run.joules / run.seconds});
  }
  return table;
}

AccuracyTable utilisation_table() {
  AccuracyTable table{.id = "utilisation",
                      .title = "Multiply-accumulate utilisation of the DLAs of AGX Orin",
                      .unit = "% of the dense INT8 peak of both cores",
                      .source = "derived from NVIDIA's DLA benchmark table (JetPack 5.1.1, dense)",
                      .note = "One parameter, the share of the DRAM bandwidth that both cores reach, is fitted to the four rows of ResNet-50; the other eight follow.",
                      .digits = 1};
  const hw::DeviceProfile& agx = device("agx-orin-64gb");
  for (const UtilisationRow& row : kUtilisations) {
    const auto layers = timing::network_layers(row.network, Precision::kInt8, row.batch);
    for (size_t i = 0; i < kAgxModes.size(); ++i) {
      const hw::PowerMode& mode = **agx.find_mode(kAgxModes[i]);
      const double seconds = timing::dla_inference(agx, mode, layers, 2).busy_seconds;
      const double ops = row.gigaops * 1e9 * row.batch / seconds;
      table.rows.push_back({std::string(timing::network_name(row.network)), kAgxModes[i], 100 * row.reference[i],
                            100 * ops / agx.peak_ops(mode, Precision::kInt8)});
    }
  }
  return table;
}

namespace {

/// Performance per watt, DLA over GPU, of the same benchmark table.
struct EfficiencyRow {
  Network network;
  uint32_t batch;
  std::array<double, 4> reference;  ///< MAXN, 50W, 30W, 15W.
};
constexpr std::array kEfficiencies = {
    EfficiencyRow{Network::kResNet50, 2, {3.5, 2.9, 2.6, 3.9}},
    EfficiencyRow{Network::kSsdResNet34, 1, {3.7, 3.0, 2.7, 4.1}},
    EfficiencyRow{Network::kSsdMobileNetV1, 2, {4.2, 3.6, 3.2, 5.0}},
};

AccuracyTable efficiency_table() {
  AccuracyTable table{.id = "dla-over-gpu",
                      .title = "Frames a joule of AGX Orin, DLA over GPU",
                      .unit = "ratio",
                      .source = "NVIDIA's DLA benchmark table (JetPack 5.1.1, dense): ratios only, watts are not published",
                      .note = "Nothing is fitted to these ratios: the DLA's energy costs follow from the described device (1.5 W at "
                              "ResNet-50). The direction is right, and the ratio grows as the clock falls; the DLA of the real runs is "
                              "better still, since it keeps intermediate tensors in its SRAM, which the model moves through DRAM.",
                      .digits = 2};
  const hw::DeviceProfile& agx = device("agx-orin-64gb");
  for (const EfficiencyRow& row : kEfficiencies) {
    const auto layers = timing::network_layers(row.network, Precision::kInt8, row.batch);
    for (size_t i = 0; i < kAgxModes.size(); ++i) {
      const hw::PowerMode& mode = **agx.find_mode(kAgxModes[i]);
      const double dla = timing::dla_inference(agx, mode, layers, 2).energy.total();
      const double gpu = timing::host_inference(agx, mode, timing::HostEngine::kGpu, layers).energy.total();
      table.rows.push_back({std::string(timing::network_name(row.network)), kAgxModes[i], row.reference[i], gpu / dla});
    }
  }
  return table;
}

}  // namespace

AccuracyTable seed_latency_table() {
  AccuracyTable table{.id = "seed-latency",
                      .title = "The described device: latency",
                      .unit = "milliseconds",
                      .source = "table of the description of orin-nano-8gb, batch 1",
                      .note = "The real module has no DLA. Topologies by shape; software of one task included.",
                      .digits = 2};
  for (const SeedRow& row : kSeed) {
    table.rows.push_back({std::string(timing::network_name(row.network)), seed_setting(row.precision, row.dla), 0,
                          1e3 * seed_cost(row.network, row.precision, row.dla).seconds, row.low, row.high});
  }
  return table;
}

AccuracyTable seed_power_table() {
  AccuracyTable table{.id = "seed-power",
                      .title = "The described device: power",
                      .unit = "watts",
                      .source = "the same table",
                      .note = "Energy of the engine and its DRAM traffic over the latency.",
                      .digits = 2};
  for (const SeedRow& row : kSeed) {
    table.rows.push_back({std::string(timing::network_name(row.network)), seed_setting(row.precision, row.dla), row.watts,
                          seed_cost(row.network, row.precision, row.dla).watts()});
  }
  return table;
}

AccuracyTable seed_claims_table() {
  AccuracyTable table{.id = "seed-claims",
                      .title = "The described device: what follows",
                      .unit = "ratio",
                      .source = "sections 10 and 14 of the description",
                      .note = "INT8 about twice FP16; frames a joule of the DLA above the GPU's; both engines 1.3 to 1.8 times the GPU.",
                      .digits = 2};
  const auto frames_per_joule = [](Network n, Precision p, bool dla) { return 1 / seed_cost(n, p, dla).energy.total(); };
  const auto seconds = [](Network n, Precision p) { return seed_cost(n, p, true).seconds; };
  constexpr double kTwiceLow = 1.5, kTwiceHigh = 2.5, kAny = 100;
  table.rows.push_back({"ResNet-50", "INT8 over FP16, DLA", 0,
                        seconds(Network::kResNet50, Precision::kFp16) / seconds(Network::kResNet50, Precision::kInt8), kTwiceLow,
                        kTwiceHigh});
  struct Case {
    Network network;
    Precision precision;
  };
  for (const Case& c : {Case{Network::kResNet50, Precision::kInt8}, Case{Network::kMobileNetV2, Precision::kInt8},
                        Case{Network::kYoloV5s, Precision::kFp16}}) {
    const std::string name(timing::network_name(c.network));
    table.rows.push_back({name, "frames/J, DLA/GPU", 0,
                          frames_per_joule(c.network, c.precision, true) / frames_per_joule(c.network, c.precision, false), 1, kAny});
    table.rows.push_back({name, "DLA + GPU over GPU", 0, both_over_gpu(c.network, c.precision), 1.3, 1.8});
  }
  return table;
}

Result<std::vector<AccuracyTable>> all_tables(const std::filesystem::path& data) {
  MEDLAR_ASSIGN(AccuracyTable rtl, rtl_table(data));
  return std::vector<AccuracyTable>{std::move(rtl),         primer_speed_table(),  primer_tiling_table(), primer_power_table(),
                                    utilisation_table(),    efficiency_table(),   seed_latency_table(), seed_power_table(),   seed_claims_table()};
}

}  // namespace medlar::profile
