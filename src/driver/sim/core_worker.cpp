// SPDX-License-Identifier: Apache-2.0
// Running tasks: takes them from the queue, lets the chip execute, delivers interrupts, turns faults into failed tasks.
#include "driver/sim/core_device.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>

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

int CoreDevice::bus_error(const Error& error) {
  bus_error_ = error.message;
  return soc_.power(core_).state() == soc::PowerState::kOn ? -MEDLAR_EIO : -MEDLAR_ENODEV;
}

int CoreDevice::read_register(uint32_t address, uint32_t* value) {
  const auto word = soc_.bus().read(base_ + address);
  if (!word) {
    return bus_error(word.error());
  }
  *value = *word;
  return 0;
}

int CoreDevice::write_register(uint32_t address, uint32_t value) {
  const Status written = soc_.bus().write(base_ + address, value);
  return written ? 0 : bus_error(written.error());
}

int CoreDevice::set_power(dla_power power) {
  soc::PowerDomain& domain = soc_.power(core_);
  const hw::Platform& platform = *soc_.config().platform;
  const soc::PowerState before = domain.state();
  const bool on = power == DLA_POWER_ON;
  domain.set(on                              ? soc::PowerState::kOn
             : power == DLA_POWER_CLOCK_GATED ? soc::PowerState::kGated
                                              : soc::PowerState::kOff,
             time_ns_);
  if (on && before == soc::PowerState::kOff) {
    time_ns_ += platform.power_wake_us * 1000;
    chip_.reset();
    log(Severity::kVerbose, fmt::format("power domain {} on after {} us", domain.name(), platform.power_wake_us));
  } else if (on && before == soc::PowerState::kGated) {
    time_ns_ += platform.clock_wake_ns;
  } else if (power == DLA_POWER_OFF) {
    log(Severity::kVerbose, fmt::format("power domain {} off", domain.name()));
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
  while (wait_for_work()) {
    const std::lock_guard run(run_mutex_);
    drain();
  }
}

/// False when the core goes away.
bool CoreDevice::wait_for_work() {
  constexpr std::chrono::microseconds kGrace(50);
  std::unique_lock lock(wake_mutex_);
  while (!stopping_) {
    parked_ = !work_waiting_;
    if (parked_) {
      wake_.wait(lock, [&] { return work_waiting_ || stopping_; });
      parked_ = false;
    }
    work_waiting_ = false;
    if (hurried_ || wake_.wait_for(lock, kGrace, [&] { return hurried_ || stopping_; }) ||
        dla_waiting(&device_)) {
      hurried_ = false;
      return !stopping_;
    }
  }
  return false;
}

/// Runs what may run, then lets the driver save power.
void CoreDevice::drain() {
  while (dla_next(&device_)) {
    run_task();
  }
  dla_idle(&device_);
}

void CoreDevice::help(const Fence& fence) {
  const std::unique_lock run(run_mutex_, std::try_to_lock);
  if (!run) {
    return;
  }
  while (!fence.signalled()) {
    if (!dla_next(&device_)) {
      return;  // what is left waits for other engines; the worker has been woken for it
    }
    run_task();
  }
  dla_idle(&device_);
}

void CoreDevice::idle(uint64_t ns) {
  const std::lock_guard run(run_mutex_);
  drain();
  rest(time_ns_ + ns);
}

void CoreDevice::idle_until(uint64_t until) {
  std::unique_lock run(run_mutex_, std::try_to_lock);
  while (!run) {  // the worker is about to leave, unless there is work
    if (unfinished_ != 0) {
      return;
    }
    std::this_thread::yield();
    static_cast<void>(run.try_lock());
  }
  if (!dla_waiting(&device_) && until > time_ns_) {
    rest(until);
  }
}

/// The power management's timers fire on the way.
void CoreDevice::rest(uint64_t until) {
  for (uint64_t next = dla_idle(&device_); next != 0 && next <= until; next = dla_idle(&device_)) {
    time_ns_ = std::max<uint64_t>(next, time_ns_);
  }
  time_ns_ = until;
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
  if (!armed_) {
    return chip_.interrupt() && !stuck_;
  }
  const std::lock_guard lock(task_mutex_);
  if (injected_.spurious_interrupt) {
    injected_.spurious_interrupt = false;
    return true;
  }
  if (injected_.lose_power) {
    injected_.lose_power = false;
    soc_.power(core_).set(soc::PowerState::kOff, time_ns_);
    return true;  // the driver looks, and finds no registers
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
    hang();
    return;
  }
  const Result<bool> ran = chip_.step();
  if (!ran) {
    abort_step(ran.error());
  } else if (!*ran && !chip_.interrupt()) {
    hang();
  }
}

/// Nothing moves any more: the driver's timer fires when the task's time is over.
void CoreDevice::hang() {
  time_ns_ = std::max<uint64_t>(time_ns_, device_.started_ns + device_.current->timeout_ns);
  dla_hang(&device_);
}

/// As the SMMU's driver prints it.
void CoreDevice::log_fault(const soc::Fault& fault) const {
  const bool permission = fault.kind == soc::FaultKind::kPermission;
  log_.add({time_ns_, Severity::kError,
            fmt::format("arm-smmu {}: Unhandled context fault: fsr={:#x}, iova={:#x}, fsynr={:#x}, cbfrsynra={:#x}, cb={}",
                        soc_.config().platform->smmu[core_], permission ? 0x408 : 0x402, fault.iova.value,
                        fault.direction == soc::Direction::kWrite ? 0x13 : 0x3, fault.stream, fault.bank)});
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
    log_fault(*fault);
  }
  bus_error_ = error.message;
  dla_abort(&device_, &reason);
}

void CoreDevice::on_executed(const chip::ExecutedOp& executed) {
  const uint64_t start = time_ns_;
  if (op_time_) {
    time_ns_ = start + op_time_(executed, soc_.mode());
  }
  if (!observer_ || device_.current == nullptr) {
    return;
  }
  CompletedOp completed;
  completed.core = core_;
  completed.serial = device_.current->serial;
  completed.start_ns = start;
  completed.duration_ns = time_ns_ - start;
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
