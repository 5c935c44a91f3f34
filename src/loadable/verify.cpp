// SPDX-License-Identifier: Apache-2.0
// The rules that NVIDIA's runtime relies on without checking them: every reference inside a loadable holds.
#include "base/checked.hpp"
#include "loadable/loadable.hpp"
#include "loadable/verify_descriptors.hpp"

#include <map>
#include <set>

namespace medlar::loadable {
namespace {

constexpr size_t kMaxEntries = 65536;  // Ids are 16 bits.
constexpr size_t kMaxTasks = 4096;     // Far above any network; bounds the work that a hostile file causes.

Status check_index(std::string_view what, size_t at, std::string_view list, uint64_t index, size_t size) {
  if (index >= size) {
    return fail(Code::kCorrupt, "{} {}: {} {} of {}", what, at, list, index, size);
  }
  return {};
}

template <typename T>
Status check_indices(std::string_view what, size_t at, std::string_view list, const std::vector<T>& values,
                     size_t size) {
  for (const T value : values) {
    MEDLAR_TRY(check_index(what, at, list, value, size));
  }
  return {};
}

Status verify_lists(const Loadable& l) {
  if (l.tasks.empty() || l.memories.empty() || l.submits.empty()) {
    return fail(Code::kCorrupt, "{} tasks, {} memories, {} submits: at least one of each is needed",
                l.tasks.size(), l.memories.size(), l.submits.size());
  }
  if (l.tasks.size() > kMaxTasks) {
    return fail(Code::kCorrupt, "{} tasks, the limit is {}", l.tasks.size(), kMaxTasks);
  }
  for (const size_t size : {l.memories.size(), l.addresses.size(), l.events.size(), l.blobs.size(),
                            l.tensors.size(), l.submits.size()}) {
    if (size > kMaxEntries) {
      return fail(Code::kCorrupt, "a list of {} entries, the limit is {}", size, kMaxEntries);
    }
  }
  return {};
}

Status verify_blobs(const Loadable& l) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < l.blobs.size(); ++i) {
    const Blob& blob = l.blobs[i];
    if (blob.name.empty() || !names.insert(blob.name).second) {
      return fail(Code::kCorrupt, "blob {}: name '{}' is {}", i, blob.name,
                  blob.name.empty() ? "empty" : "used twice");
    }
    if (blob.interface > Interface::kEmu1) {
      return fail(Code::kCorrupt, "blob '{}': interface {} is none of 0, 1, 2", blob.name,
                  static_cast<uint32_t>(blob.interface));
    }
  }
  return {};
}

/// Blobs by name: a hostile file may have 65536 of each, so no linear search per content.
using BlobSizes = std::map<std::string_view, uint64_t>;

BlobSizes blob_sizes(const Loadable& l) {
  BlobSizes sizes;
  for (const Blob& blob : l.blobs) {
    sizes.emplace(blob.name, blob.data.size());
  }
  return sizes;
}

Status verify_contents(const BlobSizes& blobs, size_t id, const Memory& memory) {
  if (!memory.has(kMemorySet)) {
    return {};  // Old files list an empty name for an output; nothing is copied.
  }
  for (const Content& content : memory.contents) {
    const auto blob = blobs.find(content.blob);
    if (blob == blobs.end()) {
      return fail(Code::kCorrupt, "memory {}: content '{}' is no blob of this file", id, content.blob);
    }
    if (!range_inside(content.offset, blob->second, memory.size)) {
      return fail(Code::kCorrupt, "memory {} of {} bytes: blob '{}' of {} bytes does not fit at offset {}",
                  id, memory.size, content.blob, blob->second, content.offset);
    }
  }
  return {};
}

Status verify_bindings(const Loadable& l, uint16_t flag, std::string_view what) {
  std::set<uint16_t> ids;
  for (size_t i = 0; i < l.memories.size(); ++i) {
    const Memory& memory = l.memories[i];
    const bool counts_as_input = memory.has(kMemoryInput);  // An entry with both bits is an input.
    if (!memory.has(flag) || (flag == kMemoryOutput && counts_as_input)) {
      continue;
    }
    if (!ids.insert(memory.bind_id).second) {
      return fail(Code::kCorrupt, "memory {}: {} bind id {} is used twice", i, what, memory.bind_id);
    }
    MEDLAR_TRY(check_index("memory", i, "tensor", memory.tensor_desc, l.tensors.size()));
    if (l.tensors[memory.tensor_desc].memory != i) {
      return fail(Code::kCorrupt, "memory {}: its tensor {} says memory {}", i, memory.tensor_desc,
                  l.tensors[memory.tensor_desc].memory);
    }
  }
  if (!ids.empty() && *ids.rbegin() != ids.size() - 1) {
    return fail(Code::kCorrupt, "{} bind ids reach {} but there are {}", what, *ids.rbegin(), ids.size());
  }
  return {};
}

