// SPDX-License-Identifier: Apache-2.0
// NVIDIA's own loadables through validation and scheduler, on the fake chip: nothing of theirs is refused or
// hangs.
#include "base/checked.hpp"
#include "driver/fake_chip.hpp"
#include "driver/task_builder.hpp"
#include "loadable/corpus.hpp"
#include "loadable/loadable.hpp"
#include "loadable/upgrade.hpp"

#include <gtest/gtest.h>

namespace medlar::driver::test {
namespace {

struct Buffers {
  std::vector<ByteBuffer> memories;
  std::vector<dla_address> addresses;
};

/// Memory entries filled with their blobs, each at its own IOVA.
Buffers load_memories(const loadable::Loadable& loadable) {
  Buffers result;
  for (const loadable::Memory& memory : loadable.memories) {
    ByteBuffer bytes(round_up<uint64_t>(memory.size, 4096));
    for (const loadable::Content& content : memory.contents) {
      const loadable::Blob* blob = loadable::find_blob(loadable, content.blob);
      if (blob != nullptr) {
        std::copy(blob->data.begin(), blob->data.end(), bytes.begin() + static_cast<int64_t>(content.offset));
      }
    }
    result.memories.push_back(std::move(bytes));
  }
  return result;
}

dla_request request_of(const loadable::Loadable& loadable, const loadable::Task& task, Buffers& buffers) {
  buffers.addresses.clear();
  for (const uint16_t id : task.addresses) {
    const loadable::Address& address = loadable.addresses[id];
    ByteBuffer& memory = buffers.memories[address.memory];
    buffers.addresses.push_back({.buffer = memory.data(),
                                 .iova = 0x1000'0000u + (uint64_t{address.memory} << 28) + address.offset,
                                 .bytes = memory.size() - address.offset,
                                 .offset = address.offset,
                                 .sram = loadable.memories[address.memory].domain == loadable::Domain::kSram,
                                 .writable = true});
  }
  return {.addresses = buffers.addresses.data(),
          .num_addresses = static_cast<uint32_t>(buffers.addresses.size()),
          .timeout_ns = 0};
}

void run_loadable(const std::string& name, ByteView bytes, const dla_config& config) {
  SCOPED_TRACE(name);
  auto read = loadable::read(bytes, name);
  ASSERT_TRUE(read) << read.error().to_string();
  auto current = loadable::upgrade(std::move(*read));
  ASSERT_TRUE(current) << current.error().to_string();
  Buffers buffers = load_memories(*current);
  for (const loadable::Task& task : current->tasks) {
    if (task.interface != loadable::Interface::kDla1) {
      continue;
    }
    FakeSystem system(config);
    dla_context context;
    dla_context_add(&system.device, &context, MEDLAR_PRIORITY_NORMAL);
    const dla_request request = request_of(*current, task, buffers);
    const dla_port port = system.port();
    medlar_query_error reason;
    dla_task* created = nullptr;
    ASSERT_EQ(dla_task_create(&port, &config, &request, &created, &reason), 0)
        << "operation " << reason.op_index << ": " << reason.field << " " << reason.value << ", limit "
        << reason.limit;
    dla_submit(&system.device, &context, created, 0);
    system.run();
    ASSERT_EQ(system.ended.size(), 1u);
    EXPECT_EQ(system.ended[0].status, 0) << "operation " << system.ended[0].reason.op_index;
    EXPECT_EQ(system.device.counters.spurious, 0u);
  }
}

/// nv_large: the small chip's instructions with the large one's atoms.
dla_config large_config() {
  dla_config config = small_config();
  config.memory_atom = config.alignment = 32;
  config.cbuf_banks = 16;
  config.features |= MEDLAR_FEATURE_ELTWISE | MEDLAR_FEATURE_LUT;
  return config;
}

TEST(OfficialLoadables, AllAreAcceptedAndRunToTheirEnd) {
  MEDLAR_OFFICIAL_LOADABLES(loadables);
  for (const auto& [name, bytes] : loadables) {
    run_loadable(name, bytes,
                 name.ends_with("_small")   ? small_config()
                 : name.ends_with("_large") ? large_config()
                                            : full_config());
  }
  EXPECT_EQ(loadables.size(), 30u);
}

}  // namespace
}  // namespace medlar::driver::test
