// SPDX-License-Identifier: Apache-2.0
// What engines and execution contexts are made of. Private to this folder.
#pragma once

#include "api/public/device_state.hpp"
#include "engine/engine.hpp"
#include "medlar/runtime.hpp"
#include "profile/recorder.hpp"
#include "runtime/execution_context.hpp"

#include <atomic>
#include <mutex>

namespace medlar {

struct EngineState {
  std::shared_ptr<ModuleState> module;
  engine::Engine engine;  ///< Without the segments' payloads.
  std::string name;
  std::vector<std::byte> file;
  std::vector<TensorInfo> tensors;

  std::mutex mutex;
  std::map<int, std::shared_ptr<const runtime::LoadedEngine>> loaded;  ///< By core.

  /// Loads onto the core at the first call. Thread-safe.
  std::shared_ptr<const runtime::LoadedEngine> on_core(int core);
  const TensorInfo& find(std::string_view tensor) const;
};

struct ContextState {
  std::shared_ptr<EngineState> engine;
  std::shared_ptr<runtime::ExecutionContext> context;
  runtime::Bindings bindings;  ///< By setTensorAddress.
  std::map<std::string, void*, std::less<>> addresses;
  std::map<std::string, graph::Tensor, std::less<>> open_outputs;  ///< Those whose shape only a run tells.
  std::atomic<bool> busy = false;
  std::atomic<Profiler*> profiler = nullptr;

  std::mutex results_mutex;
  RunTimes times;
  std::vector<LayerTime> layers;

  /// After a run: what it took, and the profiler's calls. The modelled milliseconds. Throws CallbackError.
  double account(const runtime::RunReport& report, double host_ms);
};

namespace door {

/// The layers of a run with their times, in order; takes the operations out of the recorder.
std::vector<LayerTime> layer_times(const runtime::RunReport& report, const compiler::Plan& plan,
                                   profile::Recorder& recorder);

/// The engine as JSON: TensorRT's "Layers" and "Bindings", and all that `medlar inspect --json` says.
std::string inspect_json(const EngineState& engine);
std::string inspect_layer_json(const EngineState& engine, size_t index);
std::vector<std::string> layer_names(const EngineState& engine);

}  // namespace door
}  // namespace medlar
