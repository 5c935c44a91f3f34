// SPDX-License-Identifier: Apache-2.0
#include "runtime/run.hpp"

#include "runtime/convert.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace medlar::runtime {
namespace {

std::string rows_text(graph::DataType type) {
  return fmt::format("{} rows", graph::data_type_name(type));
}

void note(SegmentRun& record, const std::string& tensor, HandOver how, uint64_t bytes, std::string why) {
  record.moves.push_back({tensor, how, bytes, std::move(why)});
}

/// Elements of one item of a batch.
uint64_t item_elements(const compiler::DlaBinding& binding) {
  return static_cast<uint64_t>(binding.w) * static_cast<uint64_t>(binding.h) *
         static_cast<uint64_t>(binding.c);
}

StoredAs stored_as(const compiler::DlaBinding& binding) {
  return {binding.scale, binding.zero, binding.channel_scale, binding.channels_last};
}

/// The rows of one item.
Result<MutableBytes> item_rows(const HostValue& value, const compiler::DlaBinding& binding) {
  const uint64_t size = item_elements(binding) * static_cast<uint64_t>(graph::element_bytes(value.type));
  const uint64_t first = size * static_cast<uint64_t>(binding.item);
  if (value.bytes.size() < first + size) {
    return fail(Code::kInvalidArgument, "tensor '{}' has {} bytes, item {} ends at {}", binding.tensor,
                value.bytes.size(), binding.item, first + size);
  }
  return value.bytes.subspan(first, size);
}

}  // namespace

Result<MutableBytes> mapped(const umd::BufferSlice& slice) {
  MEDLAR_ASSIGN(const MutableBytes bytes, slice.buffer->map());
  return bytes.subspan(slice.offset);
}

const Binding* Run::output_binding(const std::string& tensor) const {
  if (std::find(plan_.outputs.begin(), plan_.outputs.end(), tensor) == plan_.outputs.end() ||
      is_input(tensor)) {
    return nullptr;
  }
  return &bindings_.at(tensor);
}

bool Run::is_input(const std::string& tensor) const {
  return std::find(plan_.inputs.begin(), plan_.inputs.end(), tensor) != plan_.inputs.end();
}

Result<std::shared_ptr<umd::Buffer>> Run::import(const Binding& binding) {
  auto& imports = memory_.imports;
  std::erase_if(imports, [](const auto& import) { return import.first.expired(); });
  for (const auto& [memory, buffer] : imports) {
    if (memory.lock() == binding.memory()) {
      return buffer;
    }
  }
  MEDLAR_ASSIGN(auto buffer, binding.memory()->in(engine_.context()));
  imports.emplace_back(binding.memory(), buffer);
  return buffer;
}

Status Run::take_inputs() {
  for (const std::string& name : plan_.inputs) {
    const Binding& binding = bindings_.at(name);
    MEDLAR_ASSIGN(const LoadedEngine::Io* io, engine_.find_io(name));
    if (binding.layout() == Layout::kDevice) {
      MEDLAR_ASSIGN(auto buffer, import(binding));
      device_[name][0] = {{std::move(buffer), binding.offset()}, *io->device, {.scale = io->scale, .zero = io->zero, .channels_last = io->channels_last}};
      continue;
    }
    MEDLAR_ASSIGN(const MutableBytes bytes, binding.bytes());
    host_[name] = {io->type, io->shape, bytes.first(io->bytes.value_or(bytes.size())), binding.strings()};
  }
  return {};
}

Status Run::execute(RunReport* report, const Cancellation* cancellation) {
  MEDLAR_TRY(settle());
  MEDLAR_TRY(take_inputs());
  for (size_t i = 0; i < plan_.segments.size(); ++i) {
    if (cancellation != nullptr && cancellation->requested()) {
      return fail(Code::kCancelled, "cancelled before segment '{}'", plan_.segments[i].name);
    }
    SegmentRun record{.segment = static_cast<int>(i),
                      .engine = plan_.segments[i].engine,
                      .core = engine_.core(),
                      .provider = {},
                      .host_seconds = 0,
                      .serials = {},
                      .moves = {}};
    const auto start = std::chrono::steady_clock::now();
    if (Status status = run_segment(i, record, cancellation); !status) {
      return tl::unexpected<Error>(std::move(status).error().in("segment '" + plan_.segments[i].name + "'"));
    }
    record.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (report != nullptr) {
      report->segments.push_back(std::move(record));
    }
  }
  SegmentRun delivery{.segment = -1,
                      .engine = compiler::Engine::kCpu,
                      .core = 0,
                      .provider = {},
                      .host_seconds = 0,
                      .serials = {},
                      .moves = {}};
  MEDLAR_TRY(deliver(delivery));
  if (report != nullptr) {
    report->segments.push_back(std::move(delivery));
  }
  return {};
}

