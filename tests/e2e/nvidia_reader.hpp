// SPDX-License-Identifier: Apache-2.0
// NVIDIA's side of a loadable, written from its documented format alone and without a line of src/loadable:
// reads the FlatBuffer by field numbers and says what NVIDIA's runtime and kernel driver would stumble over.
#pragma once

#include "base/bytes.hpp"

#include <array>
#include <string>
#include <vector>

namespace medlar::test {

struct NvidiaLoadable {
  struct Task {
    uint16_t id = 0;
    uint32_t interface = 0;
    int16_t instance = 0;
    std::vector<uint16_t> addresses, pre_actions, post_actions;
  };
  struct Memory {
    uint16_t id = 0, flags = 0, bind_id = 0, tensor = 0;
    uint8_t domain = 0;
    uint64_t size = 0;
    uint32_t alignment = 0;
    std::vector<std::string> contents;
    std::vector<uint64_t> offsets;
  };
  struct Address {
    uint16_t id = 0, memory = 0;
    uint64_t offset = 0, size = 0;
  };
  struct Event {
    uint16_t id = 0, target = 0;
    uint8_t type = 0, op = 0;
    uint32_t value = 0;
  };
  struct Blob {
    std::string name;
    uint64_t size = 0;
    uint32_t interface = 0, sub_interface = 0;
    std::array<uint8_t, 3> version{};
    ByteBuffer data;
  };
  struct Tensor {
    std::string name;
    uint16_t id = 0, memory = 0;
    uint64_t size = 0, offset = 0;
    uint8_t format = 0, type = 0, category = 0, pixel_format = 0, pixel_mapping = 0;
    std::array<int32_t, 4> nchw{};
    std::array<uint32_t, 8> strides{};
  };
  struct Reloc {
    uint16_t address = 0, write = 0;
    uint64_t offset = 0;
    uint32_t interface = 0, sub_interface = 0;
    uint8_t type = 0;
  };
  struct Submit {
    uint16_t id = 0;
    std::vector<uint16_t> tasks;
  };

  std::array<uint8_t, 3> version{};
  std::vector<Task> tasks;
  std::vector<Memory> memories;
  std::vector<Address> addresses;
  std::vector<Event> events;
  std::vector<Blob> blobs;
  std::vector<Tensor> tensors;
  std::vector<Reloc> relocs;
  std::vector<Submit> submits;
  std::vector<std::string> problems;  ///< Of the frame: lists that are missing, bytes outside the file.

  const Blob* find_blob(const std::string& name) const;
  /// The blob at the beginning of the memory behind an entry of a task's address list; null when there is
  /// none.
  const Blob* blob_at(const Task& task, int index) const;
};

NvidiaLoadable read_as_nvidia(const ByteBuffer& file);

/// What the runtime would refuse or misread, one sentence each; empty: nothing.
std::vector<std::string> runtime_problems(const NvidiaLoadable& file);
/// The same for the kernel driver: network descriptors, dependency graphs, surfaces of the tasks for the DLA.
std::vector<std::string> firmware_problems(const NvidiaLoadable& file, uint32_t memory_atom);

}  // namespace medlar::test
