// SPDX-License-Identifier: Apache-2.0
#include "api/system.hpp"

#include "api/inference.hpp"
#include "api/run_loadable.hpp"
#include "base/files.hpp"
#include "driver/sim/kernel.hpp"
#include "driver/sim/kernel_log.hpp"

#include <set>

#include <fnmatch.h>

namespace medlar::api {
namespace {

graph::Tensor zeros(const sample::InputSpec& spec) {
  graph::Tensor tensor{spec.type, spec.shape, {}, {}};
  auto bytes = static_cast<uint64_t>(graph::element_bytes(spec.type));
  for (const int64_t dim : spec.shape) {
    bytes *= static_cast<uint64_t>(dim);
  }
  tensor.bytes.resize(bytes);
  return tensor;
}

std::map<std::string, graph::Tensor> zeros(const std::vector<sample::InputSpec>& specs) {
  std::map<std::string, graph::Tensor> tensors;
  for (const sample::InputSpec& spec : specs) {
    tensors.emplace(spec.name, zeros(spec));
  }
  return tensors;
}

Status run_engine(const std::shared_ptr<Module>& module, engine::Engine engine, const std::string& name) {
  MEDLAR_ASSIGN(Inference inference, Inference::create(module, std::move(engine), name));
  MEDLAR_ASSIGN([[maybe_unused]] const InferenceResult result, inference.run(zeros(inference.inputs())));
  return {};
}

Status run_file(const std::shared_ptr<Module>& module, ByteView bytes, const std::string& name) {
  if (module->cores() == 0) {
    return fail(Code::kNotFound, "{}: no DLA device node", module->device().name);
  }
  if (!engine::is_engine(bytes)) {
    return run_zeros(*module, bytes, name);
  }
  MEDLAR_ASSIGN(engine::Engine engine, engine::deserialize(bytes, name));
  return run_engine(module, std::move(engine), name);
}

Result<const hw::DeviceProfile*> choose_device(const SystemRequest& request, ByteView bytes) {
  if (!request.device.empty() || bytes.empty()) {
    return request.device.empty() ? Result<const hw::DeviceProfile*>(&hw::default_device())
                                  : hw::find_device(request.device);
  }
  if (!engine::is_engine(bytes)) {
    return loadable_device(bytes, request.file.string(), {});
  }
  MEDLAR_ASSIGN(const engine::Engine engine, engine::deserialize(bytes, request.file.string()));
  return hw::find_device(engine.device);
}

bool matches(const std::string& pattern, const std::string& path) {
  return fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
}

/// Names directly below a folder, folders with a slash.
std::string listing(const std::map<std::string, std::string>& files, const std::string& folder) {
  std::set<std::string> names;
  for (const auto& [path, contents] : files) {
    if (path.starts_with(folder)) {
      const std::string rest = path.substr(folder.size());
      const size_t slash = rest.find('/');
      names.insert(slash == std::string::npos ? rest : rest.substr(0, slash + 1));
    }
  }
  std::string text;
  for (const std::string& name : names) {
    text += name + "\n";
  }
  return text;
}

}  // namespace

Status run_zeros(Module& module, ByteView bytes, const std::string& name) {
  MEDLAR_ASSIGN(const std::vector<sample::InputSpec> specs, loadable_inputs(bytes, name));
  MEDLAR_ASSIGN([[maybe_unused]] const auto outputs, run_loadable(module, bytes, name, zeros(specs)));
  return {};
}

Result<System> bring_up(const SystemRequest& request) {
  ByteBuffer bytes;
  if (!request.file.empty()) {
    MEDLAR_ASSIGN(bytes, read_file(request.file));
  }
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, choose_device(request, bytes));
  System system;
  MEDLAR_ASSIGN(system.module, Module::boot(*device, request.module));
  if (!bytes.empty()) {
    system.run = run_file(system.module, bytes, request.file.string());
    system.module->idle(request.idle);
  }
  return system;
}

std::string log_text(const System& system) {
  std::string text;
  for (const driver::LogLine& line : system.module->kernel().log()) {
    text += driver::to_string(line) + "\n";
  }
  return text;
}

Result<std::string> sysfs_text(const System& system, std::string_view path) {
  const auto files = system.module->kernel().sysfs();
  std::string text;
  if (path.empty()) {
    for (const auto& [name, contents] : files) {
      text += name + "\n";
    }
    return text;
  }
  const std::string wanted(path);
  if (const auto file = files.find(wanted); file != files.end()) {
    return file->second;
  }
  std::vector<std::string> found;
  for (const auto& [name, contents] : files) {
    if (matches(wanted, name)) {
      found.push_back(name);
    }
  }
  for (const std::string& name : found) {
    text += (found.size() > 1 ? name + ": " : "") + files.at(name);
  }
  if (text.empty()) {
    text = listing(files, wanted.ends_with('/') ? wanted : wanted + "/");
  }
  if (text.empty()) {
    return fail(Code::kNotFound, "{}: no such file; `medlar sysfs` lists all", path);
  }
  return text;
}

}  // namespace medlar::api
