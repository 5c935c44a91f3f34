// SPDX-License-Identifier: Apache-2.0
// The thread of a core: takes tasks, lets the chip execute, delivers interrupts, turns faults into failed
// tasks.
#include "driver/sim/core_device.hpp"
#include "driver/sim/messages.hpp"

#include <optional>

namespace medlar::driver {
namespace {

/// The engine whose register group a block's group is; empty for the other blocks of a chain.
std::optional<uint8_t> engine_of(hw::Block block) {
  switch (block) {
    case hw::Block::kBdma:
      return NVDLA_OP_TYPE_BDMA;
    case hw::Block::kCacc:
      return NVDLA_OP_TYPE_CONV;
    case hw::Block::kSdp:
      return NVDLA_OP_TYPE_SDP;
    case hw::Block::kPdp:
      return NVDLA_OP_TYPE_PDP;
    case hw::Block::kCdp:
      return NVDLA_OP_TYPE_CDP;
    case hw::Block::kRubik:
      return NVDLA_OP_TYPE_RUBIK;
    default:
      return std::nullopt;
  }
}

}  // namespace

int CoreDevice::read_register(uint32_t address, uint32_t* value) {
  auto word = chip_.read_register(address);
  if (!word) {
    bus_error_ = std::move(word).error().message;
    return -MEDLAR_EIO;
  }
  *value = *word;
  return 0;
}

int CoreDevice::write_register(uint32_t address, uint32_t value) {
  if (Status written = chip_.write_register(address, value); !written) {
    bus_error_ = std::move(written).error().message;
    return -MEDLAR_EIO;
  }
  return 0;
}

void CoreDevice::reset() {
  log(Severity::kWarning, "engine reset");
  stuck_ = false;
  chip_.reset();
  (void)soc_.smmu().take_fault(soc::Soc::stream_of(core_));
}

void CoreDevice::work() {
  while (true) {
    {
      std::unique_lock lock(wake_mutex_);
      wake_.wait(lock, [&] { return work_waiting_ || stopping_; });
      if (stopping_) {
        return;
      }
      work_waiting_ = false;
    }
    while (dla_next(&device_)) {
      run_task();
    }
  }
}

void CoreDevice::run_task() {
  const auto& record = *static_cast<std::shared_ptr<TaskRecord>*>(device_.current->cookie);
  soc_.smmu().bind(soc::Soc::stream_of(core_), record->context->space->bank());
  dla_start(&device_);
  while (!dla_done(&device_)) {
    step();
  }
  soc_.smmu().bind(soc::Soc::stream_of(core_), 0);
  dla_finish(&device_);
}

/// The interrupt line, as faults that tests inject leave it.
bool CoreDevice::take_interrupt() {
  const std::lock_guard lock(task_mutex_);
  if (injected_.spurious_interrupt) {
    injected_.spurious_interrupt = false;
    return true;
  }
  if (injected_.hang) {
    injected_.hang = false;
    stuck_ = true;
  }
  if (chip_.interrupt() && injected_.lose_interrupt) {
    injected_.lose_interrupt = false;
    stuck_ = true;  // nobody acknowledges it, so the chip waits and so does the driver
  }
  return chip_.interrupt() && !stuck_;
}

void CoreDevice::step() {
  if (take_interrupt()) {
    dla_isr(&device_);
    dla_process(&device_);
    return;
  }
  if (stuck_) {
    dla_hang(&device_);
    return;
  }
  const Result<bool> ran = chip_.step();
  if (!ran) {
    abort_step(ran.error());
  } else if (!*ran && !chip_.interrupt()) {
    dla_hang(&device_);
  }
}

void CoreDevice::abort_step(const Error& error) {
  medlar_query_error reason{};
  reason.kind = MEDLAR_ERROR_REGISTER;
  reason.error = -MEDLAR_EIO;
  if (const auto fault = soc_.smmu().take_fault(soc::Soc::stream_of(core_))) {
    reason.kind =
        fault->kind == soc::FaultKind::kPermission ? MEDLAR_ERROR_PERMISSION : MEDLAR_ERROR_TRANSLATION;
    reason.error = -MEDLAR_EFAULT;
    reason.access = fault->direction == soc::Direction::kWrite ? 2 : 1;
    reason.iova = fault->iova.value;
  }
  bus_error_ = error.message;
  dla_abort(&device_, &reason);
}

void CoreDevice::on_executed(const chip::ExecutedOp& executed) {
  if (op_time_) {
    time_ns_ += op_time_(executed);
  }
  if (!observer_ || device_.current == nullptr) {
    return;
  }
  CompletedOp completed;
  completed.core = core_;
  completed.serial = device_.current->serial;
  completed.executed = &executed;
  for (const chip::ExecutedOp::Unit& unit : executed.units) {
    const auto engine = engine_of(unit.block);
    const int32_t index = engine ? dla_group_op(&device_, *engine, unit.group) : DLA_NO_OP;
    if (index != DLA_NO_OP) {
      completed.parts.push_back({*engine, static_cast<uint32_t>(index)});
    }
  }
  if (!completed.parts.empty()) {
    completed.op_index = completed.parts.front().op_index;
    observer_(completed);
  }
}

}  // namespace medlar::driver
