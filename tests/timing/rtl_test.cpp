// SPDX-License-Identifier: Apache-2.0
// The cycle model against NVIDIA's RTL: same register programs, same memories.
#include "support/test_data.hpp"
#include "timing/memory_system.hpp"
#include "timing/program.hpp"
#include "trace_archive.hpp"

#include <algorithm>
#include <cmath>
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

/// Name of the folder that holds the program of a row.
std::string program_name(const std::string& trace) {
  return trace == "cc_alexnet_conv5_synthW" ? "cc_alexnet_conv5_relu5_int16_dtest_cvsram" : trace;
}

// Bounds of the whole table: median 5 %, worst 15 %; these are what the model reaches today.
TEST(Rtl, CyclesOfEveryMeasuredRun) {
  MEDLAR_REFERENCE_DATA(table, "nvdla/rtl_cycles.tsv");
  MEDLAR_REFERENCE_DATA(measured, "nvdla/rtl_traces.tar.xz");
  MEDLAR_REFERENCE_DATA(official, "nvdla/nvdla_hw_traces_v1.tar.xz");
  auto programs = test::read_programs(measured);
  programs.merge(test::read_programs(official));
  const hw::HwConfig& config = **hw::find_config("nv_full");
  std::vector<double> errors;
  const auto rows = read_rows(table);
  ASSERT_EQ(rows.size(), 45u);
  for (const Row& row : rows) {
    const auto program = programs.find(program_name(row.trace));
    ASSERT_NE(program, programs.end()) << row.trace;
    const auto ops = parse_program(program->second, config);
    ASSERT_TRUE(ops) << row.trace << ": " << ops.error().message;
    const auto machine = machine_of_memory(config, row.memory);
    ASSERT_TRUE(machine) << machine.error().message;
    const uint64_t predicted = timeline_of(*ops, config, *machine).total_cycles;
    const double error = static_cast<double>(predicted) / static_cast<double>(row.cycles) - 1;
    // Short runs (under 1000 cycles: single copies, a pooling of one position) are all latency.
    EXPECT_LT(std::abs(error), row.cycles < 1000 ? 0.09 : 0.027)
        << row.trace << ' ' << row.memory << ": RTL " << row.cycles << ", model " << predicted;
    errors.push_back(std::abs(error));
    RecordProperty(row.trace + "_" + row.memory,
                   fmt::format("rtl {} model {} error {:+.1f} %", row.cycles, predicted, 100 * error));
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[errors.size() / 2], 0.005);
}

}  // namespace
}  // namespace medlar::timing
