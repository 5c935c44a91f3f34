// SPDX-License-Identifier: Apache-2.0
// Driver core, chip and flat memory put together.
#include "back_runner.hpp"

#include <cstdlib>
#include <cstring>

#include "base/checked.hpp"
#include "chip/chip.hpp"
#include "driver/core/device.h"
#include "loadable/loadable.hpp"
#include "umd/tensor_io.hpp"

namespace medlar::compiler::test {
namespace {

constexpr uint64_t kBase = 0x10000000;

/// Each memory entry of the loadable at an address of its own.
class FlatMemory final : public chip::MemoryPort {
 public:
  void add(uint64_t bytes) {
    memories_.push_back({next_, ByteBuffer(bytes, 0x7e)});
    next_ += round_up<uint64_t>(bytes, 4096) + 4096;
  }
  ByteBuffer& bytes(size_t memory) { return memories_[memory].bytes; }
  uint64_t base(size_t memory) const { return memories_[memory].base; }

  std::span<uint8_t> view(chip::Ram, uint64_t address, uint64_t size, chip::Access) override {
    for (Memory& m : memories_) {
      if (address >= m.base && range_inside(address - m.base, size, m.bytes.size())) {
        return {m.bytes.data() + (address - m.base), size};
      }
    }
    return {};
  }
  Status read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) override {
    const auto from = view(ram, address, out.size(), chip::Access::kRead);
    if (from.empty()) {
      return fail(Code::kFault, "read of {} bytes at {:#x}", out.size(), address);
    }
    std::memcpy(out.data(), from.data(), out.size());
    return {};
  }
  Status write(chip::Ram ram, uint64_t address, std::span<const uint8_t> in) override {
    const auto to = view(ram, address, in.size(), chip::Access::kWrite);
    if (to.empty()) {
      return fail(Code::kFault, "write of {} bytes at {:#x}", in.size(), address);
    }
    std::memcpy(to.data(), in.data(), in.size());
    return {};
  }

