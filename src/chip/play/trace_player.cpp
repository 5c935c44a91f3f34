// SPDX-License-Identifier: Apache-2.0
// Finds traces, their configurations and files.
#include "chip/play/trace_player.hpp"

#include <algorithm>

#include "chip/play/trace_data.hpp"

namespace medlar::chip {
namespace {

bool is_txn(const std::string& name) { return name.ends_with(".txn"); }
bool is_cfg(const std::string& name) { return name.ends_with(".cfg"); }

/// What the first line of a recorded trace names; empty for others.
std::string recorded_config(const ByteBuffer& trace) {
  const std::string_view text(reinterpret_cast<const char*>(trace.data()), trace.size());
  if (!text.starts_with(kTraceConfigComment)) {
    return {};
  }
  const size_t first = kTraceConfigComment.size();
  return std::string(text.substr(first, text.find_first_of("\r\n") - first));
}

/// The configuration that the trace or a folder of its path names, or the only one with the register map of .txn traces.
Result<const hw::HwConfig*> config_of(const std::string& trace, const ByteBuffer& bytes, const std::string& path,
                                      std::string wanted) {
  wanted = wanted.empty() && is_txn(trace) ? recorded_config(bytes) : wanted;
  if (!wanted.empty()) {
    return hw::find_config(wanted);
  }
  const hw::HwConfig* named = nullptr;
  for (const hw::HwConfig& config : hw::configs()) {
    const std::string folder = "/" + std::string(config.name) + "/";
    if (("/" + path + "/" + trace).find(folder) != std::string::npos) {
      named = &config;
    }
    if (is_txn(trace) && named == nullptr && config.register_map == hw::RegisterMap::kV1) {
      named = &config;
    }
  }
  if (named == nullptr) {
    return fail(Code::kInvalidArgument, "{}: no folder of its path names a configuration; name one", trace);
  }
  return named;
}

void record(const std::string& name, const Status& result, PlayReport& report) {
  if (result) {
    report.passed.push_back({name, {}});
  } else if (result.error().code == Code::kNotFound) {
    report.skipped.push_back({name, result.error().message});
  } else {
    report.failed.push_back({name, result.error().to_string()});
  }
}

}  // namespace

Result<const ByteBuffer*> TraceInput::find(const std::string& name) const {
  const auto beside = files->find(folder_of(path) + name);
  if (beside != files->end()) {
    return &beside->second;
  }
  const std::string shared = "memory_surface_warehouse/" + name;
  for (const auto& [file, bytes] : *files) {
    if (file.ends_with(shared)) {
      return &bytes;
    }
  }
  return fail(Code::kNotFound, "{}: its file {} is absent", path, name);
}

Result<PlayReport> play_trace(const std::filesystem::path& path, const std::string& config) {
  MEDLAR_ASSIGN(const FileSet files, read_file_set(path));
  const std::string file = path.filename().string();
  const bool single = is_txn(file) || is_cfg(file);
  PlayReport report;
  for (const auto& [name, bytes] : files) {
    if (!(is_txn(name) || is_cfg(name)) || (single && name != file)) {
      continue;
    }
    TraceInput trace{&files, name, nullptr};
    MEDLAR_ASSIGN(trace.config, config_of(name, bytes, path.generic_string(), config));
    record(name, is_txn(name) ? play_txn(trace) : play_cfg(trace), report);
  }
  if (report.passed.empty() && report.failed.empty() && report.skipped.empty()) {
    return fail(Code::kNotFound, "{}: no trace (.txn or .cfg) here", path.string());
  }
  return report;
}

}  // namespace medlar::chip
