// SPDX-License-Identifier: Apache-2.0
// The cycle model against NVIDIA's RTL: same register programs, same memories.
#include "program.hpp"
#include "support/test_data.hpp"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

struct Row {
  std::string trace, memory, what;
  uint64_t cycles = 0;
};

std::vector<Row> read_rows(const std::filesystem::path& path) {
  std::vector<Row> rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // headings
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    Row row;
    std::string cycles;
    std::getline(columns, row.trace, '\t');
    std::getline(columns, row.memory, '\t');
    std::getline(columns, row.what, '\t');
    std::getline(columns, cycles, '\t');
    if (cycles != "-") {
      row.cycles = std::stoull(cycles);
      rows.push_back(row);
    }
  }
  return rows;
}

/// "nvidia-axi": NVIDIA's harness, 32-cycle delay, one-beat reads on DBB; "timed-lat100-10B": latency and
/// bytes a cycle.
Machine machine_for(const std::string& memory, const hw::HwConfig& config) {
  unsigned latency = 32, bytes = 0;
  if (std::sscanf(memory.c_str(), "timed-lat%u-%uB", &latency, &bytes) == 2) {
    const double total = bytes == 64 ? 128 : bytes;  // 64: no limit beyond a beat a cycle, each way
    const MemoryModel both{total, static_cast<double>(bytes), static_cast<double>(latency)};
    return machine_of(config, both, both);
  }
  return machine_of(config, {96, 32, 32}, {128, 64, 32});
}

/// Name of the folder that holds the program of a row.
std::string program_name(const std::string& trace) {
  return trace == "cc_alexnet_conv5_synthW" ? "cc_alexnet_conv5_relu5_int16_dtest_cvsram" : trace;
}

/// Cycles of all operations of a program: one, or two in the two register groups.
uint64_t predict(const std::vector<Snapshot>& operations, const Row& row, const hw::HwConfig& config) {
  if (operations.empty()) {
    return 0;
  }
  const Machine machine = machine_for(row.memory, config);
  const OpTime first = time_of(operations.front(), config, machine);
  if (!row.trace.starts_with("pp_")) {
    return first.cycles;
  }
  const bool room_for_data = row.trace.ends_with("_d8");  // 8 data banks; the other run has 2
  return ping_pong_cycles(first, time_of(operations.at(1), config, machine), room_for_data);
}

// The constants of the model were read off these very runs: the bounds say how well it fits, not how it
// generalises.
TEST(Rtl, CyclesOfEveryMeasuredRun) {
  MEDLAR_REFERENCE_DATA(table, "nvdla/rtl_cycles.tsv");
  MEDLAR_REFERENCE_DATA(measured, "nvdla/rtl_traces.tar.xz");
  MEDLAR_REFERENCE_DATA(official, "nvdla/nvdla_hw_traces_v1.tar.xz");
  auto programs = test::read_programs(measured);
  programs.merge(test::read_programs(official));
  const hw::HwConfig& config = **hw::find_config("nv_full");
  double sum = 0;
  const auto rows = read_rows(table);
  ASSERT_EQ(rows.size(), 45u);
  for (const Row& row : rows) {
    const auto program = programs.find(program_name(row.trace));
    ASSERT_NE(program, programs.end()) << row.trace;
    const uint64_t predicted = predict(test::snapshots_of(program->second, config.register_map), row, config);
    const double error = static_cast<double>(predicted) / static_cast<double>(row.cycles) - 1;
    // Short runs (under 1000 cycles: single copies, a pooling of one position) are all latency.
    EXPECT_LT(std::abs(error), row.cycles < 1000 ? 0.09 : 0.027)
        << row.trace << ' ' << row.memory << ": RTL " << row.cycles << ", model " << predicted;
    sum += std::abs(error);
    RecordProperty(row.trace + "_" + row.memory,
                   fmt::format("rtl {} model {} error {:+.1f} %", row.cycles, predicted, 100 * error));
  }
  EXPECT_LT(sum / static_cast<double>(rows.size()), 0.0105);
}

}  // namespace
}  // namespace medlar::timing
