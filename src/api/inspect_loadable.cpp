// SPDX-License-Identifier: Apache-2.0
// NVDLA loadables in words.
#include <nlohmann/json.hpp>

#include "api/inspect.hpp"
#include "loadable/loadable.hpp"

namespace medlar::api {
namespace {

using Json = nlohmann::ordered_json;

std::string version_text(loadable::Version version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.sub_minor);
}

Json memories_json(const loadable::Loadable& file) {
  Json list = Json::array();
  for (const loadable::Memory& memory : file.memories) {
    Json contents = Json::array();
    for (const loadable::Content& content : memory.contents) {
      contents.push_back({{"blob", content.blob}, {"offset", content.offset}});
    }
    list.push_back({{"domain", memory.domain == loadable::Domain::kSram ? "sram" : "system"},
                    {"alloc", memory.has(loadable::kMemoryAlloc)}, {"set", memory.has(loadable::kMemorySet)},
                    {"input", memory.has(loadable::kMemoryInput)}, {"output", memory.has(loadable::kMemoryOutput)},
                    {"size", memory.size}, {"alignment", memory.alignment}, {"bind_id", memory.bind_id},
                    {"contents", std::move(contents)}});
  }
  return list;
}

Json tasks_json(const loadable::Loadable& file) {
  Json list = Json::array();
  for (size_t i = 0; i < file.tasks.size(); ++i) {
    const loadable::Task& task = file.tasks[i];
    const auto version = loadable::task_version(file, i);
    list.push_back({{"engine", task.interface == loadable::Interface::kEmu1 ? "cpu" : "dla"}, {"instance", task.instance},
                    {"descriptor_version", version ? Json(version_text(*version)) : Json(nullptr)},
                    {"addresses", task.addresses}});
  }
  return list;
}

Json tensors_json(const loadable::Loadable& file) {
  Json list = Json::array();
  for (const loadable::Tensor& tensor : file.tensors) {
    list.push_back({{"name", tensor.name}, {"memory", tensor.memory}, {"size", tensor.size}, {"n", tensor.n}, {"c", tensor.c},
                    {"h", tensor.h}, {"w", tensor.w}, {"data_type", static_cast<int>(tensor.type)},
                    {"data_format", static_cast<int>(tensor.format)}, {"strides", tensor.strides}});
  }
  return list;
}

Json blobs_json(const loadable::Loadable& file) {
  Json list = Json::array();
  for (const loadable::Blob& blob : file.blobs) {
    list.push_back({{"name", blob.name}, {"bytes", blob.data.size()}, {"version", version_text(blob.version)},
                    {"sub_interface", blob.sub_interface}});
  }
  return list;
}

}  // namespace

Result<std::string> loadable_to_text(ByteView bytes, std::string_view name) {
  MEDLAR_ASSIGN(const loadable::Loadable file, loadable::read(bytes, name));
  return loadable::to_text(file);
}

Result<std::string> loadable_to_json(ByteView bytes, std::string_view name) {
  MEDLAR_ASSIGN(const loadable::Loadable file, loadable::read(bytes, name));
  const Json json{{"version", version_text(file.version)}, {"memories", memories_json(file)}, {"tasks", tasks_json(file)},
                  {"tensors", tensors_json(file)}, {"blobs", blobs_json(file)}};
  return json.dump(2) + "\n";
}

}  // namespace medlar::api
