// SPDX-License-Identifier: Apache-2.0
#include "driver/fake_chip.hpp"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace medlar::driver::test {
namespace {

constexpr dla_unit kConv[] = {DLA_UNIT_CACC, DLA_UNIT_CMAC_A, DLA_UNIT_CMAC_B, DLA_UNIT_CSC, DLA_UNIT_CDMA};
constexpr uint32_t kFreeSlots = 20;

uint32_t bit(uint32_t shift, int group) {
  return 1u << (shift + static_cast<uint32_t>(group));
}

}  // namespace

void FakeChip::reset() {
  units_ = {};
  mask_ = 0;
  status_ = 0;
  launched_[0] = launched_[1] = false;
  stuck = false;
}

int FakeChip::read(uint32_t address, uint32_t* value) {
  for (int i = 0; i < DLA_UNIT_COUNT; ++i) {
    const auto id = static_cast<dla_unit>(i);
    const uint32_t offset = address - dla_unit_base(&config_, id);
    if (offset >= 0x1000) {
      continue;
    }
    const Unit& unit = units_[id];
    if (id == DLA_UNIT_GLB) {
      *value = offset == NVDLA_GLB_S_INTR_MASK ? mask_ : offset == NVDLA_GLB_S_INTR_STATUS ? status_ : 0;
    } else if (id == DLA_UNIT_BDMA) {
      *value = kFreeSlots | (launched_[0] ? NVDLA_BDMA_STATUS_GRP0_BUSY_MASK : 0) |
               (launched_[1] ? NVDLA_BDMA_STATUS_GRP1_BUSY_MASK : 0);
    } else if (offset == DLA_S_STATUS) {
      *value = (unit.enabled[0] ? 1u : 0u) | (unit.enabled[1] ? 0x10000u : 0u);
    } else if (offset == DLA_S_POINTER) {
      *value = static_cast<uint32_t>(unit.producer) | static_cast<uint32_t>(unit.consumer) << 16;
    } else if (id == DLA_UNIT_CDMA && offset == NVDLA_CDMA_S_CBUF_FLUSH_STATUS) {
      *value = 1;
    } else {
      *value = 0;
    }
    return 0;
  }
  return -MEDLAR_EFAULT;
}

int FakeChip::write(uint32_t address, uint32_t value) {
  for (int i = 0; i < DLA_UNIT_COUNT; ++i) {
    const auto id = static_cast<dla_unit>(i);
    const uint32_t offset = address - dla_unit_base(&config_, id);
    if (offset >= 0x1000) {
      continue;
    }
    Unit& unit = units_[id];
    if (id == DLA_UNIT_GLB) {
      status_ &= offset == NVDLA_GLB_S_INTR_STATUS ? ~value : ~0u;
      return 0;
    }
    if (id == DLA_UNIT_BDMA) {
      launched_[0] |= offset == NVDLA_BDMA_CFG_LAUNCH0;
      launched_[1] |= offset == NVDLA_BDMA_CFG_LAUNCH1;
      unit.words[0][offset] = value;
      return 0;
    }
    if (offset == DLA_S_POINTER) {
      unit.producer = static_cast<int>(value & 1);
      return 0;
    }
    const bool lut = (id == DLA_UNIT_SDP && offset < NVDLA_SDP_D_OP_ENABLE) ||
                     (id == DLA_UNIT_CDP && offset < NVDLA_CDP_D_OP_ENABLE);
    if (lut) {
      ++lut_writes;
      return unit.enabled[0] && unit.enabled[1] ? -MEDLAR_EBUSY : 0;
    }
    if (unit.enabled[unit.producer]) {
      return -MEDLAR_EBUSY;
    }
    unit.words[unit.producer][offset] = value;
    unit.enabled[unit.producer] = offset == dla_op_enable(id) && value == 1;
    return 0;
  }
  return -MEDLAR_EFAULT;
}

void FakeChip::finish(dla_unit id) {
  Unit& unit = units_[id];
  unit.enabled[unit.consumer] = false;
  unit.consumer = 1 - unit.consumer;
}

