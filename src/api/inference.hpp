// SPDX-License-Identifier: Apache-2.0
// One engine on a simulated module, one inference after the other, each layer accounted for.
#pragma once

#include "api/layer_times.hpp"
#include "api/module.hpp"
#include "chip/tracer.hpp"
#include "engine/engine.hpp"
#include "graph/graph.hpp"
#include "runtime/report.hpp"
#include "sample/source.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace medlar::api {

struct InferenceResult {
  std::map<std::string, graph::Tensor> outputs;
  std::vector<LayerTime> layers;
  double modelled_dla_ms = 0;  ///< Sum over the DLA's operations, as modelled.
  double host_ms = 0;          ///< What this computer took for the whole call.
  runtime::RunReport report =
      {};  ///< Where each segment ran, and every tensor that was converted or copied between them.
};

/// An engine on a simulated device. One thread at a time.
class Inference {
 public:
  /// `device` empty: the one that the engine was built for; another one is kDeviceMismatch.
  static Result<Inference> create(engine::Engine engine, std::string_view device,
                                  std::string_view engine_name, const EngineOptions& options = {});
  /// On a module that others use too.
  static Result<Inference> create(const std::shared_ptr<Module>& module, engine::Engine engine,
                                  std::string_view engine_name, const EngineOptions& options = {});
  Inference(Inference&&) noexcept;
  Inference& operator=(Inference&&) noexcept;
  ~Inference();

  const engine::Engine& engine() const;
  const std::shared_ptr<Module>& module() const;
  const std::shared_ptr<const runtime::LoadedEngine>& loaded() const;
  std::vector<sample::InputSpec> inputs() const;

  /// Every bus access and memory access of the engine's core from now on goes by `tracer` too; null to stop. A
  /// recording that is to play from power-on starts before the first run.
  void set_tracer(chip::Tracer* tracer);

  Result<InferenceResult> run(const std::map<std::string, graph::Tensor>& inputs);

 private:
  struct State;
  explicit Inference(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::api
