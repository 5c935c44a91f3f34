// SPDX-License-Identifier: Apache-2.0
// Plays vector cases: initial memory, register writes, expected memory and registers (format: <name>/<name>.json).
#pragma once

#include <filesystem>
#include <string>

#include "base/status.hpp"
#include "chip/play/play_report.hpp"
#include "chip/tracer.hpp"

namespace medlar::chip {

struct VectorOptions {
  bool strict = true;     ///< Every byte of a region; otherwise only the elements of its cube, any NaN equal to any other.
  bool registers = true;  ///< Compare expected registers (always done where a case has nothing else).
  bool in_place = true;   ///< Off: the memory cannot be seen in place, every access is a copy.
  std::string only;       ///< Play cases whose name contains this.
  std::string isa = {};           ///< Vector unit (chip_target.hpp); empty: the chip's choice.
  Tracer* tracer = nullptr;  ///< Sees everything; the results must not depend on it.
};

/// `path`: a case directory, a folder of cases or of archives, or an archive.
Result<PlayReport> play_vectors(const std::filesystem::path& path, const VectorOptions& options = {});

}  // namespace medlar::chip
