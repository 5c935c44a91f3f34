// SPDX-License-Identifier: Apache-2.0
// Plays NVIDIA's register traces: input.txn (nvdlav1) and .cfg (hw-master).
#pragma once

#include <filesystem>
#include <string>

#include "base/status.hpp"
#include "chip/play/file_set.hpp"
#include "chip/play/play_report.hpp"
#include "hw/config.hpp"

namespace medlar::chip {

/// `path`: a trace file, a folder of traces or an archive. `config` may be empty when the path names it
/// (.../nv_small/...) or when the trace is an .txn, which is always for the first register map.
/// A trace whose data files are absent is skipped with the file's name.
Result<PlayReport> play_trace(const std::filesystem::path& path, const std::string& config = {});

/// One trace out of a set of files; the text formats behind play_trace.
struct TraceInput {
  const FileSet* files = nullptr;
  std::string path;  ///< Of the trace in `files`.
  const hw::HwConfig* config = nullptr;

  /// A file that the trace names: beside it, or in a memory_surface_warehouse. Error kNotFound.
  Result<const ByteBuffer*> find(const std::string& name) const;
};
Status play_txn(const TraceInput& trace);
Status play_cfg(const TraceInput& trace);

}  // namespace medlar::chip
