// SPDX-License-Identifier: Apache-2.0
#include "api/run_loadable.hpp"

#include "api/module.hpp"
#include "base/files.hpp"
#include "hw/limits.hpp"
#include "loadable/loadable.hpp"
#include "loadable/task_view.hpp"
#include "sample/image.hpp"
#include "sample/npy.hpp"
#include "umd/model.hpp"
#include "umd/tensor_io.hpp"

#include <algorithm>
#include <tuple>

namespace medlar::api {
namespace {

graph::Tensor empty_tensor(const loadable::Tensor& tensor) {
  graph::Tensor empty{graph::DataType::kFloat32, {tensor.n, tensor.c, tensor.h, tensor.w}, {}, {}};
  empty.bytes.resize(umd::element_count(tensor) * sizeof(float));
  return empty;
}

/// Cubes of 8-byte atoms. Old files give them the format of 32-byte ones: there the line stride tells.
bool has_small_atoms(const loadable::Tensor& tensor) {
  constexpr uint64_t kLargeAtom = 32;
  const bool feature = tensor.category == loadable::DataCategory::kFeature;
  return tensor.pixel_format == loadable::kPixelFeatureX8 ||
         (feature && tensor.strides[1] != 0 &&
          tensor.strides[1] < static_cast<uint64_t>(tensor.w) * kLargeAtom);
}

/// Entries of the convolution buffer that a direct convolution of a feature cube counts for a line are the
/// configuration's.
bool counts_entries(const hw::ConvOp& conv, const hw::HwConfig& config) {
  const bool feature =
      conv.conv_mode == NVDLA_CONV_MODE_DIRECT && conv.data_format == loadable::kPixelFeature;
  if (!feature || conv.in_precision > NVDLA_PRECISION_FP16) {
    return true;
  }
  const auto precision = static_cast<hw::Precision>(conv.in_precision);
  return config.supports(precision) &&
         conv.entry_per_slice ==
             hw::feature_entries_per_slice(config, conv.input_width_csc, conv.input_channel_csc, precision);
}

/// Whether the file's convolutions were compiled for the configuration.
bool fits_buffer(const loadable::Loadable& file, const hw::HwConfig& config) {
  for (size_t task = 0; task < file.tasks.size(); ++task) {
    const auto view = loadable::dla_task(file, task);  // fails for tasks of the CPU
    for (uint32_t i = 0; view && i < view->records; ++i) {
      if (view->op(i).op_type == NVDLA_OP_TYPE_CONV && !counts_entries(view->op_body(i).conv_op, config)) {
        return false;
      }
    }
  }
  return true;
}

/// The open configuration whose memory atom and convolution buffer the loadable was compiled for; where they
/// do not tell, one with FP16 before others, the smaller one before the larger one.
Result<const hw::DeviceProfile*> choose_device(const loadable::Loadable& file, std::string_view device) {
  if (!device.empty()) {
    return hw::find_device(device);
  }
  const uint32_t atom = std::any_of(file.tensors.begin(), file.tensors.end(), has_small_atoms) ? 8 : 32;
  const auto rank = [&](const hw::DeviceProfile& candidate) {
    const hw::HwConfig& config = *candidate.config;
    return std::tuple(!fits_buffer(file, config), atom == 32 && !config.supports(hw::Precision::kFp16),
                      candidate.macs_int8);
  };
  const hw::DeviceProfile* chosen = nullptr;
  for (const hw::DeviceProfile& candidate : hw::devices()) {
    const bool fits = candidate.label == hw::Label::kBitExact && candidate.config->memory_atom == atom;
    chosen = fits && (chosen == nullptr || rank(candidate) < rank(*chosen)) ? &candidate : chosen;
  }
  return chosen;
}

Result<MutableBytes> bytes_of(const umd::BufferSlice& slice) {
  MEDLAR_ASSIGN(const MutableBytes bytes, slice.buffer->map());
  return bytes.subspan(slice.offset);
}

/// Channels of the file's data for an input of shape [n, c, h, w]; 0: it does not say, or other sizes differ.
Result<int64_t> channels_in(const std::filesystem::path& path, const graph::Shape& shape) {
  if (sample::is_image_name(path.string())) {
    constexpr int64_t kRgb = 3;
    return std::min(shape[1], kRgb);
  }
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(path));
  if (path.extension() == ".npy") {
    MEDLAR_ASSIGN(const graph::Tensor tensor, sample::parse_npy(bytes, path.string()));
    const bool same = tensor.shape.size() == shape.size() && tensor.shape[0] == shape[0] &&
                      tensor.shape[2] == shape[2] && tensor.shape[3] == shape[3];
    return same ? tensor.shape[1] : 0;
  }
  const uint64_t plane = static_cast<uint64_t>(shape[0] * shape[2] * shape[3]) * sizeof(float);
  return plane != 0 && bytes.size() % plane == 0 ? static_cast<int64_t>(bytes.size() / plane) : 0;
}

Status fill_inputs(const umd::LoadedModel& model, const umd::Bindings& bindings,
                   const std::map<std::string, graph::Tensor>& inputs) {
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    const umd::BindingInfo& info = model.inputs()[i];
    const auto given = inputs.find(info.name);
    if (given == inputs.end()) {
      return fail(Code::kInvalidArgument, "input '{}' is missing", info.name);
    }
    MEDLAR_ASSIGN(const MutableBytes bytes, bytes_of(bindings.inputs[i]));
    MEDLAR_TRY(umd::pack_tensor(info.tensor, given->second.as<float>(), 1.0f, bytes));
  }
  return {};
}

}  // namespace

