// SPDX-License-Identifier: Apache-2.0
// Plays vector cases.
#include "chip/play/vector_player.hpp"

#include <algorithm>
#include <optional>

#include "chip/chip.hpp"
#include "chip/play/flat_memory.hpp"
#include "chip/play/unit_interrupt.hpp"
#include "chip/play/vector_case.hpp"
#include "num/float_format.hpp"

namespace medlar::chip {
namespace {

Status run_case(const VectorCase& test, Chip& chip) {
  for (const VectorCase::Register& write : test.writes) {
    if (Status done = chip.write_register(write.address, write.value); !done) {
      return tl::unexpected<Error>(std::move(done).error().in(write.name));
    }
  }
  bool more = true;
  while (more) {
    MEDLAR_ASSIGN(more, chip.step());
  }
  return {};
}

Status check_done(const VectorCase& test, Chip& chip) {
  MEDLAR_ASSIGN(const uint32_t address, interrupt_status_address(chip.config()));
  MEDLAR_ASSIGN(const uint32_t status, chip.read_register(address));
  for (const std::string& name : test.done) {
    MEDLAR_ASSIGN(const uint32_t bit, interrupt_bit(name));
    if (((status >> bit) & 1) == 0) {
      return fail(Code::kTimeout, "interrupt {} did not rise, status is {:#x}", name, status);
    }
  }
  return {};
}

bool is_nan(const ByteBuffer& bytes, uint64_t at) {
  return num::Fp16::is_nan(load_le<uint16_t>(bytes.data() + at));
}

/// Offset of the first difference that counts.
std::optional<uint64_t> first_difference(const VectorRegion& region, const ByteBuffer& got, bool strict) {
  const ByteBuffer& want = *region.bytes;
  if (strict) {
    const auto [a, b] = std::mismatch(want.begin(), want.end(), got.begin());
    return a == want.end() ? std::nullopt : std::optional(static_cast<uint64_t>(a - want.begin()));
  }
  const uint64_t step = region.fp16 ? 2 : 1;
  for (const auto& [offset, length] : region.runs()) {
    for (uint64_t i = offset; i + step <= offset + length && i + step <= want.size(); i += step) {
      const bool equal = std::equal(want.begin() + static_cast<ptrdiff_t>(i), want.begin() + static_cast<ptrdiff_t>(i + step),
                                    got.begin() + static_cast<ptrdiff_t>(i));
      if (!equal && !(region.fp16 && is_nan(want, i) && is_nan(got, i))) {
        return i;
      }
    }
  }
  return std::nullopt;
}

Status check_region(const VectorRegion& region, FlatMemory& memory, bool strict) {
  ByteBuffer got(region.bytes->size());
  MEDLAR_TRY(memory.read(region.ram, region.address, got));
  const auto at = first_difference(region, got, strict);
  if (!at) {
    return {};
  }
  const uint64_t in_line = region.line_stride == 0 ? 0 : *at % region.line_stride;
  return fail(Code::kInternal, "{}: byte {:#x} (in its line {:#x}) is {:#04x}, expected {:#04x}", region.file, *at, in_line,
              got[*at], (*region.bytes)[*at]);
}

Status play_case(const VectorCase& test, const VectorOptions& options) {
  MEDLAR_ASSIGN(const hw::HwConfig* config, hw::find_config(test.config));
  FlatMemory memory(test.fill);
  memory.allow_views(options.in_place);
  for (const VectorCase::Block& block : test.memory) {
    MEDLAR_TRY(memory.write(block.ram, block.address, *block.bytes));
  }
  Chip chip(*config, memory, options.isa);
  chip.set_tracer(options.tracer);
  MEDLAR_TRY(run_case(test, chip));
  MEDLAR_TRY(check_done(test, chip));
  for (const VectorRegion& region : test.expect) {
    MEDLAR_TRY(check_region(region, memory, options.strict));
  }
  if (!options.registers && !test.expect.empty()) {
    return {};
  }
  for (const VectorCase::Register& expected : test.expect_registers) {
    MEDLAR_ASSIGN(const uint32_t value, chip.read_register(expected.address));
    if (value != expected.value) {
      return fail(Code::kInternal, "{} is {:#x}, expected {:#x}", expected.name, value, expected.value);
    }
  }
  return {};
}

/// A case's JSON file carries the name of its folder.
bool is_case(const std::string& path) {
  const std::string folder = folder_of(path);
  const size_t slash = folder.empty() ? std::string::npos : folder.rfind('/', folder.size() - 2);
  const std::string name = folder.empty() ? "" : folder.substr(slash == std::string::npos ? 0 : slash + 1);
  const std::string stem = path.substr(folder.size());
  return stem.ends_with(".json") && (folder.empty() || name == stem.substr(0, stem.size() - 5) + "/");
}

Status play_files(const std::filesystem::path& path, const VectorOptions& options, PlayReport& report) {
  MEDLAR_ASSIGN(const FileSet files, read_file_set(path));
  for (const auto& [name, bytes] : files) {
    if (!is_case(name) || name.find(options.only) == std::string::npos) {
      continue;
    }
    Status result = {};
    if (auto test = parse_vector_case(files, name); test) {
      result = play_case(*test, options);
    } else {
      result = tl::unexpected<Error>(std::move(test).error());
    }
    if (result) {
      report.passed.push_back({name, {}});
    } else {
      report.failed.push_back({name, result.error().to_string()});
    }
  }
  return {};
}

std::vector<std::filesystem::path> archives_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().string().ends_with(".tar.xz")) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<PlayReport> play_vectors(const std::filesystem::path& path, const VectorOptions& options) {
  PlayReport report;
  const std::vector<std::filesystem::path> archives = archives_in(path);
  for (const std::filesystem::path& archive : archives) {
    MEDLAR_TRY(play_files(archive, options, report));
  }
  if (archives.empty()) {
    MEDLAR_TRY(play_files(path, options, report));
  }
  if (report.passed.empty() && report.failed.empty()) {
    return fail(Code::kNotFound, "{}: no vector case (<name>/<name>.json) here", path.string());
  }
  return report;
}

}  // namespace medlar::chip
