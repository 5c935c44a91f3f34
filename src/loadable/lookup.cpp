// SPDX-License-Identifier: Apache-2.0
// Finding things inside a loadable the way the firmware does: task address list, address, memory, content
// blob.
#include "loadable/loadable.hpp"

#include <algorithm>

namespace medlar::loadable {

const Blob* find_blob(const Loadable& loadable, std::string_view name) {
  const auto found = std::ranges::find(loadable.blobs, name, &Blob::name);
  return found == loadable.blobs.end() ? nullptr : &*found;
}

Result<uint16_t> task_address(const Task& task, int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(task.addresses.size())) {
    return fail(Code::kCorrupt, "index {} outside the task's address list of {} entries", index,
                task.addresses.size());
  }
  return task.addresses[static_cast<size_t>(index)];
}

namespace {

Result<const Blob*> content_of(const Loadable& loadable, uint16_t address) {
  if (address >= loadable.addresses.size()) {
    return fail(Code::kCorrupt, "address {} of {}", address, loadable.addresses.size());
  }
  const Address& entry = loadable.addresses[address];
  if (entry.memory >= loadable.memories.size()) {
    return fail(Code::kCorrupt, "address {}: memory {} of {}", address, entry.memory,
                loadable.memories.size());
  }
  for (const Content& content : loadable.memories[entry.memory].contents) {
    if (content.offset != entry.offset) {
      continue;
    }
    if (const Blob* blob = find_blob(loadable, content.blob)) {
      return blob;
    }
  }
  return fail(Code::kCorrupt, "address {}: memory {} holds no blob at offset {}", address, entry.memory,
              entry.offset);
}

}  // namespace

Result<ByteView> blob_at(const Loadable& loadable, uint16_t address) {
  MEDLAR_ASSIGN(const Blob* blob, content_of(loadable, address));
  return ByteView(blob->data);
}

Result<Version> task_version(const Loadable& loadable, size_t task) {
  if (task >= loadable.tasks.size()) {
    return fail(Code::kOutOfRange, "task {} of {}", task, loadable.tasks.size());
  }
  MEDLAR_ASSIGN(const uint16_t address, task_address(loadable.tasks[task], 0));
  MEDLAR_ASSIGN(const Blob* blob, content_of(loadable, address));
  return blob->version;
}

}  // namespace medlar::loadable
