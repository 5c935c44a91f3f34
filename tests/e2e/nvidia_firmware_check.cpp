// SPDX-License-Identifier: Apache-2.0
// NVIDIA's kernel driver: what it takes for granted of a task's descriptors. Offsets are those of interface
// 0.12.
#include "e2e/nvidia_reader.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace medlar::test {
namespace {

constexpr uint32_t kDla = 1;
constexpr uint64_t kGraphBytes = 36, kOpBytes = 116, kSurfaceBytes = 644, kLutBytes = 700;
constexpr uint32_t kTypes = 6;  // BDMA CONV SDP PDP CDP RUBIK

/// Where the cubes of an operation's surfaces begin.
std::vector<uint64_t> cubes_of(uint8_t type) {
  switch (type) {
    case 1:
      return {0, 96, 128};  // weights, source, destination
    case 2:
      return {0, 32, 64, 96, 128};
    case 3:
    case 4:
    case 5:
      return {0, 32};
    default:
      return {};
  }
}

class Firmware {
 public:
  Firmware(const NvidiaLoadable& file, const NvidiaLoadable::Task& task, uint32_t atom)
      : f_(file), task_(task), atom_(atom) {}

  std::vector<std::string> check() {
    const NvidiaLoadable::Blob* network = f_.blob_at(task_, 0);
    if (network == nullptr || network->data.size() != 40) {
      return {fmt::format("task {}: no network descriptor of 40 bytes", task_.id)};
    }
    const auto word = [&](size_t at) { return load_le<int16_t>(network->data.data() + at); };
    require(network->version[0] == 0 && network->version[1] == 12, "interface {}.{}", network->version[0],
            network->version[1]);
    count_ = static_cast<uint16_t>(word(30));
    const auto luts = static_cast<uint16_t>(word(32));
    ops_ = list(word(0), 3, kOpBytes * count_);
    surfaces_ = list(word(2), 4, kSurfaceBytes * count_);
    graph_ = list(word(4), 2, kGraphBytes * count_);
    require(word(6) == -1 || list(word(6), 5, kLutBytes * luts) != nullptr, "LUT list");
    require(word(8) == -1 && word(10) == -1 && word(12) == -1, "ROI, surface or statistics list");
    require(word(28) == 1 && count_ > 0, "{} ROIs, {} operations", word(28), count_);
    require(static_cast<uint16_t>(word(34)) == task_.addresses.size(), "{} addresses said, {} given",
            word(34), task_.addresses.size());
    if (graph_ != nullptr && surfaces_ != nullptr && ops_ != nullptr) {
      for (uint32_t type = 0; type < kTypes; ++type) {
        check_queue(static_cast<uint8_t>(type), word(16 + 2 * type));
      }
      check_references();
      check_surfaces();
    }
    return problems_;
  }

