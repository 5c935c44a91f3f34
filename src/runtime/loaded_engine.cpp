// SPDX-License-Identifier: Apache-2.0
#include "runtime/loaded_engine.hpp"

#include "hw/cube.hpp"

#include <algorithm>

namespace medlar::runtime {
namespace {

/// The loadable's bindings and the plan's must be the same tensors in the same order.
Status check_bindings(const std::vector<umd::BindingInfo>& have,
                      const std::vector<compiler::DlaBinding>& want, const std::string& segment) {
  if (have.size() != want.size()) {
    return fail(Code::kCorrupt, "segment '{}': the loadable binds {} tensors, the engine {}", segment,
                have.size(), want.size());
  }
  for (size_t i = 0; i < want.size(); ++i) {
    if (want[i].bind_id != static_cast<int>(i)) {
      return fail(Code::kCorrupt, "segment '{}': tensor '{}' has bind id {} at position {}", segment,
                  want[i].tensor, want[i].bind_id, i);
    }
  }
  return {};
}

bool same_element(loadable::DataType device, graph::DataType host) {
  return device == loadable::DataType::kHalf && host == graph::DataType::kFloat16;
}

/// Names of a segment's hardware operations by their index in the task: what errors of the driver call a layer.
std::vector<std::string> layers_of(const compiler::Plan& plan, size_t segment) {
  std::vector<std::string> layers;
  for (const compiler::HwOpInfo& op : plan.hw_ops) {
    if (op.segment == static_cast<int>(segment) && op.task_op >= 0) {
      const auto at = static_cast<size_t>(op.task_op);
      layers.resize(std::max(layers.size(), at + 1));
      layers[at] = op.name;
    }
  }
  return layers;
}

}  // namespace

bool same_layout(const loadable::Tensor& a, const loadable::Tensor& b) {
  return a.format == b.format && a.type == b.type && a.category == b.category &&
         a.pixel_format == b.pixel_format && a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w &&
         a.strides == b.strides;
}

bool is_rows(const loadable::Tensor& t, graph::DataType type) {
  constexpr uint32_t kHalfBytes = 2;
  if (!same_element(t.type, type) || t.n != 1) {
    return false;
  }
  const auto w = static_cast<uint32_t>(t.w), h = static_cast<uint32_t>(t.h), c = static_cast<uint32_t>(t.c);
  if (t.category == loadable::DataCategory::kImage) {
    const hw::PixelFormat* format = hw::find_pixel_format(t.pixel_format);
    return format != nullptr && format->components() == 1 && format->bytes_plane0 == kHalfBytes && c == 1 &&
           (h == 1 || t.strides[1] == w * kHalfBytes);
  }
  constexpr uint32_t kAtom = 32;
  return w == 1 && h == 1 && (c * kHalfBytes <= kAtom || t.strides[2] == kAtom);
}

Result<std::shared_ptr<const LoadedEngine>> LoadedEngine::load(const engine::Engine& engine,
                                                               const std::shared_ptr<umd::Device>& core,
                                                               const LoadOptions& options) {
  std::shared_ptr<LoadedEngine> loaded(new LoadedEngine());
  loaded->keep_alive_ = options.keep_alive;
  loaded->model_ = engine.model;
  loaded->plan_ = engine.plan;
  loaded->task_timeout_ = options.task_timeout;
  loaded->clock_ = options.clock;
  MEDLAR_ASSIGN(loaded->context_, umd::Context::create(core, options.priority));
  for (compiler::Segment& segment : loaded->plan_.segments) {
    if (Status status = loaded->load_segment(segment, options); !status) {
      return tl::unexpected<Error>(std::move(status).error().in("segment '" + segment.name + "'"));
    }
    segment.payload = {};
  }
  loaded->describe_io();
  return std::shared_ptr<const LoadedEngine>(std::move(loaded));
}

LoadedEngine::~LoadedEngine() {
  segments_.clear();  // their device memory goes before the module may
}

Status LoadedEngine::load_segment(compiler::Segment& segment, const LoadOptions& options) {
  if (segment.engine == compiler::Engine::kDla) {
    MEDLAR_ASSIGN(loadable::Loadable file, loadable::read(segment.payload, "loadable"));
    MEDLAR_ASSIGN(umd::LoadedModel model,
                  umd::LoadedModel::load(context_, std::move(file), {.layers = layers_of(plan_, segments_.size())}));
    MEDLAR_TRY(check_bindings(model.inputs(), segment.bindings_in, segment.name));
    MEDLAR_TRY(check_bindings(model.outputs(), segment.bindings_out, segment.name));
    segments_.emplace_back(std::move(model));
    return {};
  }
  host::SessionOptions host = options.host;
  // What was placed on the CPU stays there; what was placed on the GPU takes the GPU that there is.
  if (segment.engine != compiler::Engine::kGpu) {
    host.provider = host::Provider::kCpu;
  }
  MEDLAR_ASSIGN(host::Session session, host::Session::create(segment.payload, "ONNX model", host));
  segments_.emplace_back(std::move(session));
  return {};
}

void LoadedEngine::describe_io() {
  for (const std::string& name : plan_.inputs) {
    io_.push_back(make_io(name, true));
  }
  for (const std::string& name : plan_.outputs) {
    io_.push_back(make_io(name, false));
  }
}

LoadedEngine::Io LoadedEngine::make_io(const std::string& name, bool input) const {
  Io io{.name = name, .input = input, .type = {}, .shape = {}, .bytes = {}, .device = {}, .scale = 1.0f, .zero = 0, .channels_last = false};
  if (const compiler::BoundaryTensor* tensor = find_tensor(name); tensor != nullptr) {
    io.type = tensor->type;
    io.shape = tensor->shape;
    io.bytes = graph::storage_bytes(tensor->type, tensor->shape);
  }
  for (size_t i = 0; i < segments_.size() && !io.device; ++i) {
    const auto* dla = std::get_if<DlaSegment>(&segments_[i]);
    if (dla == nullptr) {
      continue;
    }
    const auto& bindings = input ? plan_.segments[i].bindings_in : plan_.segments[i].bindings_out;
    const auto& infos = input ? dla->inputs() : dla->outputs();
    for (size_t k = 0; k < bindings.size(); ++k) {
      if (bindings[k].tensor == name) {
        io.device = infos[k].tensor;
        io.scale = bindings[k].scale;
        io.zero = bindings[k].zero;
        io.channels_last = bindings[k].channels_last;
      }
    }
    // A batch lies in several cubes: it is bound as rows.
    const bool batch = std::any_of(bindings.begin(), bindings.end(), [&](const compiler::DlaBinding& binding) {
      return binding.tensor == name && binding.item > 0;
    });
    if (batch) {
      io.device.reset();
      break;
    }
  }
  return io;
}

Result<const LoadedEngine::Io*> LoadedEngine::find_io(std::string_view name) const {
  std::string names;
  for (const Io& io : io_) {
    if (io.name == name) {
      return &io;
    }
    names += (names.empty() ? "" : ", ") + io.name;
  }
  return fail(Code::kNotFound, "{} has no input or output '{}': it has [{}]", model_, name, names);
}

const compiler::BoundaryTensor* LoadedEngine::find_tensor(std::string_view name) const {
  const auto at = std::find_if(plan_.tensors.begin(), plan_.tensors.end(),
                               [&](const compiler::BoundaryTensor& tensor) { return tensor.name == name; });
  return at == plan_.tensors.end() ? nullptr : &*at;
}

uint64_t LoadedEngine::idle_ns(size_t segment) const {
  constexpr double kNanoseconds = 1e9;
  const auto index = static_cast<int>(segment);
  double seconds = 0;
  for (const compiler::Transition& transition : plan_.transitions) {
    seconds += transition.to == index ? transition.seconds : 0;
  }
  for (const compiler::Placement& placement : plan_.placements) {
    seconds +=
        placement.segment == index && placement.engine != compiler::Engine::kDla ? placement.seconds : 0;
  }
  return static_cast<uint64_t>(kNanoseconds * seconds);
}

uint64_t LoadedEngine::device_bytes() const {
  uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    const auto* dla = std::get_if<DlaSegment>(&segment);
    bytes += dla != nullptr ? dla->device_bytes() : 0;
  }
  return bytes;
}

std::vector<std::string> LoadedEngine::host_notes() const {
  std::vector<std::string> notes;
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (const auto* host = std::get_if<HostSegment>(&segments_[i])) {
      notes.push_back(fmt::format("segment '{}' ({}): {}", plan_.segments[i].name,
                                  compiler::engine_name(plan_.segments[i].engine), host->provider_note()));
    }
  }
  return notes;
}

}  // namespace medlar::runtime
