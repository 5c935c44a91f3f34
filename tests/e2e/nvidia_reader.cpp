// SPDX-License-Identifier: Apache-2.0
#include "e2e/nvidia_reader.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace medlar::test {
namespace {

/// A FlatBuffer's bytes; reads outside are zero and remembered.
struct File {
  const ByteBuffer& bytes;
  bool outside = false;

  template <typename T>
  T at(uint64_t position) {
    T value{};
    if (position > bytes.size() || bytes.size() - position < sizeof value) {
      outside = true;
      return value;
    }
    std::memcpy(&value, bytes.data() + position, sizeof value);
    return value;
  }
  uint64_t follow(uint64_t position) { return position + at<uint32_t>(position); }
};

/// A table; fields by their number.
struct Table {
  File& file;
  uint64_t position;

  /// 0 when the field is absent.
  uint64_t field(uint32_t number) const {
    const uint64_t vtable =
        position - static_cast<uint64_t>(static_cast<int64_t>(file.at<int32_t>(position)));
    const uint32_t entry = 4 + 2 * number;
    const uint16_t offset =
        entry < file.at<uint16_t>(vtable) ? file.at<uint16_t>(vtable + entry) : uint16_t{0};
    return offset == 0 ? 0 : position + offset;
  }
  template <typename T>
  T scalar(uint32_t number) const {
    const uint64_t at = field(number);
    return at == 0 ? T{} : file.at<T>(at);
  }
  std::array<uint8_t, 3> version(uint32_t number) const {
    const uint64_t at = field(number);
    return at == 0 ? std::array<uint8_t, 3>{} : file.at<std::array<uint8_t, 3>>(at);
  }
  std::string string(uint32_t number) const {
    return field(number) == 0 ? "" : string_at(file.follow(field(number)));
  }
  std::string string_at(uint64_t at) const {
    std::string text(std::min<uint64_t>(file.at<uint32_t>(at), file.bytes.size()), '\0');
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = file.at<char>(at + 4 + i);
    }
    return text;
  }
  template <typename T>
  std::vector<T> scalars(uint32_t number) const {
    std::vector<T> values;
    const uint64_t list = field(number) == 0 ? 0 : file.follow(field(number));
    const uint64_t count = list == 0 ? 0 : std::min<uint64_t>(file.at<uint32_t>(list), file.bytes.size());
    for (uint64_t i = 0; i < count; ++i) {
      values.push_back(file.at<T>(list + 4 + i * sizeof(T)));
    }
    return values;
  }
  std::vector<std::string> strings(uint32_t number) const {
    std::vector<std::string> values;
    for (const uint64_t at : targets(number)) {
      values.push_back(string_at(at));
    }
    return values;
  }
  /// What a vector of offsets points to.
  std::vector<uint64_t> targets(uint32_t number) const {
    std::vector<uint64_t> values;
    const uint64_t list = field(number) == 0 ? 0 : file.follow(field(number));
    const uint64_t count = list == 0 ? 0 : std::min<uint64_t>(file.at<uint32_t>(list), file.bytes.size());
    for (uint64_t i = 0; i < count; ++i) {
      values.push_back(file.follow(list + 4 + 4 * i));
    }
    return values;
  }
};

NvidiaLoadable::Task task_of(const Table& t) {
  return {t.scalar<uint16_t>(0),  t.scalar<uint32_t>(1),  t.scalar<int16_t>(2),
          t.scalars<uint16_t>(3), t.scalars<uint16_t>(4), t.scalars<uint16_t>(5)};
}

NvidiaLoadable::Memory memory_of(const Table& t) {
  NvidiaLoadable::Memory memory;
  memory.id = t.scalar<uint16_t>(0);
  memory.domain = t.scalar<uint8_t>(1);
  memory.flags = t.scalar<uint16_t>(2);
  memory.size = t.scalar<uint64_t>(3);
  memory.alignment = t.scalar<uint32_t>(4);
  memory.contents = t.strings(5);
  memory.offsets = t.scalars<uint64_t>(6);
  memory.bind_id = t.scalar<uint16_t>(7);
  memory.tensor = t.scalar<uint16_t>(8);
  return memory;
}

NvidiaLoadable::Address address_of(const Table& t) {
  return {t.scalar<uint16_t>(0), t.scalar<uint16_t>(1), t.scalar<uint64_t>(2), t.scalar<uint64_t>(3)};
}

