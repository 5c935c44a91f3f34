// SPDX-License-Identifier: Apache-2.0
// The functional execution beside a simulated scenario: every frame of every model that is a file, on streams
// of its own, each on the engine that the simulation chose. Private to this folder.
#pragma once

#include "api/module.hpp"
#include "api/scenario.hpp"
#include "host/session.hpp"
#include "runtime/stream.hpp"

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace medlar::api {

class ScenarioExecution {
 public:
  static Result<std::unique_ptr<ScenarioExecution>> create(
      const sched::Scenario& scenario, const std::map<std::string, engine::Engine>& engines);

  /// Queues the inference of one frame's step; steps with stated times have nothing to run.
  void step_done(size_t stream, uint64_t frame, size_t step, const sched::Mapping& mapping);
  /// Waits for everything; the first error of all.
  Result<std::vector<Executed>> finish();

 private:
  /// One model on one engine for one step of one stream: frames in order.
  struct Lane {
    Executed result;
    std::map<std::string, graph::Tensor> inputs;
    std::shared_ptr<runtime::ExecutionContext> context;  ///< Null: the whole model on the host.
    std::shared_ptr<host::Session> session;
    std::unique_ptr<runtime::Stream> stream;
  };
  using Key = std::tuple<size_t, size_t, size_t>;  ///< Stream, step, first engine of the mapping.

  ScenarioExecution(const sched::Scenario& scenario, const std::map<std::string, engine::Engine>& engines)
      : scenario_(scenario), engines_(engines) {}
  Result<Lane*> lane_of(const Key& key, const engine::Engine& engine);
  Result<std::unique_ptr<Lane>> make_lane(const Key& key, const engine::Engine& engine);
  Status run_frame(Lane& lane, uint64_t frame) const;

  const sched::Scenario& scenario_;
  const std::map<std::string, engine::Engine>& engines_;
  std::shared_ptr<Module> module_;
  std::map<Key, std::unique_ptr<Lane>> lanes_;
  std::optional<Error> error_;
};

}  // namespace medlar::api
