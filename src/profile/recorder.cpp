// SPDX-License-Identifier: Apache-2.0
#include "profile/recorder.hpp"

#include "profile/op_timer.hpp"

#include <array>
#include <string_view>

namespace medlar::profile {
namespace {

constexpr std::array<std::string_view, 6> kUnits{"BDMA", "CONV", "SDP", "PDP", "CDP", "RUBIK"};

std::string units_of(const driver::CompletedOp& op) {
  std::string text;
  for (const driver::CompletedOp::Part& part : op.parts) {
    text += (text.empty() ? "" : "+") + std::string(kUnits.at(part.op_type));
  }
  return text;
}

}  // namespace

Recorder::Recorder(const hw::DeviceProfile& device) : Recorder(device, device.mode()) {}

Recorder::Recorder(const hw::DeviceProfile& device, const hw::PowerMode& mode)
    : config_(*device.config), machine_(timing::machine_of(device, mode)) {}

void Recorder::record(const driver::CompletedOp& op) {
  RecordedOp recorded{
      .op_index = op.op_index, .part_indices = {}, .unit = units_of(op), .time = {}, .timed = false};
  for (const driver::CompletedOp::Part& part : op.parts) {
    recorded.part_indices.push_back(part.op_index);
  }
  if (const auto time = time_of(*op.executed, config_, machine_); time) {
    recorded.time = *time;
    recorded.timed = true;
  }
  const std::lock_guard lock(mutex_);
  tasks_[{op.core, op.serial}].push_back(std::move(recorded));
  if (op.serial > kKeptTasks) {
    tasks_.erase(tasks_.lower_bound({op.core, 0}), tasks_.lower_bound({op.core, op.serial - kKeptTasks}));
  }
}

std::vector<RecordedOp> Recorder::take(uint32_t core, uint64_t serial) {
  const std::lock_guard lock(mutex_);
  const auto node = tasks_.extract({core, serial});
  return node.empty() ? std::vector<RecordedOp>() : std::move(node.mapped());
}

}  // namespace medlar::profile
