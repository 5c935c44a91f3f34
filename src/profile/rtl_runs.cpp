// SPDX-License-Identifier: Apache-2.0
// The RTL runs: programs and cycles, out of the archive in the program and out of a folder of reference data.
#include "base/files.hpp"
#include "hw/device.hpp"
#include "profile/reference_tables.hpp"
#include "profile/rtl_runs_data.hpp"
#include "timing/memory_system.hpp"
#include "timing/program.hpp"

#include <map>
#include <sstream>

#include <archive.h>
#include <archive_entry.h>

namespace medlar::profile {
namespace {

using Files = std::map<std::string, std::string>;

struct Closer {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

/// All files of an archive, by path.
Result<Files> read_archive(std::span<const std::byte> bytes, const std::string& name) {
  const std::unique_ptr<archive, Closer> reader(archive_read_new());
  archive_read_support_format_all(reader.get());
  archive_read_support_filter_all(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return fail(Code::kCorrupt, "{}: {}", name, archive_error_string(reader.get()));
  }
  Files files;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
    if (archive_read_data(reader.get(), text.data(), text.size()) < 0) {
      return fail(Code::kCorrupt, "{}: {}: {}", name, archive_entry_pathname(entry),
                  archive_error_string(reader.get()));
    }
    files[archive_entry_pathname(entry)] = std::move(text);
  }
  return files;
}

struct Run {
  std::string program, memory;
  double cycles = 0;
};

/// Tab-separated, headings first; the columns that hold program, memory and cycles. Rows without cycles do
/// not count.
std::vector<Run> parse_runs(const std::string& text, size_t cycles_column) {
  std::vector<Run> runs;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::vector<std::string> columns;
    for (std::string cell; std::getline(cells, cell, '\t');) {
      columns.push_back(cell);
    }
    if (columns.size() > cycles_column && columns[cycles_column] != "-") {
      runs.push_back({columns[0], columns[1], std::strtod(columns[cycles_column].c_str(), nullptr)});
    }
  }
  return runs;
}

/// The text of <anything>/<program>/input.txn.
const std::string* find_program(const Files& files, const std::string& program) {
  const std::string end = "/" + program + "/input.txn";
  for (const auto& [path, text] : files) {
    if (("/" + path).ends_with(end)) {
      return &text;
    }
  }
  return nullptr;
}

Status add_rows(AccuracyTable& table, const std::vector<Run>& runs, const Files& programs) {
  const hw::HwConfig& config = *(*hw::find_device("nvdla-nv_full"))->config;  // the core that was measured
  for (const Run& run : runs) {
    // One run played an official program with other weights: the same registers.
    const std::string name =
        run.program == "cc_alexnet_conv5_synthW" ? "cc_alexnet_conv5_relu5_int16_dtest_cvsram" : run.program;
    const std::string* program = find_program(programs, name);
    if (program == nullptr) {
      return fail(Code::kNotFound, "RTL run {}: no register program of that name", run.program);
    }
    MEDLAR_ASSIGN(const auto ops, timing::parse_program(*program, config));
    MEDLAR_ASSIGN(const timing::Machine machine, timing::machine_of_memory(config, run.memory));
    const uint64_t cycles = timing::timeline_of(ops, config, machine).total_cycles;
    table.rows.push_back({run.program, run.memory, run.cycles, static_cast<double>(cycles)});
  }
  return {};
}

Result<Files> read_archive_file(const std::filesystem::path& path) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(path));
  return read_archive(std::as_bytes(std::span(bytes)), path.string());
}

Status add_external(AccuracyTable& table, std::filesystem::path folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / "nvdla", ignored)) {
    folder /= "nvdla";
  }
  MEDLAR_ASSIGN(const std::string text, read_text_file(folder / "rtl_cycles.tsv"));
  MEDLAR_ASSIGN(Files programs, read_archive_file(folder / "rtl_traces.tar.xz"));
  MEDLAR_ASSIGN(Files official, read_archive_file(folder / "nvdla_hw_traces_v1.tar.xz"));
  programs.merge(official);
  constexpr size_t kCyclesColumn = 3;
  return add_rows(table, parse_runs(text, kCyclesColumn), programs);
}

}  // namespace

Result<AccuracyTable> rtl_table(const std::filesystem::path& data) {
  AccuracyTable table{
      .id = "rtl",
      .title = "Cycles of one operation, or of two in the two register groups",
      .unit = "cycles",
      .source = "NVIDIA's RTL of nv_full (nvdlav1) under Verilator, from the last enable to the done pulse",
      .note =
          "The rows without a unit's name in front (b_16k to x_s_14_64_ew) are those that the rules were "
          "first read "
          "off. The others are random settings: all precisions, strides, dilations, pads, batches, image "
          "formats, "
          "Winograd, compressed weights, reused buffers, two groups, every mode of SDP, PDP, CDP, RUBIK and "
          "BDMA. The "
          "first 46 of them, predicted by the rules of before, had a median error of 4.5 % and a worst of 50 "
          "%; the "
          "rules of CSC's stripes and kernel loading, of Winograd and of the pixel reader came from them. "
          "The next "
          "240, predicted by those rules, had a median of 1.2 % and, leaving out the memory of 10 bytes, "
          "five rows "
          "beyond 15 % (single positions a line at a latency of 400, two pooling or normalisation groups, "
          "three "
          "operand streams), which led to the last rules. The last 81 runs outside the memory of 10 bytes "
          "were measured "
          "when the rules were fixed: median 0.9 %, worst 9.0 %. The arithmetic of the array and of the SDP, "
          "PDP and "
          "CDP pipelines was replaced by pipelines of the same depth; "
          "on the programs measured both ways the two differ by at most 6 cycles, on two official traces by "
          "14 and "
          "21. Runs on the 10-byte memory that use both memory ports are left out: the measuring harness "
          "gives both "
          "one bucket. Behind pooling, cycles of the earlier rows end with SDP, 40 to 50 before PDP. Not "
          "among the "
          "runs, and so unchecked: SMMU misses.",
      .digits = 0};
  MEDLAR_ASSIGN(const Files files, read_archive(rtl_runs_archive(), "the RTL runs in this program"));
  const auto cycles = files.find("cycles.tsv");
  if (cycles == files.end()) {
    return fail(Code::kInternal, "the RTL runs in this program hold no cycles.tsv");
  }
  MEDLAR_TRY(add_rows(table, parse_runs(cycles->second, 2), files));
  if (!data.empty()) {
    MEDLAR_TRY(add_external(table, data));
  }
  return table;
}

}  // namespace medlar::profile
