// SPDX-License-Identifier: Apache-2.0
// Engines loaded on a device, and inferences.
#pragma once

#include "medlar/device.hpp"
#include "medlar/logger.hpp"
#include "medlar/types.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar {

struct EngineState;
struct ContextState;

/// An input or output. Bindings are numbered inputs first, each in the model's order.
struct TensorInfo {
  std::string name;
  bool input = true;
  DataType type = DataType::kFloat32;
  Dims dims;              ///< NCHW as in the model. Empty with -1 where only a run tells.
  std::size_t bytes = 0;  ///< Row-major; 0 when the shape is open.
};

/// What one layer of a run took. Modelled time is the device's; host time is this computer's; they never mix.
struct LayerTime {
  std::string name;
  Placed placed = Placed::kCpu;
  std::vector<std::string> onnxNodes;
  double modelledMs = 0;  ///< 0 where the layer is not modelled.
  double hostMs = 0;      ///< 0 for layers of the DLA.
};

/// Receives the layers of a run, in order, at its end. What it throws becomes CallbackError.
class MEDLAR_API Profiler {
 public:
  virtual ~Profiler();
  virtual void report(const LayerTime& layer) = 0;
};

struct RunTimes {
  double modelledDlaMs = 0;  ///< Sum over the DLA's operations.
  double hostMs = 0;         ///< Of the whole run on this computer.
};

/// One sequence of inferences. One thread at a time: a second one gets Busy. It keeps engine and device
/// alive.
class MEDLAR_API ExecutionContext {
 public:
  explicit ExecutionContext(std::shared_ptr<ContextState> state);
  ~ExecutionContext();
  ExecutionContext(const ExecutionContext&) = delete;
  ExecutionContext& operator=(const ExecutionContext&) = delete;

  /// `address`: memory of the engine's device (Buffer), tensor(name).bytes long from there.
  void setTensorAddress(std::string_view name, void* address);
  void* tensorAddress(std::string_view name) const;
  /// Only the engine's own shape is possible.
  void setInputShape(std::string_view name, const Dims& dims);

  /// Runs on the tensor addresses; returns when done.
  void execute();
  /// Runs when the stream gets there; addresses are read now, memory stays valid until then.
  void enqueue(const Stream& stream);

  /// Runs on memory of the caller's: every input and output by name, exactly its bytes. Returns when done.
  void run(const std::map<std::string, Span<const std::byte>>& inputs,
           const std::map<std::string, Span<std::byte>>& outputs);
  /// Dims of an output after a run (they differ from the engine's only where those are open).
  Dims outputDims(std::string_view name) const;
  /// An output whose shape only a run tells (TensorInfo::bytes 0): a copy of what the last run gave.
  OwnedWeights openOutput(std::string_view name) const;

  /// Not owned. Null: none.
  void setProfiler(Profiler* profiler) noexcept;
  /// Of the last run that ended.
  RunTimes lastTimes() const;
  std::vector<LayerTime> lastLayers() const;

 private:
  std::shared_ptr<ContextState> state_;  ///< Queued work shares it.
};

/// An engine on a device. A handle. Thread-safe.
class MEDLAR_API Engine {
 public:
  Engine() = default;
  explicit Engine(std::shared_ptr<EngineState> state) : state_(std::move(state)) {}

  const std::string& modelName() const;
  const std::string& deviceName() const;
  std::string precision() const;  ///< "int8" or "fp16": what the DLA computes in.
  const std::vector<TensorInfo>& tensors() const;
  const TensorInfo& tensor(std::string_view name) const;  ///< Throws NotFound, listing the names.
  int numLayers() const;
  std::size_t deviceMemoryBytes() const;

  /// The engine file: the bytes that it was made from.
  Span<const std::byte> serialize() const;
  /// Everything that is known about the engine, as JSON.
  std::string inspect() const;
  /// One layer as JSON.
  std::string inspectLayer(int index) const;
  std::vector<std::string> layerNames() const;
  /// Where every node of the model runs and why.
  std::string placementText() const;

  /// `core`: of the device's DLA cores.
  std::unique_ptr<ExecutionContext> createExecutionContext(int core = 0) const;

  Device device() const;
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  std::shared_ptr<EngineState> state_;
};

/// Turns engine files into engines on one device. Thread-safe.
class MEDLAR_API Runtime {
 public:
  explicit Runtime(Logger& logger);  ///< On Device::current().
  Runtime(Logger& logger, Device device);
  ~Runtime();

  void setDLACore(int core);
  int dlaCore() const noexcept { return core_; }
  int numDLACores() const { return device_.numDLACores(); }
  const Device& device() const noexcept { return device_; }

  /// Throws DeviceMismatch for an engine of another device, Corrupt or VersionMismatch for broken ones.
  Engine deserialize(Span<const std::byte> engine, std::string_view name = "engine") const;

 private:
  Logger* logger_;
  Device device_;
  int core_ = 0;
};

}  // namespace medlar
