// SPDX-License-Identifier: Apache-2.0
#include "runtime/executor.hpp"

#include <algorithm>
#include <chrono>
#include <variant>

#include "runtime/segment.hpp"

namespace medlar::runtime {
namespace {

using LoadedSegment = std::variant<DlaSegment, HostSegment>;

graph::Tensor empty_tensor(const compiler::BoundaryTensor& boundary) {
  graph::Tensor tensor{boundary.type, boundary.shape, {}, {}};
  const auto count = graph::element_count(boundary.shape);
  if (count && *count > 0) {
    tensor.bytes.resize(static_cast<size_t>(*count) * static_cast<size_t>(graph::element_bytes(boundary.type)));
  }
  return tensor;
}

Status check_input(const compiler::BoundaryTensor& boundary, const graph::Tensor& tensor) {
  if (tensor.type != boundary.type || tensor.shape != boundary.shape) {
    return fail(Code::kInvalidArgument, "input '{}' is {} [{}], the engine wants {} [{}]", boundary.name,
                graph::data_type_name(tensor.type), fmt::join(tensor.shape, ","), graph::data_type_name(boundary.type),
                fmt::join(boundary.shape, ","));
  }
  return {};
}

}  // namespace

struct Executor::State {
  compiler::Plan plan;  ///< Payloads are dropped after loading.
  std::vector<LoadedSegment> segments;
  Blackboard board;

  const compiler::BoundaryTensor* find(const std::string& name) const {
    const auto at = std::find_if(plan.tensors.begin(), plan.tensors.end(), [&](const auto& tensor) { return tensor.name == name; });
    return at == plan.tensors.end() ? nullptr : &*at;
  }

  Status set_inputs(const TensorMap& inputs) {
    for (const auto& [name, tensor] : inputs) {
      if (std::find(plan.inputs.begin(), plan.inputs.end(), name) == plan.inputs.end()) {
        return fail(Code::kInvalidArgument, "the engine has no input '{}': it has [{}]", name, fmt::join(plan.inputs, ", "));
      }
    }
    for (const std::string& name : plan.inputs) {
      const auto given = inputs.find(name);
      if (given == inputs.end()) {
        return fail(Code::kInvalidArgument, "input '{}' is missing", name);
      }
      MEDLAR_TRY(check_input(*find(name), given->second));
      board.tensors[name] = given->second;
    }
    return {};
  }
};

Executor::Executor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

Result<Executor> Executor::create(const engine::Engine& engine, const std::shared_ptr<umd::Context>& context) {
  auto state = std::make_unique<State>();
  state->plan = engine.plan;
  for (compiler::Segment& segment : state->plan.segments) {
    if (segment.engine == compiler::Engine::kDla) {
      MEDLAR_ASSIGN(DlaSegment loaded, DlaSegment::load(segment, context));
      state->segments.emplace_back(std::move(loaded));
    } else {
      MEDLAR_ASSIGN(HostSegment loaded, HostSegment::load(segment));
      state->segments.emplace_back(std::move(loaded));
    }
    segment.payload = {};
  }
  for (const compiler::BoundaryTensor& tensor : state->plan.tensors) {
    state->board.tensors[tensor.name] = empty_tensor(tensor);
  }
  return Executor(std::move(state));
}

Result<TensorMap> Executor::run(const TensorMap& inputs, RunReport* report) {
  MEDLAR_TRY(state_->set_inputs(inputs));
  state_->board.cubes.clear();
  for (size_t i = 0; i < state_->segments.size(); ++i) {
    const compiler::Segment& segment = state_->plan.segments[i];
    SegmentRun record{.segment = static_cast<int>(i), .engine = segment.engine, .host_seconds = 0, .serials = {}, .converted = {}};
    const auto start = std::chrono::steady_clock::now();
    auto* dla = std::get_if<DlaSegment>(&state_->segments[i]);
    Status status = dla != nullptr ? dla->run(segment, state_->board, record)
                                   : std::get<HostSegment>(state_->segments[i]).run(segment, state_->board, record);
    if (!status) {
      return tl::unexpected<Error>(std::move(status).error().in("segment '" + segment.name + "'"));
    }
    record.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (report != nullptr) {
      report->segments.push_back(std::move(record));
    }
  }
  TensorMap outputs;
  SegmentRun delivery{.segment = -1, .engine = compiler::Engine::kCpu, .host_seconds = 0, .serials = {}, .converted = {}};
  for (const std::string& name : state_->plan.outputs) {
    MEDLAR_TRY(bring_to_host(name, state_->board, delivery));
    outputs[name] = state_->board.tensors.at(name);
  }
  if (report != nullptr && !delivery.converted.empty()) {
    report->segments.push_back(std::move(delivery));
  }
  return outputs;
}

}  // namespace medlar::runtime
