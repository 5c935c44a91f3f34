// SPDX-License-Identifier: Apache-2.0
// Runs an engine on an open device: its segments in order, their tensors handed over between them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "graph/graph.hpp"
#include "umd/context.hpp"

namespace medlar::runtime {

using TensorMap = std::map<std::string, graph::Tensor>;

/// What one segment of a run was.
struct SegmentRun {
  int segment = 0;                  ///< -1: delivery of the model's outputs.
  compiler::Engine engine = compiler::Engine::kCpu;
  double host_seconds = 0;          ///< Time that this computer took.
  std::vector<uint64_t> serials;    ///< DLA: task numbers on the core, as the driver's log and observer name them.
  std::vector<std::string> converted;  ///< Tensors whose layout changed between host and DLA at this segment's border.
};

struct RunReport {
  std::vector<SegmentRun> segments;
};

/// An engine loaded on one context. One run at a time; several executors may share a device.
class Executor {
 public:
  /// Loads every segment. The engine must have been checked against the device (engine::check_device).
  static Result<Executor> create(const engine::Engine& engine, const std::shared_ptr<umd::Context>& context);
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();

  /// Inputs by name; every one must be there with the engine's type and shape. Returns the model's outputs.
  Result<TensorMap> run(const TensorMap& inputs, RunReport* report = nullptr);

 private:
  struct State;
  explicit Executor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::runtime