Status Run::run_segment(size_t index, SegmentRun& record, const Cancellation* cancellation) {
  const uint64_t start = engine_.clock().now_ns ? engine_.clock().now_ns() : 0;
  if (std::holds_alternative<LoadedEngine::DlaSegment>(engine_.segments()[index])) {
    pass_time(index, start);
    return run_dla(index, record, cancellation);
  }
  record.provider = std::get<LoadedEngine::HostSegment>(engine_.segments()[index]).provider();
  MEDLAR_TRY(run_host(index, record, cancellation));
  pass_time(index, start);
  return {};
}

/// What others did for the segment took the core's time too.
void Run::pass_time(size_t index, uint64_t since_ns) const {
  const uint64_t idle = engine_.idle_ns(index);
  if (engine_.clock().idle_until && idle != 0) {
    engine_.clock().idle_until(since_ns + idle);
  }
}

const DeviceValue* Run::on_device(const compiler::DlaBinding& binding) const {
  const auto tensor = device_.find(binding.tensor);
  if (tensor == device_.end()) {
    return nullptr;
  }
  const auto item = tensor->second.find(binding.item);
  return item == tensor->second.end() ? nullptr : &item->second;
}

Result<umd::BufferSlice> Run::feed(size_t index, size_t input, SegmentRun& record) {
  const compiler::DlaBinding& wanted = plan_.segments[index].bindings_in[input];
  const loadable::Tensor& layout =
      std::get<LoadedEngine::DlaSegment>(engine_.segments()[index]).inputs()[input].tensor;
  const DeviceValue* device = on_device(wanted);
  if (device != nullptr && same_layout(device->layout, layout) && device->stored == stored_as(wanted)) {
    note(record, wanted.tensor, HandOver::kInPlace, 0, "");
    return device->slice;
  }
  const umd::BufferSlice own = memory_.dla[index].inputs[input];
  MEDLAR_ASSIGN(const HostValue* value, on_host(wanted.tensor, record));
  MEDLAR_ASSIGN(const MutableBytes bytes, mapped(own));
  if (value->bytes.data() == bytes.data()) {
    note(record, wanted.tensor, HandOver::kInPlace, 0, "");
    return own;
  }
  MEDLAR_ASSIGN(const MutableBytes rows, item_rows(*value, wanted));
  MEDLAR_TRY(rows_to_device(rows, value->type, layout, stored_as(wanted), bytes));
  note(record, wanted.tensor, HandOver::kConverted, layout.size,
       rows_text(value->type) + " to " + describe_layout(layout));
  return own;
}

Result<umd::BufferSlice> Run::output_slice(size_t index, size_t output) {
  const Binding* bound = output_binding(plan_.segments[index].bindings_out[output].tensor);
  if (bound == nullptr || bound->layout() != Layout::kDevice) {
    return memory_.dla[index].outputs[output];
  }
  MEDLAR_ASSIGN(auto buffer, import(*bound));
  return umd::BufferSlice{std::move(buffer), bound->offset()};
}

Status Run::settle() {
  if (!memory_.unfinished) {
    return {};
  }
  // How the task ended is nobody's business any more: its run was cancelled.
  const Status ended = memory_.unfinished->wait(kBorderWait);
  if (!ended && !memory_.unfinished->done()) {
    return fail(Code::kTimeout, "the DLA task {} of a cancelled run is still under way after {} ms",
                memory_.unfinished->serial(), kBorderWait.count());
  }
  memory_.unfinished.reset();
  return {};
}

Status Run::wait_for_border(const umd::Fence& fence, const Cancellation* cancellation) {
  if (cancellation == nullptr) {
    return fence.wait();
  }
  constexpr std::chrono::milliseconds kSlice(10);
  std::chrono::milliseconds waited(0);
  while (true) {
    const Status status = fence.wait(kSlice);
    const bool done = status || fence.done();
    const bool cancelled = cancellation->requested();
    if (done && cancelled) {
      return fail(Code::kCancelled, "cancelled at the border of DLA task {}", fence.serial());
    }
    if (done) {
      return status;
    }
    waited += cancelled ? kSlice : std::chrono::milliseconds(0);
    if (waited >= kBorderWait) {
      memory_.unfinished = fence;
      return fail(Code::kCancelled, "cancelled; DLA task {} had not reached its border after {} ms",
                  fence.serial(), kBorderWait.count());
    }
  }
}