 private:
  struct Memory {
    uint64_t base;
    ByteBuffer bytes;
  };
  std::vector<Memory> memories_;
  uint64_t next_ = kBase;
};

struct System {
  explicit System(const hw::HwConfig& config) : chip(config, memory) {}
  FlatMemory memory;
  chip::Chip chip;
  dla_power power = DLA_POWER_OFF;
  std::string error;
  int status = 1;
  medlar_query_error reason{};
};

System& self_of(void* self) { return *static_cast<System*>(self); }

int read_register(void* self, uint32_t address, uint32_t* value) {
  const auto result = self_of(self).chip.read_register(address);
  if (!result) {
    self_of(self).error = result.error().message;
    return -1;
  }
  *value = *result;
  return 0;
}

int write_register(void* self, uint32_t address, uint32_t value) {
  const auto result = self_of(self).chip.write_register(address, value);
  if (!result) {
    self_of(self).error = result.error().message;
    return -1;
  }
  return 0;
}

int fetch(void*, void* buffer, uint64_t offset, void* out, size_t bytes) {
  std::memcpy(out, static_cast<ByteBuffer*>(buffer)->data() + offset, bytes);
  return 0;
}

dla_port port_of(System& system) {
  dla_port port{};
  port.self = &system;
  port.read = read_register;
  port.write = write_register;
  port.allocate = [](void*, size_t bytes) { return std::calloc(1, bytes); };
  port.release = [](void*, void* memory, size_t) { std::free(memory); };
  port.fetch = fetch;
  port.lock = [](void*) {};
  port.unlock = [](void*) {};
  port.now = [](void*) { return uint64_t{0}; };
  port.reset = [](void* self) { self_of(self).chip.reset(); };
  port.set_power = [](void* self, dla_power power) {
    if (self_of(self).power == DLA_POWER_OFF) {
      self_of(self).chip.reset();
    }
    self_of(self).power = power;
    return 0;
  };
  port.finished = [](void* self, dla_task* task) {
    self_of(self).status = task->status;
    self_of(self).reason = task->reason;
  };
  return port;
}

dla_config config_of(const hw::HwConfig& config) {
  dla_config c{};
  c.register_map = config.register_map == hw::RegisterMap::kV1 ? 1 : 2;
  c.precisions = config.precision_bits;
  c.max_batch = static_cast<uint16_t>(config.max_batch);
  const auto offer = [&](bool present, uint32_t feature) { c.features |= present ? feature : 0; };
  offer(config.rubik, MEDLAR_FEATURE_RUBIK);
  offer(config.cdp, MEDLAR_FEATURE_CDP);
  offer(config.pdp, MEDLAR_FEATURE_PDP);
  offer(config.sdp_ew(), MEDLAR_FEATURE_ELTWISE);
  offer(config.sdp_lut, MEDLAR_FEATURE_LUT);
  c.memory_atom = config.memory_atom;
  c.alignment = config.dma_address_alignment;
  c.cbuf_banks = config.cbuf_banks;
  c.max_operations = 20000;
  c.max_addresses = 6144;
  c.default_timeout_ns = 1000000000;
  return c;
}

Status run_task(System& system, const dla_config& config, const dla_request& request) {
  const dla_port port = port_of(system);
  dla_device device;
  dla_device_init(&device, &port, &config);
  dla_context context;
  dla_context_add(&device, &context, MEDLAR_PRIORITY_NORMAL);
  dla_task* task = nullptr;
  medlar_query_error reason{};
  if (dla_task_create(&port, &config, &request, &task, &reason) != 0) {
    return fail(Code::kFault, "driver refuses operation {}: {} is {}, limit {}", reason.op_index, reason.field, reason.value,
                reason.limit);
  }
  dla_submit(&device, &context, task, 0);
  dla_next(&device);
  dla_start(&device);
  while (!dla_done(&device)) {
    const auto stepped = system.chip.step();
    if (!stepped) {
      system.error = stepped.error().message;
    }
    if (system.chip.interrupt()) {
      dla_isr(&device);
      dla_process(&device);
    } else if (!stepped || !*stepped) {
      dla_hang(&device);
    }
  }
  dla_finish(&device);
  const int status = system.status;
  if (status != 0) {
    const auto failed = fail(Code::kFault, "task ends with {} at operation {}: {}", status, system.reason.op_index, system.error);
    dla_task_destroy(&port, task);
    return failed;
  }
  dla_task_destroy(&port, task);
  return {};
}

Status fill_memories(const loadable::Loadable& l, System& system) {
  for (size_t i = 0; i < l.memories.size(); ++i) {
    system.memory.add(round_up<uint64_t>(l.memories[i].size, 32));
    for (const loadable::Content& content : l.memories[i].contents) {
      const loadable::Blob* blob = loadable::find_blob(l, content.blob);
      std::copy(blob->data.begin(), blob->data.end(), system.memory.bytes(i).begin() + static_cast<int64_t>(content.offset));
    }
  }
  return {};
}

const DlaBinding* find_binding(const std::vector<DlaBinding>& bindings, const std::string& name) {
  for (const DlaBinding& b : bindings) {
    if (b.tensor == name) {
      return &b;
    }
  }
  return nullptr;
}

Status bind_inputs(const loadable::Loadable& l, const EmittedSegment& segment, System& system, const RealsByName& inputs) {
  for (const loadable::Tensor& t : l.tensors) {
    const DlaBinding* binding = find_binding(segment.inputs, t.name);
    if (binding != nullptr) {
      const std::vector<double>& reals = inputs.at(t.name);
      const std::vector<float> values(reals.begin(), reals.end());
      MEDLAR_TRY(umd::pack_tensor(t, values, binding->scale, system.memory.bytes(t.memory)));
    }
  }
  return {};
}

Result<RealsByName> read_outputs(const loadable::Loadable& l, const EmittedSegment& segment, System& system) {
  RealsByName outputs;
  for (const loadable::Tensor& t : l.tensors) {
    const DlaBinding* binding = find_binding(segment.outputs, t.name);
    if (binding != nullptr) {
      std::vector<float> values(umd::element_count(t));
      MEDLAR_TRY(umd::unpack_tensor(t, system.memory.bytes(t.memory), binding->scale, values));
      outputs[t.name].assign(values.begin(), values.end());
    }
  }
  return outputs;
}

}  // namespace

Result<RealsByName> run_segment(const EmittedSegment& segment, const hw::HwConfig& config, const RealsByName& inputs) {
  MEDLAR_ASSIGN(const loadable::Loadable l, loadable::read(segment.loadable, "emitted"));
  System system(config);
  MEDLAR_TRY(fill_memories(l, system));
  MEDLAR_TRY(bind_inputs(l, segment, system, inputs));
  std::vector<dla_address> addresses;
  for (const uint16_t id : l.tasks[0].addresses) {
    const loadable::Address& a = l.addresses[id];
    ByteBuffer& memory = system.memory.bytes(a.memory);
    addresses.push_back({.buffer = &memory,
                         .iova = system.memory.base(a.memory) + a.offset,
                         .bytes = memory.size() - a.offset,
                         .offset = a.offset,
                         .sram = l.memories[a.memory].domain == loadable::Domain::kSram,
                         .writable = true});
  }
  const dla_request request{.addresses = addresses.data(), .num_addresses = static_cast<uint32_t>(addresses.size()), .timeout_ns = 0};
  MEDLAR_TRY(run_task(system, config_of(config), request));
  return read_outputs(l, segment, system);
}

}  // namespace medlar::compiler::test