bool FakeChip::sdp_ready(bool flying) const {
  if (!ready(DLA_UNIT_SDP)) {
    return false;
  }
  const Unit& sdp = units_[DLA_UNIT_SDP];
  const uint32_t mode = sdp.words[sdp.consumer].at(NVDLA_SDP_D_FEATURE_MODE_CFG);
  return ((mode & NVDLA_SDP_D_FEATURE_MODE_CFG_FLYING_MODE_MASK) != 0) == flying;
}

/// The SDP operation whose turn it is reads memory: its source, or the operands of a stage.
bool FakeChip::sdp_reads() const {
  const Unit& sdp = units_[DLA_UNIT_SDP];
  const auto& words = sdp.words[sdp.consumer];
  const auto bit_of = [&](uint32_t offset, uint32_t mask) {
    const auto word = words.find(offset);
    return word != words.end() && (word->second & mask) != 0;
  };
  if (!bit_of(NVDLA_SDP_D_FEATURE_MODE_CFG, NVDLA_SDP_D_FEATURE_MODE_CFG_FLYING_MODE_MASK)) {
    return true;
  }
  constexpr uint32_t kStage = NVDLA_SDP_D_DP_BN_CFG - NVDLA_SDP_D_DP_BS_CFG;
  for (uint32_t stage = 0; stage <= kStage; stage += kStage) {
    if (bit_of(stage + NVDLA_SDP_D_DP_BS_CFG, NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_MASK)) {
      continue;
    }
    const bool alu = !bit_of(stage + NVDLA_SDP_D_DP_BS_CFG, NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_MASK);
    const bool mul = !bit_of(stage + NVDLA_SDP_D_DP_BS_CFG, NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_MASK);
    if ((alu && bit_of(stage + NVDLA_SDP_D_DP_BS_ALU_CFG, NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_MASK)) ||
        (mul && bit_of(stage + NVDLA_SDP_D_DP_BS_MUL_CFG, NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_MASK))) {
      return true;
    }
  }
  if (bit_of(NVDLA_SDP_D_DP_EW_CFG, NVDLA_SDP_D_DP_EW_CFG_EW_BYPASS_MASK)) {
    return false;
  }
  const bool alu = !bit_of(NVDLA_SDP_D_DP_EW_CFG, NVDLA_SDP_D_DP_EW_CFG_EW_ALU_BYPASS_MASK);
  const bool mul = !bit_of(NVDLA_SDP_D_DP_EW_CFG, NVDLA_SDP_D_DP_EW_CFG_EW_MUL_BYPASS_MASK);
  return (alu && bit_of(NVDLA_SDP_D_DP_EW_ALU_CFG, NVDLA_SDP_D_DP_EW_ALU_CFG_EW_ALU_SRC_MASK)) ||
         (mul && bit_of(NVDLA_SDP_D_DP_EW_MUL_CFG, NVDLA_SDP_D_DP_EW_MUL_CFG_EW_MUL_SRC_MASK));
}

/// True when SDP's result goes to memory, or to a PDP that is ready (which then finishes too).
bool FakeChip::chain_pdp(std::string& name) {
  const Unit& sdp = units_[DLA_UNIT_SDP];
  const uint32_t mode = sdp.words[sdp.consumer].at(NVDLA_SDP_D_FEATURE_MODE_CFG);
  if ((mode & NVDLA_SDP_D_FEATURE_MODE_CFG_OUTPUT_DST_MASK) == 0) {
    return true;
  }
  const Unit& pdp = units_[DLA_UNIT_PDP];
  if (!ready(DLA_UNIT_PDP) || (pdp.words[pdp.consumer].at(NVDLA_PDP_D_OPERATION_MODE_CFG) &
                               NVDLA_PDP_D_OPERATION_MODE_CFG_FLYING_MODE_MASK) != 0) {
    return false;
  }
  name += "+PDP" + std::to_string(pdp.consumer);
  status_ |= bit(NVDLA_GLB_S_INTR_STATUS_PDP_DONE_STATUS0_SHIFT, pdp.consumer);
  finish(DLA_UNIT_PDP);
  return true;
}

