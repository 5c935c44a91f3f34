// SPDX-License-Identifier: Apache-2.0
// NVIDIA's user-mode runtime: what it takes for granted of a loadable.
#include "e2e/nvidia_reader.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace medlar::test {
namespace {

constexpr uint16_t kAlloc = 1, kSet = 2, kInput = 4, kOutput = 8;
constexpr uint32_t kDla = 1, kEmu = 2;
constexpr uint32_t kNetworkBlob = 1, kDependencyBlob = 2, kSurfaceBlob = 4;

class Runtime {
 public:
  explicit Runtime(const NvidiaLoadable& file) : f_(file) {}

  std::vector<std::string> check() {
    problems_ = f_.problems;
    require(f_.version == std::array<uint8_t, 3>{0, 7, 0}, "loadable version {}.{}.{} is not 0.7.0",
            f_.version[0], f_.version[1], f_.version[2]);
    require(!f_.tasks.empty() && !f_.submits.empty() && !f_.memories.empty(),
            "no task, submit or memory entry");
    check_ids(f_.tasks, "task");
    check_ids(f_.memories, "memory");
    check_ids(f_.addresses, "address");
    check_ids(f_.events, "event");
    check_ids(f_.tensors, "tensor");
    check_ids(f_.submits, "submit");
    if (problems_.empty()) {
      check_blobs();
      check_memories();
      check_bindings();
      check_addresses();
      check_tasks();
      check_events();
      check_submits();
      check_relocs();
    }
    return problems_;
  }