NvidiaLoadable::Event event_of(const Table& t) {
  return {t.scalar<uint16_t>(0), t.scalar<uint16_t>(2), t.scalar<uint8_t>(1), t.scalar<uint8_t>(4),
          t.scalar<uint32_t>(3)};
}

NvidiaLoadable::Blob blob_of(const Table& t) {
  return {t.string(0),           t.scalar<uint64_t>(1), t.scalar<uint32_t>(2),
          t.scalar<uint32_t>(3), t.version(4),          t.scalars<uint8_t>(5)};
}

NvidiaLoadable::Tensor tensor_of(const Table& t) {
  NvidiaLoadable::Tensor tensor;
  tensor.name = t.string(0);
  tensor.id = t.scalar<uint16_t>(1);
  tensor.memory = t.scalar<uint16_t>(2);
  tensor.size = t.scalar<uint64_t>(3);
  tensor.offset = t.scalar<uint64_t>(4);
  tensor.format = t.scalar<uint8_t>(5);
  tensor.type = t.scalar<uint8_t>(6);
  tensor.category = t.scalar<uint8_t>(7);
  tensor.pixel_format = t.scalar<uint8_t>(8);
  tensor.pixel_mapping = t.scalar<uint8_t>(9);
  for (uint32_t i = 0; i < 4; ++i) {
    tensor.nchw[i] = t.scalar<int32_t>(10 + i);
  }
  for (uint32_t i = 0; i < 8; ++i) {
    tensor.strides[i] = t.scalar<uint32_t>(14 + i);
  }
  return tensor;
}

NvidiaLoadable::Reloc reloc_of(const Table& t) {
  return {t.scalar<uint16_t>(0), t.scalar<uint16_t>(1), t.scalar<uint64_t>(2),
          t.scalar<uint32_t>(3), t.scalar<uint32_t>(4), t.scalar<uint8_t>(5)};
}

NvidiaLoadable::Submit submit_of(const Table& t) {
  return {t.scalar<uint16_t>(0), t.scalars<uint16_t>(1)};
}

template <typename T>
void read_list(const Table& root, uint32_t number, T (*read)(const Table&), std::vector<T>& list) {
  for (const uint64_t at : root.targets(number)) {
    list.push_back(read({root.file, at}));
  }
}

}  // namespace

NvidiaLoadable read_as_nvidia(const ByteBuffer& bytes) {
  static constexpr const char* kLists[] = {"version",          "task_list",  "memory_list",
                                           "address_list",     "event_list", "blobs",
                                           "tensor_desc_list", "reloc_list", "submit_list"};
  NvidiaLoadable result;
  File file{bytes};
  const Table root{file, file.follow(0)};
  for (uint32_t number = 0; number < std::size(kLists); ++number) {
    if (root.field(number) == 0) {
      result.problems.push_back(
          fmt::format("{} is absent: the runtime does not look before it follows", kLists[number]));
    }
  }
  if (bytes.size() < 8 || std::memcmp(bytes.data() + 4, "NVDA", 4) != 0) {
    result.problems.emplace_back("no file identifier NVDA");
  }
  result.version = root.version(0);
  read_list(root, 1, task_of, result.tasks);
  read_list(root, 2, memory_of, result.memories);
  read_list(root, 3, address_of, result.addresses);
  read_list(root, 4, event_of, result.events);
  read_list(root, 5, blob_of, result.blobs);
  read_list(root, 6, tensor_of, result.tensors);
  read_list(root, 7, reloc_of, result.relocs);
  read_list(root, 8, submit_of, result.submits);
  if (file.outside) {
    result.problems.emplace_back("an offset leads outside the file");
  }
  return result;
}

const NvidiaLoadable::Blob* NvidiaLoadable::find_blob(const std::string& name) const {
  const auto found = std::ranges::find(blobs, name, &Blob::name);
  return found == blobs.end() ? nullptr : &*found;
}

const NvidiaLoadable::Blob* NvidiaLoadable::blob_at(const Task& task, int index) const {
  if (index < 0 || static_cast<size_t>(index) >= task.addresses.size()) {
    return nullptr;
  }
  const Address& address = addresses.at(task.addresses[static_cast<size_t>(index)]);
  const Memory& memory = memories.at(address.memory);
  // The kernel reads descriptors at offset 0 of their buffer, whatever the entry says.
  return address.offset != 0 || memory.contents.empty() ? nullptr : find_blob(memory.contents[0]);
}

}  // namespace medlar::test