Status Run::run_dla(size_t index, SegmentRun& record, const Cancellation* cancellation) {
  const compiler::Segment& segment = plan_.segments[index];
  const auto& model = std::get<LoadedEngine::DlaSegment>(engine_.segments()[index]);
  umd::Bindings bindings;
  for (size_t i = 0; i < segment.bindings_in.size(); ++i) {
    MEDLAR_ASSIGN(umd::BufferSlice slice, feed(index, i, record));
    bindings.inputs.push_back(std::move(slice));
  }
  for (size_t i = 0; i < segment.bindings_out.size(); ++i) {
    MEDLAR_ASSIGN(umd::BufferSlice slice, output_slice(index, i));
    bindings.outputs.push_back(std::move(slice));
  }
  MEDLAR_ASSIGN(const umd::Fence fence,
                model.submit(bindings, {.wait_for = {}, .timeout = engine_.task_timeout()}));
  MEDLAR_TRY(wait_for_border(fence, cancellation));
  record.serials.push_back(fence.serial());
  for (size_t i = 0; i < segment.bindings_out.size(); ++i) {
    const compiler::DlaBinding& binding = segment.bindings_out[i];
    device_[binding.tensor][binding.item] = {bindings.outputs[i], model.outputs()[i].tensor, stored_as(binding)};
  }
  return {};
}

Result<MutableBytes> Run::shared_pages(const std::string& tensor) {
  const compiler::BoundaryTensor* boundary = engine_.find_tensor(tensor);
  for (size_t i = 0; i < plan_.segments.size(); ++i) {
    const auto* dla = std::get_if<LoadedEngine::DlaSegment>(&engine_.segments()[i]);
    for (size_t k = 0; dla != nullptr && k < plan_.segments[i].bindings_in.size(); ++k) {
      const compiler::DlaBinding& binding = plan_.segments[i].bindings_in[k];
      const bool whole =
          graph::element_count(boundary->shape) == static_cast<int64_t>(item_elements(binding));
      if (binding.tensor == tensor && whole && is_rows(dla->inputs()[k].tensor, boundary->type)) {
        return mapped(memory_.dla[i].inputs[k]);
      }
    }
  }
  return MutableBytes();
}

Result<HostValue> Run::place(const std::string& tensor) {
  const compiler::BoundaryTensor& boundary = *engine_.find_tensor(tensor);
  const auto bytes = graph::storage_bytes(boundary.type, boundary.shape);
  HostValue value{boundary.type, boundary.shape, {}};
  if (!bytes) {
    return value;  // known afterwards
  }
  const Binding* bound = output_binding(tensor);
  if (bound != nullptr && bound->tensor() != nullptr) {
    graph::Tensor& target = *bound->tensor();
    target.type = boundary.type;
    target.shape = boundary.shape;
    target.bytes.resize(*bytes);
    value.bytes = target.bytes;
    return value;
  }
  if (bound != nullptr && bound->layout() == Layout::kRows) {
    MEDLAR_ASSIGN(const MutableBytes target, bound->bytes());
    value.bytes = target.first(*bytes);
    return value;
  }
  MEDLAR_ASSIGN(const MutableBytes pages, shared_pages(tensor));
  if (!pages.empty()) {
    value.bytes = pages.first(*bytes);
    return value;
  }
  graph::Tensor& own = memory_.host[tensor];
  own.bytes.resize(*bytes);
  value.bytes = own.bytes;
  return value;
}

