// SPDX-License-Identifier: Apache-2.0
#include "runtime/execution_context.hpp"

#include "runtime/run.hpp"

#include <algorithm>

namespace medlar::runtime {
namespace {

using Io = LoadedEngine::Io;

std::string_view side(const Io& io) {
  return io.input ? "input" : "output";
}

std::string shape_text(const graph::Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

Status check_device_layout(const Io& io, const Binding& binding) {
  if (!io.device) {
    return fail(Code::kInvalidArgument,
                "{} '{}' is bound in the DLA's layout, but only host segments touch it", side(io), io.name);
  }
  if (binding.memory() == nullptr) {
    return fail(Code::kInvalidArgument, "{} '{}' is bound in the DLA's layout: that needs device memory",
                side(io), io.name);
  }
  constexpr uint64_t kAlignment = 32;
  const uint64_t size = binding.memory()->size();
  if (binding.offset() % kAlignment != 0 || binding.offset() > size ||
      size - binding.offset() < io.device->size) {
    return fail(Code::kInvalidArgument,
                "{} '{}' needs {} bytes at a multiple of {}; bound is offset {} of {} bytes", side(io),
                io.name, io.device->size, kAlignment, binding.offset(), size);
  }
  return {};
}

Status check_rows(const Io& io, const Binding& binding) {
  if (binding.typed() && (binding.type() != io.type || binding.shape() != io.shape)) {
    return fail(Code::kInvalidArgument, "{} '{}' is {} {}, the engine wants {} {}", side(io), io.name,
                graph::data_type_name(binding.type()), shape_text(binding.shape()),
                graph::data_type_name(io.type), shape_text(io.shape));
  }
  if (binding.tensor() != nullptr) {
    return io.input ? Status(fail(Code::kInvalidArgument, "input '{}' is bound as an output", io.name))
                    : Status();
  }
  MEDLAR_ASSIGN(const MutableBytes bytes, binding.bytes());
  const bool exact = binding.memory() == nullptr && io.input;
  if (!io.bytes && !io.input) {
    return fail(Code::kInvalidArgument,
                "output '{}' has a shape that is known only afterwards: bind a tensor", io.name);
  }
  const uint64_t wanted = io.bytes.value_or(bytes.size());
  if (exact ? bytes.size() != wanted : bytes.size() < wanted) {
    return fail(Code::kInvalidArgument, "{} '{}' {} has {} bytes, {} are bound", side(io), io.name,
                shape_text(io.shape), wanted, bytes.size());
  }
  return {};
}

Status check_binding(const Io& io, const Bindings& bindings) {
  const auto at = bindings.find(io.name);
  if (at == bindings.end()) {
    return fail(Code::kInvalidArgument, "{} '{}' is missing", side(io), io.name);
  }
  if (!io.input && !at->second.writable()) {
    return fail(Code::kInvalidArgument, "output '{}' is bound to memory that may only be read", io.name);
  }
  return at->second.layout() == Layout::kDevice ? check_device_layout(io, at->second)
                                                : check_rows(io, at->second);
}

std::string names_of(const LoadedEngine& engine, bool inputs) {
  return fmt::format("{}", fmt::join(inputs ? engine.plan().inputs : engine.plan().outputs, ", "));
}

}  // namespace

struct ExecutionContext::State {
  std::shared_ptr<const LoadedEngine> engine;
  WorkingMemory memory;
  std::mutex run_mutex;
};

ExecutionContext::ExecutionContext(std::unique_ptr<State> state) : state_(std::move(state)) {}

ExecutionContext::~ExecutionContext() {
  state_->memory = {};  // before the engine, and with it the module, may go
}

Result<std::shared_ptr<ExecutionContext>> ExecutionContext::create(
    std::shared_ptr<const LoadedEngine> engine) {
  auto state = std::make_unique<State>();
  state->engine = std::move(engine);
  for (const LoadedEngine::Segment& segment : state->engine->segments()) {
    umd::Bindings own;
    if (const auto* dla = std::get_if<LoadedEngine::DlaSegment>(&segment)) {
      MEDLAR_ASSIGN(own, dla->allocate_bindings());
    }
    state->memory.dla.push_back(std::move(own));
  }
  return std::shared_ptr<ExecutionContext>(new ExecutionContext(std::move(state)));
}

const LoadedEngine& ExecutionContext::engine() const {
  return *state_->engine;
}

uint64_t ExecutionContext::device_bytes() const {
  uint64_t bytes = 0;
  for (const umd::Bindings& bindings : state_->memory.dla) {
    for (const auto* slices : {&bindings.inputs, &bindings.outputs}) {
      for (const umd::BufferSlice& slice : *slices) {
        bytes += slice.buffer->size();
      }
    }
  }
  return bytes;
}

Status ExecutionContext::check(const Bindings& bindings) const {
  const LoadedEngine& engine = *state_->engine;
  for (const auto& [name, binding] : bindings) {
    if (!engine.find_io(name)) {
      return fail(Code::kInvalidArgument, "the engine has no input or output '{}': inputs [{}], outputs [{}]",
                  name, names_of(engine, true), names_of(engine, false));
    }
  }
  for (const Io& io : engine.io()) {
    MEDLAR_TRY(check_binding(io, bindings));
  }
  return {};
}

Status ExecutionContext::run(const Bindings& bindings, RunReport* report, const Cancellation* cancellation) {
  MEDLAR_TRY(check(bindings));
  const std::lock_guard lock(state_->run_mutex);
  return Run(*state_->engine, state_->memory, bindings).execute(report, cancellation);
}

Result<TensorMap> ExecutionContext::run(const TensorMap& inputs, RunReport* report) {
  TensorMap outputs;
  Bindings bindings;
  const auto& names = state_->engine->plan().inputs;
  for (const auto& [name, tensor] : inputs) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(Code::kInvalidArgument, "the engine has no input '{}': it has [{}]", name,
                  fmt::join(names, ", "));
    }
    bindings[name] = Binding::input(tensor);
  }
  for (const std::string& name : state_->engine->plan().outputs) {
    bindings.try_emplace(name, Binding::output(outputs[name]));
  }
  MEDLAR_TRY(run(bindings, report));
  for (const std::string& name : state_->engine->plan().outputs) {
    if (const auto given = inputs.find(name); given != inputs.end()) {
      outputs[name] = given->second;  // the model hands an input through
    }
  }
  return outputs;
}

}  // namespace medlar::runtime
