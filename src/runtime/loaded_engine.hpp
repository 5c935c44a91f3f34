// SPDX-License-Identifier: Apache-2.0
// An engine in the memory of one DLA core, with its host segments ready: what execution contexts share.
#pragma once

#include "engine/engine.hpp"
#include "host/session.hpp"
#include "umd/model.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace medlar::runtime {

/// The modelled clock of the core: it goes on, and the driver saves power, while other engines work for the
/// inference.
struct CoreClock {
  std::function<uint64_t()> now_ns = nullptr;                   ///< Unset: nobody asks what time it is.
  std::function<void(uint64_t until_ns)> idle_until = nullptr;  ///< Unset together with it.
};

struct LoadOptions {
  host::SessionOptions host = {.provider =
                                   host::Provider::kAuto};  ///< Of GPU segments; CPU segments take the CPU.
  umd::Priority priority = umd::Priority::kNormal;          ///< Against other engines on the same core.
  std::chrono::nanoseconds task_timeout{0};  ///< Modelled device time of a DLA task; 0: the driver's default.
  CoreClock clock = {};
  std::shared_ptr<void> keep_alive = nullptr;  ///< What must outlive the engine: the simulated module.
};

/// Thread-safe: its weights are read-only, its DLA tasks queue up on the core.
class LoadedEngine {
 public:
  /// A tensor of the model's interface.
  struct Io {
    std::string name;
    bool input = false;
    graph::DataType type = graph::DataType::kFloat32;
    graph::Shape shape;
    std::optional<uint64_t> bytes;  ///< Row-major; empty when the shape is known only afterwards.
    /// The layout that the DLA takes it in or leaves it in, and real = scale * (stored - zero); empty when
    /// only host segments touch it.
    std::optional<loadable::Tensor> device;
    float scale = 1.0f;
    int zero = 0;
    bool channels_last = false;  ///< The rows hold the channels of each pixel together.
  };

  using HostSegment = host::Session;
  using DlaSegment = umd::LoadedModel;
  using Segment = std::variant<DlaSegment, HostSegment>;

  /// Loads every segment onto `core`. The engine must have been checked against the device
  /// (engine::check_device).
  static Result<std::shared_ptr<const LoadedEngine>> load(const engine::Engine& engine,
                                                          const std::shared_ptr<umd::Device>& core,
                                                          const LoadOptions& options = {});
  ~LoadedEngine();

  const std::string& model() const { return model_; }
  const compiler::Plan& plan() const { return plan_; }  ///< Without the segments' payloads.
  const std::vector<Io>& io() const { return io_; }     ///< Inputs, then outputs, in the model's order.
  Result<const Io*> find_io(std::string_view name) const;
  const compiler::BoundaryTensor* find_tensor(std::string_view name) const;
  const std::vector<Segment>& segments() const { return segments_; }
  const std::shared_ptr<umd::Context>& context() const { return context_; }
  uint32_t core() const { return context_->device().info().core; }
  std::chrono::nanoseconds task_timeout() const { return task_timeout_; }
  const CoreClock& clock() const { return clock_; }
  /// Modelled time in which the core has nothing to do for that segment: hand-over, and work of other
  /// engines.
  uint64_t idle_ns(size_t segment) const;
  uint64_t device_bytes() const;  ///< Weights and intermediates on the module; bindings not counted.
  /// One line a host segment: which provider runs it on this computer, and why not another.
  std::vector<std::string> host_notes() const;

 private:
  LoadedEngine() = default;
  Status load_segment(compiler::Segment& segment, const LoadOptions& options);
  void describe_io();
  Io make_io(const std::string& name, bool input) const;

  std::shared_ptr<void> keep_alive_;  ///< First: goes last.
  std::shared_ptr<umd::Context> context_;
  std::string model_;
  compiler::Plan plan_;
  std::vector<Segment> segments_;
  std::vector<Io> io_;
  std::chrono::nanoseconds task_timeout_{0};
  CoreClock clock_;
};

/// True when two tensor descriptors put every element at the same place.
bool same_layout(const loadable::Tensor& a, const loadable::Tensor& b);

/// True when the DLA's layout of a tensor is, byte for byte, the row-major one of `type` (one pixel, or one
/// channel without gaps): then host and DLA share the pages.
bool is_rows(const loadable::Tensor& tensor, graph::DataType type);

}  // namespace medlar::runtime