Status verify_memories(const Loadable& l) {
  const BlobSizes blobs = blob_sizes(l);
  constexpr uint16_t kKnown = kMemoryAlloc | kMemorySet | kMemoryInput | kMemoryOutput | kMemoryDebug;
  for (size_t i = 0; i < l.memories.size(); ++i) {
    const Memory& memory = l.memories[i];
    if (memory.domain > Domain::kSram) {
      return fail(Code::kCorrupt, "memory {}: domain {} is neither 0 nor 1", i,
                  static_cast<int>(memory.domain));
    }
    if ((memory.flags & ~kKnown) != 0) {
      return fail(Code::kCorrupt, "memory {}: flags 0x{:x}, known are 0x{:x}", i, memory.flags, kKnown);
    }
    if (memory.size == 0) {
      return fail(Code::kCorrupt, "memory {}: size 0", i);
    }
    if (memory.alignment != 0 && (memory.alignment & (memory.alignment - 1)) != 0) {
      return fail(Code::kCorrupt, "memory {}: alignment {} is no power of two", i, memory.alignment);
    }
    MEDLAR_TRY(verify_contents(blobs, i, memory));
  }
  MEDLAR_TRY(verify_bindings(l, kMemoryInput, "input"));
  return verify_bindings(l, kMemoryOutput, "output");
}

Status verify_addresses(const Loadable& l) {
  for (size_t i = 0; i < l.addresses.size(); ++i) {
    const Address& address = l.addresses[i];
    MEDLAR_TRY(check_index("address", i, "memory", address.memory, l.memories.size()));
    const uint64_t size = l.memories[address.memory].size;
    if (!range_inside(address.offset, address.size, size)) {
      return fail(Code::kCorrupt, "address {}: offset {} + size {} exceeds memory {} of {} bytes", i,
                  address.offset, address.size, address.memory, size);
    }
  }
  return {};
}

Status verify_tensors(const Loadable& l) {
  for (size_t i = 0; i < l.tensors.size(); ++i) {
    const Tensor& t = l.tensors[i];
    MEDLAR_TRY(check_index("tensor", i, "memory", t.memory, l.memories.size()));
    if (!range_inside(t.offset, t.size, l.memories[t.memory].size)) {
      return fail(Code::kCorrupt, "tensor '{}': offset {} + size {} exceeds memory {} of {} bytes", t.name,
                  t.offset, t.size, t.memory, l.memories[t.memory].size);
    }
    if (t.n < 1 || t.c < 1 || t.h < 1 || t.w < 1) {
      return fail(Code::kCorrupt, "tensor '{}': dimensions {}x{}x{}x{}, all must be at least 1", t.name, t.n,
                  t.c, t.h, t.w);
    }
  }
  return {};
}

Status verify_tasks(const Loadable& l) {
  for (size_t i = 0; i < l.tasks.size(); ++i) {
    const Task& task = l.tasks[i];
    if (task.interface != Interface::kDla1 && task.interface != Interface::kEmu1) {
      return fail(Code::kCorrupt, "task {}: interface {} is neither DLA (1) nor EMU (2)", i,
                  static_cast<uint32_t>(task.interface));
    }
    if (task.addresses.empty() || task.addresses.size() > kMaxTaskAddresses) {
      return fail(Code::kCorrupt, "task {}: {} addresses, allowed are 1 to {}", i, task.addresses.size(),
                  kMaxTaskAddresses);
    }
    if (task.instance < -1 || task.instance > 1) {
      return fail(Code::kCorrupt, "task {}: device instance {}, allowed are -1, 0, 1", i, task.instance);
    }
    MEDLAR_TRY(check_indices("task", i, "address", task.addresses, l.addresses.size()));
    MEDLAR_TRY(check_indices("task", i, "event", task.pre_actions, l.events.size()));
    MEDLAR_TRY(check_indices("task", i, "event", task.post_actions, l.events.size()));
  }
  for (size_t i = 0; i < l.submits.size(); ++i) {
    MEDLAR_TRY(check_indices("submit", i, "task", l.submits[i].tasks, l.tasks.size()));
  }
  return {};
}

Status verify_relocs(const Loadable& l) {
  for (size_t i = 0; i < l.relocs.size(); ++i) {
    const Reloc& reloc = l.relocs[i];
    MEDLAR_TRY(check_index("reloc", i, "address", reloc.address, l.addresses.size()));
    MEDLAR_TRY(check_index("reloc", i, "memory", reloc.write_id, l.memories.size()));
    if (reloc.type > RelocType::kTensor) {
      return fail(Code::kCorrupt, "reloc {}: type {} is none of 0 to 3", i, static_cast<int>(reloc.type));
    }
    if (!range_inside(reloc.offset, sizeof(uint32_t), l.memories[reloc.write_id].size)) {
      return fail(Code::kCorrupt, "reloc {}: word at {} exceeds memory {} of {} bytes", i, reloc.offset,
                  reloc.write_id, l.memories[reloc.write_id].size);
    }
  }
  return {};
}

Status verify_events(const Loadable& l) {
  for (size_t i = 0; i < l.events.size(); ++i) {
    if (l.events[i].op > EventOp::kSignal) {
      return fail(Code::kCorrupt, "event {}: operation {} is neither 0 nor 1", i,
                  static_cast<int>(l.events[i].op));
    }
  }
  return {};
}

}  // namespace

Status verify(const Loadable& loadable) {
  MEDLAR_TRY(verify_lists(loadable));
  MEDLAR_TRY(verify_blobs(loadable));
  MEDLAR_TRY(verify_memories(loadable));
  MEDLAR_TRY(verify_addresses(loadable));
  MEDLAR_TRY(verify_tensors(loadable));
  MEDLAR_TRY(verify_events(loadable));
  MEDLAR_TRY(verify_tasks(loadable));
  MEDLAR_TRY(verify_relocs(loadable));
  return verify_descriptors(loadable);
}

}  // namespace medlar::loadable
