// SPDX-License-Identifier: Apache-2.0
#include "api/source_model.hpp"

#include "base/files.hpp"
#include "base/hash.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <vector>

#include <fmt/format.h>

namespace medlar::api {
namespace {

namespace fs = std::filesystem;

/// Where to look, in this order, each place once.
std::vector<fs::path> places(const engine::Engine& engine, const fs::path& engine_file) {
  std::vector<fs::path> found;
  const fs::path name = fs::path(engine.model).filename();
  const auto add = [&](const fs::path& path) {
    const fs::path place = path.lexically_normal();
    if (!path.empty() && std::find(found.begin(), found.end(), place) == found.end()) {
      found.push_back(place);
    }
  };
  add(engine.source);
  add(engine_file.parent_path() / name);
  add(name);
  if (const char* folders = std::getenv("MEDLAR_MODEL_PATH"); folders != nullptr) {
    std::istringstream list(folders);
    for (std::string folder; std::getline(list, folder, ':');) {
      add(folder.empty() ? fs::path() : fs::path(folder) / name);
    }
  }
  return found;
}

}  // namespace

Result<SourceModel> find_source_model(const engine::Engine& engine, const fs::path& engine_file) {
  std::string tried;
  const auto note = [&](const fs::path& path, std::string_view what) {
    tried += fmt::format("{}{} {}", tried.empty() ? "" : "; ", path.string(), what);
  };
  for (const fs::path& path : places(engine, engine_file)) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      note(path, "is not there");
      continue;
    }
    MEDLAR_ASSIGN(ByteBuffer bytes, read_file(path));
    if (hash64(bytes) == engine.source_hash) {
      return SourceModel{path, std::move(bytes)};
    }
    note(path, "is not the file that the engine was built from, or has changed since");
  }
  return fail(Code::kNotFound,
              "{}: the ONNX model '{}' that it was built from was not found: {}; put it there, or its folder "
              "into MEDLAR_MODEL_PATH",
              engine_file.string(), engine.model, tried);
}

}  // namespace medlar::api