 private:
  template <typename... Args>
  void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
    if (!condition) {
      problems_.push_back(fmt::format(text, std::forward<Args>(args)...));
    }
  }
  /// The runtime indexes with ids.
  template <typename T>
  void check_ids(const std::vector<T>& list, const char* what) {
    for (size_t i = 0; i < list.size(); ++i) {
      require(list[i].id == i, "{} {} has id {}", what, i, list[i].id);
    }
  }
  void check_blobs() {
    std::set<std::string> names;
    for (const NvidiaLoadable::Blob& blob : f_.blobs) {
      require(!blob.name.empty() && names.insert(blob.name).second, "blob name '{}' is empty or taken",
              blob.name);
      require(blob.size == blob.data.size(), "blob {}: size {}, data {}", blob.name, blob.size,
              blob.data.size());
    }
  }
  void check_memories() {
    for (const NvidiaLoadable::Memory& m : f_.memories) {
      require(m.size > 0 && m.alignment == 4096, "memory {}: {} bytes at {}", m.id, m.size, m.alignment);
      require((m.flags & ~(kAlloc | kSet | kInput | kOutput)) == 0 && (m.flags & kAlloc) != 0,
              "memory {}: flags {}", m.id, m.flags);
      require(m.domain == 0, "memory {}: the runtime allocates no SRAM", m.id);
      require(m.contents.size() == m.offsets.size(), "memory {}: {} contents, {} offsets", m.id,
              m.contents.size(), m.offsets.size());
      require(((m.flags & kSet) != 0) == !m.contents.empty(), "memory {}: SET and contents disagree", m.id);
      for (size_t i = 0; i < std::min(m.contents.size(), m.offsets.size()); ++i) {
        const NvidiaLoadable::Blob* blob = f_.find_blob(m.contents[i]);
        require(blob != nullptr, "memory {}: no blob '{}'", m.id, m.contents[i]);
        require(blob == nullptr || (m.offsets[i] <= m.size && blob->size <= m.size - m.offsets[i]),
                "memory {}: '{}' does not fit", m.id, m.contents[i]);
      }
    }
  }
  void check_bindings() {
    for (const uint16_t side : {kInput, kOutput}) {
      std::set<uint16_t> ids;
      for (const NvidiaLoadable::Memory& m : f_.memories) {
        if ((m.flags & (kInput | kOutput)) == side) {
          require(ids.insert(m.bind_id).second, "memory {}: bind id {} is taken", m.id, m.bind_id);
          require(m.tensor < f_.tensors.size() && f_.tensors[m.tensor].memory == m.id, "memory {}: tensor {}",
                  m.id, m.tensor);
        }
      }
      require(ids.empty() || *ids.rbegin() + 1u == ids.size(), "bind ids have gaps");
    }
    static constexpr std::array<uint32_t, 7> kBytes = {0, 4, 2, 2, 1, 1, 2};
    for (const NvidiaLoadable::Tensor& t : f_.tensors) {
      require(!t.name.empty() && t.memory < f_.memories.size(), "tensor {}: name '{}', memory {}", t.id,
              t.name, t.memory);
      require(t.memory < f_.memories.size() && t.size == f_.memories[t.memory].size && t.offset == 0,
              "tensor {}: {} bytes at {}", t.name, t.size, t.offset);
      require(t.type > 0 && t.type < kBytes.size() && t.strides[0] == kBytes[t.type],
              "tensor {}: type {}, {} bytes", t.name, t.type, t.strides[0]);
      require(std::ranges::all_of(t.nchw, [](int32_t dim) { return dim > 0; }),
              "tensor {}: a dimension is not positive", t.name);
      const bool feature = t.category == 2 && t.format == 3 && (t.pixel_format == 36 || t.pixel_format == 37);
      const bool image = t.category == 0 && t.format == 2 && t.pixel_format < 36;
      require(feature || image, "tensor {}: category {}, format {}, pixel format {}", t.name, t.category,
              t.format, t.pixel_format);
      require(t.pixel_mapping == 0, "tensor {}: pixel mapping {}", t.name, t.pixel_mapping);
    }
  }
  void check_addresses() {
    for (const NvidiaLoadable::Address& a : f_.addresses) {
      require(a.memory < f_.memories.size(), "address {}: memory {}", a.id, a.memory);
      require(a.memory >= f_.memories.size() || a.offset < f_.memories[a.memory].size,
              "address {}: offset {}", a.id, a.offset);
    }
  }
  void check_tasks() {
    constexpr size_t kMaxAddresses = 6144;
    for (const NvidiaLoadable::Task& t : f_.tasks) {
      require(t.interface == kDla || t.interface == kEmu, "task {}: interface {}", t.id, t.interface);
      require(t.instance == -1 || t.instance == 0, "task {}: instance {}", t.id, t.instance);
      require(!t.addresses.empty() && t.addresses.size() <= kMaxAddresses, "task {}: {} addresses", t.id,
              t.addresses.size());
      for (const uint16_t address : t.addresses) {
        require(address < f_.addresses.size(), "task {}: address {}", t.id, address);
      }
      const NvidiaLoadable::Blob* network = f_.blob_at(t, 0);
      require(
          network != nullptr && network->sub_interface == kNetworkBlob && network->interface == t.interface,
          "task {}: its first address is no network descriptor", t.id);
      require(t.interface != kDla || reloads_graph(t),
              "task {}: its dependency graph is not reloaded before a second run", t.id);
    }
  }
  /// Memories with a content called *dep_graph* are filled anew before each run.
  bool reloads_graph(const NvidiaLoadable::Task& task) const {
    for (size_t i = 0; i < task.addresses.size(); ++i) {
      const NvidiaLoadable::Blob* blob = f_.blob_at(task, static_cast<int>(i));
      if (blob != nullptr && blob->sub_interface == kDependencyBlob && blob->interface == kDla) {
        return blob->name.find("dep_graph") != std::string::npos;
      }
    }
    return false;
  }
  /// One chain: each task waits for the value that the one before it signals.
  void check_events() {
    constexpr uint8_t kWait = 0, kSignal = 1;
    const auto has = [&](const std::vector<uint16_t>& actions, uint8_t op, size_t value) {
      return actions.size() == 1 && actions[0] < f_.events.size() && f_.events[actions[0]].op == op &&
             f_.events[actions[0]].value == value && f_.events[actions[0]].target == 0 &&
             f_.events[actions[0]].type == 0;
    };
    for (size_t i = 0; i < f_.tasks.size(); ++i) {
      require(i == 0 ? f_.tasks[i].pre_actions.empty() : has(f_.tasks[i].pre_actions, kWait, i),
              "task {}: pre-actions", i);
      require(has(f_.tasks[i].post_actions, kSignal, i + 1), "task {}: post-actions", i);
    }
    require(f_.events.size() == 2 * f_.tasks.size() - 1, "{} events for {} tasks", f_.events.size(),
            f_.tasks.size());
  }
  void check_submits() {
    std::vector<uint16_t> order;
    for (const NvidiaLoadable::Submit& submit : f_.submits) {
      order.insert(order.end(), submit.tasks.begin(), submit.tasks.end());
    }
    require(order.size() == f_.tasks.size(), "{} of {} tasks are submitted", order.size(), f_.tasks.size());
    for (size_t i = 0; i < order.size(); ++i) {
      require(order[i] == i, "submission {} is task {}", i, order[i]);
    }
  }
  void check_relocs() {
    for (const NvidiaLoadable::Reloc& r : f_.relocs) {
      const bool known = r.address < f_.addresses.size() && r.write < f_.memories.size();
      require(known, "relocation of address {} in memory {}", r.address, r.write);
      if (known) {
        check_reloc(r);
      }
    }
  }
  void check_reloc(const NvidiaLoadable::Reloc& r) {
    const NvidiaLoadable::Memory& bound = f_.memories[f_.addresses[r.address].memory];
    const NvidiaLoadable::Memory& written = f_.memories[r.write];
    const NvidiaLoadable::Blob* blob = written.contents.empty() ? nullptr : f_.find_blob(written.contents[0]);
    require((bound.flags & (kInput | kOutput)) != 0, "relocation of address {}, which nobody binds",
            r.address);
    require(blob != nullptr && blob->interface == r.interface && blob->sub_interface == kSurfaceBlob &&
                r.sub_interface == kSurfaceBlob,
            "relocation into memory {}, which is no surface list", r.write);
    require(r.type == 1 || r.type == 2, "relocation type {}", r.type);
    if (blob == nullptr || r.type > 2 || bound.tensor >= f_.tensors.size() ||
        r.offset + 4 > blob->data.size()) {
      problems_.push_back(fmt::format("relocation at {} of memory {}", r.offset, r.write));
      return;
    }
    const auto word = load_le<uint32_t>(blob->data.data() + r.offset);
    require(word == f_.tensors[bound.tensor].strides[r.type],
            "relocation at {}: the surface has stride {}, the tensor {}", r.offset, word,
            f_.tensors[bound.tensor].strides[r.type]);
  }

  const NvidiaLoadable& f_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> runtime_problems(const NvidiaLoadable& file) {
  return Runtime(file).check();
}

}  // namespace medlar::test