bool FakeChip::run_conv() {
  for (const dla_unit unit : kConv) {
    if (!ready(unit)) {
      return false;
    }
  }
  std::string name;
  const bool reads = sdp_ready(true) && sdp_reads();
  if (!sdp_ready(true) || (reads && !ready(DLA_UNIT_SDP_RDMA)) || !chain_pdp(name)) {
    return false;
  }
  const int group = units_[DLA_UNIT_CACC].consumer;
  const int sdp = units_[DLA_UNIT_SDP].consumer;
  executed.push_back("CONV" + std::to_string(group) + "+SDP" + std::to_string(sdp) + name);
  status_ |= bit(NVDLA_GLB_S_INTR_STATUS_CACC_DONE_STATUS0_SHIFT, group) |
             bit(NVDLA_GLB_S_INTR_STATUS_CDMA_DAT_DONE_STATUS0_SHIFT, group) |
             bit(NVDLA_GLB_S_INTR_STATUS_CDMA_WT_DONE_STATUS0_SHIFT, group) |
             bit(NVDLA_GLB_S_INTR_STATUS_SDP_DONE_STATUS0_SHIFT, sdp);
  for (const dla_unit unit : kConv) {
    finish(unit);
  }
  finish(DLA_UNIT_SDP);
  if (reads) {
    finish(DLA_UNIT_SDP_RDMA);
  }
  return true;
}

bool FakeChip::run_from_memory(dla_unit unit, dla_unit rdma, bool has_rdma, const char* name,
                               uint32_t done_bit) {
  if (!ready(unit) || (has_rdma && !ready(rdma))) {
    return false;
  }
  const int group = units_[unit].consumer;
  std::string label = name + std::to_string(group);
  if (unit == DLA_UNIT_SDP && !chain_pdp(label)) {
    return false;
  }
  executed.push_back(label);
  status_ |= bit(done_bit, group);
  finish(unit);
  if (has_rdma) {
    finish(rdma);
  }
  return true;
}

bool FakeChip::run_bdma() {
  for (int group = 0; group < 2; ++group) {
    if (launched_[group]) {
      launched_[group] = false;
      executed.push_back("BDMA" + std::to_string(group));
      status_ |= bit(NVDLA_GLB_S_INTR_STATUS_BDMA_DONE_STATUS0_SHIFT, group);
      return true;
    }
  }
  return false;
}

bool FakeChip::step() {
  if (stuck || executed.size() >= hang_after) {
    return false;
  }
  return run_conv() ||
         (sdp_ready(false) && run_from_memory(DLA_UNIT_SDP, DLA_UNIT_SDP_RDMA, true, "SDP",
                                              NVDLA_GLB_S_INTR_STATUS_SDP_DONE_STATUS0_SHIFT)) ||
         run_from_memory(DLA_UNIT_PDP, DLA_UNIT_PDP_RDMA, true, "PDP",
                         NVDLA_GLB_S_INTR_STATUS_PDP_DONE_STATUS0_SHIFT) ||
         run_from_memory(DLA_UNIT_CDP, DLA_UNIT_CDP_RDMA, true, "CDP",
                         NVDLA_GLB_S_INTR_STATUS_CDP_DONE_STATUS0_SHIFT) ||
         run_from_memory(DLA_UNIT_RBK, DLA_UNIT_RBK, false, "RUBIK",
                         NVDLA_GLB_S_INTR_STATUS_RUBIK_DONE_STATUS0_SHIFT) ||
         run_bdma();
}

FakeSystem::FakeSystem(const dla_config& wanted) : chip(wanted), config(wanted) {
  const dla_port p = port();
  dla_device_init(&device, &p, &config);
}