Result<std::vector<sample::InputSpec>> loadable_inputs(ByteView bytes, std::string_view name) {
  MEDLAR_ASSIGN(const loadable::Loadable file, loadable::read(bytes, name));
  std::vector<sample::InputSpec> specs;
  for (const loadable::Memory& memory : file.memories) {
    if (memory.has(loadable::kMemoryInput)) {
      const loadable::Tensor& tensor = file.tensors.at(memory.tensor_desc);
      specs.push_back({tensor.name, graph::DataType::kFloat32, {tensor.n, tensor.c, tensor.h, tensor.w}});
    }
  }
  return specs;
}

Result<graph::Tensor> load_loadable_input(const std::filesystem::path& path, const sample::InputSpec& input) {
  sample::InputSpec wanted = input;
  MEDLAR_ASSIGN(const int64_t channels, channels_in(path, input.shape));
  if (channels > 0 && channels < input.shape[1]) {
    wanted.shape[1] = channels;  // pack_tensor() lets images have fewer, and nothing else
  }
  return sample::load_tensor(path, wanted, std::nullopt);
}

Result<const hw::DeviceProfile*> loadable_device(ByteView bytes, std::string_view name,
                                                 std::string_view device) {
  MEDLAR_ASSIGN(const loadable::Loadable file, loadable::read(bytes, name));
  return choose_device(file, device);
}

Result<std::map<std::string, graph::Tensor>> run_loadable(ByteView bytes, std::string_view name,
                                                          std::string_view device,
                                                          const std::map<std::string, graph::Tensor>& inputs,
                                                          chip::Tracer* tracer) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* profile, loadable_device(bytes, name, device));
  MEDLAR_ASSIGN(const auto module, Module::boot(*profile));
  module->set_tracer(0, tracer);
  return run_loadable(*module, bytes, name, inputs);
}

Result<std::map<std::string, graph::Tensor>> run_loadable(
    Module& module, ByteView bytes, std::string_view name,
    const std::map<std::string, graph::Tensor>& inputs) {
  MEDLAR_ASSIGN(loadable::Loadable file, loadable::read(bytes, name));
  MEDLAR_ASSIGN(const umd::LoadedModel model, umd::LoadedModel::load(module.context(), std::move(file)));
  MEDLAR_ASSIGN(const umd::Bindings bindings, model.allocate_bindings());
  MEDLAR_TRY(fill_inputs(model, bindings, inputs));
  MEDLAR_ASSIGN(const umd::Fence fence, model.submit(bindings));
  MEDLAR_TRY(fence.wait());
  std::map<std::string, graph::Tensor> outputs;
  for (size_t i = 0; i < model.outputs().size(); ++i) {
    const umd::BindingInfo& info = model.outputs()[i];
    graph::Tensor tensor = empty_tensor(info.tensor);
    const std::span<float> values(reinterpret_cast<float*>(tensor.bytes.data()),
                                  tensor.bytes.size() / sizeof(float));
    MEDLAR_ASSIGN(const MutableBytes stored, bytes_of(bindings.outputs[i]));
    MEDLAR_TRY(umd::unpack_tensor(info.tensor, stored, 1.0f, values));
    outputs.emplace(info.name, std::move(tensor));
  }
  return outputs;
}

}  // namespace medlar::api