 private:
  template <typename... Args>
  void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
    if (!condition) {
      problems_.push_back(fmt::format("task {}: ", task_.id) +
                          fmt::format(text, std::forward<Args>(args)...));
    }
  }
  const ByteBuffer* list(int16_t index, uint32_t kind, uint64_t bytes) {
    const NvidiaLoadable::Blob* blob = f_.blob_at(task_, index);
    const bool good = blob != nullptr && blob->interface == kDla && blob->sub_interface == kind &&
                      blob->data.size() >= bytes;
    require(good, "list {} at address {} is missing or too short", kind, index);
    return good ? &blob->data : nullptr;
  }
  uint8_t type_of(size_t op) const { return graph_->at(op * kGraphBytes + 3); }
  struct Reference {
    int16_t index;
    uint8_t event;
  };
  /// Slot 6 is the fused parent.
  Reference reference(size_t op, size_t slot) const {
    const uint8_t* at = graph_->data() + op * kGraphBytes + 8 + 4 * slot;
    return {load_le<int16_t>(at), at[2]};
  }
  /// From the head, through the consumers of the own type, every operation of the type once.
  void check_queue(uint8_t type, int16_t head) {
    std::vector<bool> seen(count_);
    size_t length = 0;
    for (int op = head; op >= 0; op = reference(static_cast<size_t>(op), type).index) {
      if (op >= static_cast<int>(count_) || seen[static_cast<size_t>(op)] ||
          type_of(static_cast<size_t>(op)) != type) {
        require(false, "queue of engine {} reaches operation {}", type, op);
        return;
      }
      seen[static_cast<size_t>(op)] = true;
      ++length;
    }
    size_t wanted = 0;
    for (size_t op = 0; op < count_; ++op) {
      wanted += type_of(op) == type ? 1 : 0;
    }
    require(length == wanted, "queue of engine {} has {} of {} operations", type, length, wanted);
  }
  void check_references() {
    std::vector<uint32_t> counts(count_);
    for (size_t op = 0; op < count_; ++op) {
      for (size_t slot = 0; slot <= kTypes; ++slot) {
        const Reference r = reference(op, slot);
        if (r.index < 0) {
          continue;
        }
        const bool inside = r.index < static_cast<int>(count_);
        const size_t wanted =
            slot < kTypes ? slot : size_t{type_of(op)} - 1;  // a fused parent is the engine before
        require(inside && type_of(static_cast<size_t>(r.index)) == wanted,
                "operation {}: slot {} names operation {}", op, slot, r.index);
        require(r.event >= 1 && r.event <= 5, "operation {}: event {}", op, r.event);
        if (inside) {
          ++counts[static_cast<size_t>(r.index)];
        }
      }
    }
    for (size_t op = 0; op < count_; ++op) {
      const uint8_t said = graph_->at(op * kGraphBytes + 4);
      require(said == counts[op], "operation {}: dependency count {}, {} operations name it", op, said,
              counts[op]);
    }
  }
  void check_surfaces() {
    for (size_t op = 0; op < count_; ++op) {
      for (const uint64_t at : cubes_of(type_of(op))) {
        check_cube(op, at);
      }
    }
  }
  void check_cube(size_t op, uint64_t at) {
    const uint8_t* cube = surfaces_->data() + op * kSurfaceBytes + at;
    const auto type = load_le<uint16_t>(cube);
    const auto index = load_le<int16_t>(cube + 2);
    const auto offset = load_le<uint32_t>(cube + 4);
    const auto size = load_le<uint32_t>(cube + 8);
    const auto line = load_le<uint32_t>(cube + 20);
    const auto surface = load_le<uint32_t>(cube + 24);
    require(type <= 2, "operation {}, cube {}: type {}", op, at, type);
    if (index < 0 || size == 0) {
      return;  // unused, or on the fly
    }
    if (static_cast<size_t>(index) >= task_.addresses.size()) {
      require(false, "operation {}, cube {}: address {} of {}", op, at, index, task_.addresses.size());
      return;
    }
    const NvidiaLoadable::Address& address = f_.addresses[task_.addresses[static_cast<size_t>(index)]];
    const NvidiaLoadable::Memory& memory = f_.memories[address.memory];
    require(type == 0, "operation {}, cube {}: memory type {}, the runtime has DRAM only", op, at, type);
    require(address.offset + offset + size <= memory.size,
            "operation {}, cube {}: {} bytes at {} in memory {} of {}", op, at, size, address.offset + offset,
            memory.id, memory.size);
    require((address.offset + offset) % atom_ == 0 && line % atom_ == 0 && surface % atom_ == 0,
            "operation {}, cube {}: offset {}, strides {} and {} at atoms of {}", op, at,
            address.offset + offset, line, surface, atom_);
    check_relocated(op, at, task_.addresses[static_cast<size_t>(index)], memory);
  }
  /// Strides of what the user binds can be rewritten.
  void check_relocated(size_t op, uint64_t at, uint16_t address, const NvidiaLoadable::Memory& memory) {
    constexpr uint16_t kBound = 4 | 8;
    const uint8_t type = type_of(op);
    if ((memory.flags & kBound) == 0 || (type == 1 && at == 0)) {
      return;
    }
    for (const uint8_t kind : {uint8_t{1}, uint8_t{2}}) {
      const uint64_t offset = op * kSurfaceBytes + at + 16 + 4 * kind;
      const bool found = std::ranges::any_of(f_.relocs, [&](const NvidiaLoadable::Reloc& r) {
        return r.address == address && r.type == kind && r.offset == offset && r.interface == kDla;
      });
      require(found, "operation {}, cube {}: no relocation of stride {}", op, at, kind);
    }
  }

  const NvidiaLoadable& f_;
  const NvidiaLoadable::Task& task_;
  uint32_t atom_;
  size_t count_ = 0;
  const ByteBuffer *ops_ = nullptr, *surfaces_ = nullptr, *graph_ = nullptr;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> firmware_problems(const NvidiaLoadable& file, uint32_t memory_atom) {
  std::vector<std::string> problems;
  for (const NvidiaLoadable::Task& task : file.tasks) {
    if (task.interface == kDla) {
      for (std::string& problem : Firmware(file, task, memory_atom).check()) {
        problems.push_back(std::move(problem));
      }
    }
  }
  return problems;
}

}  // namespace medlar::test