dla_port FakeSystem::port() {
  dla_port p{};
  p.self = this;
  p.read = [](void* s, uint32_t address, uint32_t* value) {
    auto* system = static_cast<FakeSystem*>(s);
    return system->power == DLA_POWER_ON ? system->chip.read(address, value) : -MEDLAR_ENODEV;
  };
  p.write = [](void* s, uint32_t address, uint32_t value) {
    auto* system = static_cast<FakeSystem*>(s);
    return system->power == DLA_POWER_ON ? system->chip.write(address, value) : -MEDLAR_ENODEV;
  };
  p.allocate = [](void* s, size_t bytes) -> void* {
    auto* system = static_cast<FakeSystem*>(s);
    if (system->fail_allocation >= 0 && system->fail_allocation-- == 0) {
      return nullptr;
    }
    system->live_bytes += static_cast<int64_t>(bytes);
    return std::calloc(1, bytes);
  };
  p.release = [](void* s, void* memory, size_t bytes) {
    static_cast<FakeSystem*>(s)->live_bytes -= static_cast<int64_t>(bytes);
    std::free(memory);
  };
  p.fetch = [](void*, void* buffer, uint64_t offset, void* out, size_t bytes) {
    std::memcpy(out, static_cast<const uint8_t*>(buffer) + offset, bytes);
    return 0;
  };
  p.lock = [](void* s) { static_cast<FakeSystem*>(s)->mutex.lock(); };
  p.unlock = [](void* s) { static_cast<FakeSystem*>(s)->mutex.unlock(); };
  p.now = [](void* s) { return static_cast<FakeSystem*>(s)->now_ns; };
  p.reset = [](void* s) { static_cast<FakeSystem*>(s)->chip.reset(); };
  p.set_power = [](void* s, dla_power wanted) {
    auto* system = static_cast<FakeSystem*>(s);
    if (wanted == DLA_POWER_ON && system->power == DLA_POWER_OFF) {
      system->chip.reset();
    }
    system->power_history.push_back(wanted);
    system->power = wanted;
    return 0;
  };
  p.finished = [](void* s, dla_task* task) {
    auto* system = static_cast<FakeSystem*>(s);
    system->ended.push_back({task->serial, task->status, task->reason, task->cookie});
    const dla_port port = system->port();
    dla_task_destroy(&port, task);
  };
  return p;
}

/// The interrupt line, as injected faults leave it.
static bool take_interrupt(FakeSystem& system) {
  if (std::exchange(system.injected.lose_power, false)) {
    system.power = DLA_POWER_OFF;
    return true;
  }
  if (std::exchange(system.injected.spurious_interrupt, false)) {
    return true;
  }
  system.chip.stuck |= std::exchange(system.injected.hang, false);
  if (system.chip.interrupt() && std::exchange(system.injected.lose_interrupt, false)) {
    system.chip.stuck = true;
  }
  return system.chip.interrupt() && !system.chip.stuck;
}

bool FakeSystem::run_one() {
  if (!dla_next(&device)) {
    dla_idle(&device);
    return false;
  }
  dla_start(&device);
  while (!dla_done(&device)) {
    if (take_interrupt(*this)) {
      dla_isr(&device);
      dla_process(&device);
    } else if (!chip.step()) {
      dla_hang(&device);
    }
    now_ns += step_ns;
  }
  dla_finish(&device);
  return true;
}

void FakeSystem::run() {
  while (run_one()) {
  }
}

dla_config full_config() {
  return {.register_map = 1,
          .precisions = 7,
          .max_batch = 32,
          .features = 511,
          .memory_atom = 32,
          .alignment = 32,
          .cbuf_banks = 16,
          .max_operations = 4096,
          .max_addresses = 6144,
          .max_loadables = 16,
          .default_timeout_ns = 1'000'000'000,
          .power_idle_ns = 1'000'000};
}

dla_config small_config() {
  dla_config config = full_config();
  config.register_map = 2;
  config.precisions = 1;
  config.max_batch = 1;
  config.features = MEDLAR_FEATURE_CDP | MEDLAR_FEATURE_PDP;
  config.memory_atom = 8;
  config.alignment = 8;
  config.cbuf_banks = 32;
  return config;
}

}  // namespace medlar::driver::test