Result<const HostValue*> Run::on_host(const std::string& tensor, SegmentRun& record) {
  if (const auto known = host_.find(tensor); known != host_.end()) {
    return &known->second;
  }
  const auto device = device_.find(tensor);
  if (device == device_.end()) {
    return fail(Code::kInternal, "tensor '{}' has no value yet", tensor);
  }
  const compiler::BoundaryTensor& boundary = *engine_.find_tensor(tensor);
  const DeviceValue& first = device->second.begin()->second;
  if (device->second.size() == 1 && is_rows(first.layout, boundary.type)) {
    MEDLAR_ASSIGN(const MutableBytes stored, mapped(first.slice));
    const uint64_t bytes = graph::storage_bytes(boundary.type, boundary.shape).value_or(0);
    note(record, tensor, HandOver::kInPlace, 0, "");
    return &(host_[tensor] = {boundary.type, boundary.shape, stored.first(bytes)});
  }
  MEDLAR_ASSIGN(HostValue value, place(tensor));
  const size_t size = value.bytes.size() / device->second.size();
  for (const auto& [item, from] : device->second) {
    MEDLAR_ASSIGN(const MutableBytes stored, mapped(from.slice));
    MEDLAR_TRY(device_to_rows(stored, from.layout, from.stored, boundary.type,
                              value.bytes.subspan(static_cast<size_t>(item) * size, size)));
  }
  note(record, tensor, HandOver::kConverted, value.bytes.size(),
       describe_layout(first.layout) + " to " + rows_text(boundary.type));
  return &(host_[tensor] = std::move(value));
}

Status Run::run_host(size_t index, SegmentRun& record, const Cancellation* cancellation) {
  const compiler::Segment& segment = plan_.segments[index];
  const auto& session = std::get<LoadedEngine::HostSegment>(engine_.segments()[index]);
  const host::RunToken* token = cancellation != nullptr ? &cancellation->token() : nullptr;
  std::map<std::string, host::TensorRef> inputs, outputs;
  for (const std::string& name : segment.inputs) {
    const bool was_on_host = host_.contains(name);
    MEDLAR_ASSIGN(const HostValue* value, on_host(name, record));
    inputs.emplace(name, *value);
    if (was_on_host) {
      note(record, name, HandOver::kInPlace, 0, "");
    }
  }
  bool shapes_known = true;
  for (const std::string& name : segment.outputs) {
    const compiler::BoundaryTensor& boundary = *engine_.find_tensor(name);
    shapes_known = shapes_known && graph::storage_bytes(boundary.type, boundary.shape).value_or(0) > 0;
  }
  if (shapes_known) {
    for (const std::string& name : segment.outputs) {
      MEDLAR_ASSIGN(HostValue value, place(name));
      outputs.emplace(name, value);
      host_[name] = std::move(value);
    }
    return session.run_in_place(inputs, outputs, token);
  }
  MEDLAR_ASSIGN(std::vector<graph::Tensor> values, session.run_refs(inputs, segment.outputs, token));
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string& name = segment.outputs[i];
    const Binding* bound = output_binding(name);
    const bool straight = bound != nullptr && bound->tensor() != nullptr;
    graph::Tensor& own = straight ? *bound->tensor() : memory_.host[name];
    own = std::move(values[i]);
    note(record, name, HandOver::kCopied, own.bytes.size(), "its shape is known only afterwards");
    host_[name] = {own.type, own.shape, own.bytes, own.strings};
  }
  return {};
}

Status Run::deliver(SegmentRun& record) {
  for (const std::string& name : plan_.outputs) {
    MEDLAR_TRY(deliver_one(name, record));
  }
  return {};
}

Status Run::deliver_one(const std::string& name, SegmentRun& record) {
  const Binding& bound = bindings_.at(name);
  if (bound.layout() == Layout::kDevice) {
    note(record, name, HandOver::kInPlace, 0, "");
    return {};
  }
  const size_t before = record.moves.size();
  MEDLAR_ASSIGN(const HostValue* value, on_host(name, record));
  MutableBytes target;
  if (bound.tensor() != nullptr) {
    bound.tensor()->type = value->type;
    bound.tensor()->shape = value->shape;
    bound.tensor()->strings.assign(value->strings.begin(), value->strings.end());
    if (bound.tensor()->bytes.data() != value->bytes.data()) {
      bound.tensor()->bytes.resize(value->bytes.size());
    }
    target = bound.tensor()->bytes;
  } else {
    MEDLAR_ASSIGN(target, bound.bytes());
  }
  if (target.size() < value->bytes.size()) {
    return fail(Code::kInvalidArgument, "output '{}' has {} bytes, {} are bound", name, value->bytes.size(),
                target.size());
  }
  if (target.data() != value->bytes.data() && !value->bytes.empty()) {
    std::memcpy(target.data(), value->bytes.data(), value->bytes.size());
    note(record, name, HandOver::kCopied, value->bytes.size(), "from where it was made to where it is bound");
  } else if (record.moves.size() == before) {
    note(record, name, HandOver::kInPlace, 0, "");
  }
  return {};
}

}  // namespace medlar::runtime
