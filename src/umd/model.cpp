// SPDX-License-Identifier: Apache-2.0
// Loading: memories allocated and filled as NVIDIA's runtime does, tasks kept in submit order.
#include "umd/model.hpp"

#include "loadable/upgrade.hpp"
#include "umd/model_state.hpp"

#include <algorithm>

#include <fmt/ranges.h>

namespace medlar::umd {
namespace {

using loadable::Loadable;
using loadable::Memory;

Status fill(const Loadable& l, const Memory& memory, Buffer& buffer) {
  MEDLAR_ASSIGN(const MutableBytes bytes, buffer.map());
  for (const loadable::Content& content : memory.contents) {
    const loadable::Blob* blob = loadable::find_blob(l, content.blob);
    std::ranges::copy(blob->data,
                      bytes.begin() + static_cast<ptrdiff_t>(content.offset));  // verify() checked both.
  }
  return {};
}

/// A memory of the model itself.
Result<std::shared_ptr<Buffer>> allocate(const std::shared_ptr<Context>& context, const Loadable& l,
                                         size_t id, const LoadOptions& options) {
  const Memory& memory = l.memories[id];
  const bool sram = memory.domain == loadable::Domain::kSram;
  if (sram && context->device().info().sram_bytes == 0) {
    return fail(Code::kUnsupported, "memory {} wants {} bytes of SRAM, {} has none", id, memory.size,
                context->device().info().profile);
  }
  MEDLAR_ASSIGN(auto buffer, Buffer::create(context, memory.size,
                                            {.contiguous = options.contiguous && !sram, .sram = sram}));
  if (memory.has(loadable::kMemorySet)) {
    MEDLAR_TRY(fill(l, memory, *buffer));
  }
  return buffer;
}

BindingInfo binding_of(const Loadable& l, const Memory& memory) {
  const loadable::Tensor& tensor = l.tensors[memory.tensor_desc];
  return {.name = tensor.name, .bytes = memory.size, .tensor = tensor};
}

template <typename T>
void place(std::vector<T>& list, size_t at, T value) {
  list.resize(std::max(list.size(), at + 1));
  list[at] = std::move(value);
}

Result<size_t> index_of(const std::vector<BindingInfo>& list, std::string_view name, std::string_view what) {
  const auto found = std::ranges::find(list, name, &BindingInfo::name);
  if (found == list.end()) {
    std::vector<std::string_view> names;
    std::ranges::transform(list, std::back_inserter(names),
                           [](const BindingInfo& b) { return std::string_view(b.name); });
    return fail(Code::kNotFound, "no {} '{}', there is: {}", what, name, fmt::join(names, ", "));
  }
  return static_cast<size_t>(found - list.begin());
}

Status check_device(const Context& context, const Loadable& l) {
  const DeviceInfo& device = context.device().info();
  for (size_t i = 0; i < l.tasks.size(); ++i) {
    if (l.tasks[i].addresses.size() > device.max_addresses) {
      return fail(Code::kResourceExhausted, "task {}: {} addresses, {} takes {}", i,
                  l.tasks[i].addresses.size(), device.node, device.max_addresses);
    }
  }
  return {};
}

Result<LoadedTask> load_task(const Loadable& l, size_t id) {
  const loadable::Task& task = l.tasks[id];
  LoadedTask loaded{.host = task.interface == loadable::Interface::kEmu1, .addresses = {}, .ops = {}};
  for (const uint16_t address : task.addresses) {
    loaded.addresses.push_back({l.addresses[address].memory, l.addresses[address].offset});
  }
  if (loaded.host) {
    MEDLAR_ASSIGN(loaded.ops, loadable::decode_emu_task(l, id));
  }
  return loaded;
}

}  // namespace

Result<LoadedModel> LoadedModel::load(std::shared_ptr<Context> context, Loadable loadable,
                                      const LoadOptions& options) {
  MEDLAR_TRY(loadable::verify(loadable));
  MEDLAR_ASSIGN(const Loadable l, loadable::upgrade(std::move(loadable)));
  MEDLAR_TRY(check_device(*context, l));
  auto state = std::make_shared<State>(std::move(context));
  MEDLAR_ASSIGN(state->loadable, state->context->add_loadable(options.layers));
  for (size_t i = 0; i < l.memories.size(); ++i) {
    const Memory& memory = l.memories[i];
    LoadedMemory loaded;
    if (memory.has(loadable::kMemoryInput)) {
      loaded.input = memory.bind_id;
      place(state->inputs, memory.bind_id, binding_of(l, memory));
    } else if (memory.has(loadable::kMemoryOutput)) {
      loaded.output = memory.bind_id;
      place(state->outputs, memory.bind_id, binding_of(l, memory));
    } else if (memory.has(loadable::kMemoryAlloc)) {
      MEDLAR_ASSIGN(loaded.buffer, allocate(state->context, l, i, options));
      state->device_bytes += loaded.buffer->size();
    }
    state->memories.push_back(std::move(loaded));
  }
  for (const loadable::Submit& submit : l.submits) {
    for (const uint16_t task : submit.tasks) {
      MEDLAR_ASSIGN(LoadedTask loaded, load_task(l, task));
      state->has_host_tasks |= loaded.host;
      state->tasks.push_back(std::move(loaded));
    }
  }
  state->layers = std::make_shared<const std::vector<std::string>>(options.layers);
  return LoadedModel(std::move(state));
}

const std::vector<BindingInfo>& LoadedModel::inputs() const {
  return state_->inputs;
}

const std::vector<BindingInfo>& LoadedModel::outputs() const {
  return state_->outputs;
}

Result<size_t> LoadedModel::input_index(std::string_view name) const {
  return index_of(state_->inputs, name, "input");
}

Result<size_t> LoadedModel::output_index(std::string_view name) const {
  return index_of(state_->outputs, name, "output");
}

const std::shared_ptr<Context>& LoadedModel::context() const {
  return state_->context;
}

uint64_t LoadedModel::device_bytes() const {
  return state_->device_bytes;
}

bool LoadedModel::has_host_tasks() const {
  return state_->has_host_tasks;
}

Result<Bindings> LoadedModel::allocate_bindings(const BufferOptions& options) const {
  Bindings bindings;
  for (const BindingInfo& info : state_->inputs) {
    MEDLAR_ASSIGN(auto buffer, Buffer::create(state_->context, info.bytes, options));
    bindings.inputs.push_back({std::move(buffer), 0});
  }
  for (const BindingInfo& info : state_->outputs) {
    MEDLAR_ASSIGN(auto buffer, Buffer::create(state_->context, info.bytes, options));
    bindings.outputs.push_back({std::move(buffer), 0});
  }
  return bindings;
}

}  // namespace medlar::umd
