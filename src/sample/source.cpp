// SPDX-License-Identifier: Apache-2.0
#include "sample/source.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "sample/archive.hpp"
#include "sample/npy.hpp"

namespace medlar::sample {
namespace {

namespace fs = std::filesystem;

bool is_sample_name(std::string_view name) {
  return is_image_name(name) || name.ends_with(".npy") || name.ends_with(".npz") || name.ends_with(".f32");
}

Result<graph::Tensor> checked(graph::Tensor tensor, const InputSpec& input, const std::string& name) {
  if (tensor.type != input.type || tensor.shape != input.shape) {
    return fail(Code::kInvalidArgument, "{}: {} [{}], but input '{}' wants {} [{}]", name,
                graph::data_type_name(tensor.type), fmt::join(tensor.shape, ","), input.name,
                graph::data_type_name(input.type), fmt::join(input.shape, ","));
  }
  return tensor;
}

/// The tensor's bytes as they are, little-endian; .f32 states the type.
Result<graph::Tensor> raw_tensor(ByteView bytes, const InputSpec& input, const std::string& name) {
  const bool right_type = input.type == graph::DataType::kFloat32 || !name.ends_with(".f32");
  const auto wanted = graph::storage_bytes(input.type, input.shape);
  if (!right_type || !wanted || bytes.size() != *wanted) {
    return fail(Code::kInvalidArgument, "{}: {} bytes of {}, but input '{}' is {} [{}]: {} bytes", name, bytes.size(),
                right_type ? "raw data" : "float32", input.name, graph::data_type_name(input.type), fmt::join(input.shape, ","),
                wanted.value_or(0));
  }
  return graph::Tensor{input.type, input.shape, ByteBuffer(bytes.begin(), bytes.end()), {}};
}

Result<graph::Tensor> image_tensor(ByteView bytes, const InputSpec& input, const std::optional<Preprocess>& preprocess,
                                   const std::string& name) {
  Preprocess used;
  if (preprocess) {
    used = *preprocess;
  } else {
    MEDLAR_ASSIGN(used, default_preprocess(input.shape));
  }
  MEDLAR_ASSIGN(const Image image, decode_image(bytes, name, used.channels()));
  Result<graph::Tensor> tensor = image_to_tensor(image, used, input.shape);
  if (!tensor) {
    return tl::unexpected<Error>(std::move(tensor).error().in(name));
  }
  return checked(std::move(*tensor), input, name);
}

Result<graph::Tensor> one_tensor(ByteView bytes, const InputSpec& input, const std::optional<Preprocess>& preprocess,
                                 const std::string& name) {
  if (name.ends_with(".npy")) {
    MEDLAR_ASSIGN(graph::Tensor tensor, parse_npy(bytes, name));
    return checked(std::move(tensor), input, name);
  }
  return is_image_name(name) ? image_tensor(bytes, input, preprocess, name) : raw_tensor(bytes, input, name);
}

Result<std::map<std::string, graph::Tensor>> npz_tensors(ByteView bytes, const std::vector<InputSpec>& inputs,
                                                         const std::string& name) {
  std::map<std::string, graph::Tensor> arrays;
  MEDLAR_TRY(visit_archive(bytes, name, [&](const std::string& file, ByteBuffer data) -> Result<bool> {
    const std::string key = file.ends_with(".npy") ? file.substr(0, file.size() - 4) : file;
    const auto input = std::find_if(inputs.begin(), inputs.end(), [&](const InputSpec& spec) { return spec.name == key; });
    if (input == inputs.end()) {
      return fail(Code::kInvalidArgument, "{}: array '{}' is no input of the model", name, key);
    }
    MEDLAR_ASSIGN(graph::Tensor tensor, parse_npy(data, name + ":" + file));
    MEDLAR_ASSIGN(arrays[key], checked(std::move(tensor), *input, name + ":" + file));
    return true;
  }));
  for (const InputSpec& input : inputs) {
    if (arrays.find(input.name) == arrays.end()) {
      return fail(Code::kInvalidArgument, "{}: no array for input '{}'", name, input.name);
    }
  }
  return arrays;
}

Result<Sample> make_sample(const std::string& name, ByteView bytes, const std::vector<InputSpec>& inputs,
                           const std::optional<Preprocess>& preprocess) {
  Sample sample{name, {}};
  if (name.ends_with(".npz")) {
    MEDLAR_ASSIGN(sample.inputs, npz_tensors(bytes, inputs, name));
    return sample;
  }
  if (inputs.size() != 1) {
    return fail(Code::kInvalidArgument, "{}: the model has {} inputs; samples must be .npz with one array per input", name,
                inputs.size());
  }
  MEDLAR_ASSIGN(sample.inputs[inputs[0].name], one_tensor(bytes, inputs[0], preprocess, name));
  return sample;
}

Result<std::vector<fs::path>> sample_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file() && is_sample_name(it->path().string())) {
      files.push_back(it->path());
    }
  }
  if (error) {
    return fail(Code::kIo, "{}: cannot list: {}", folder.string(), error.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Status visit_samples(const fs::path& path, const std::vector<InputSpec>& inputs, const std::optional<Preprocess>& preprocess,
                     const SampleVisitor& visitor, Slice slice) {
  if (slice.index >= slice.of) {
    return fail(Code::kOutOfRange, "slice {} of {}: slices count from 0", slice.index, slice.of);
  }
  uint64_t found = 0;
  const auto mine = [&] { return found++ % slice.of == slice.index; };
  const auto visit = [&](const std::string& name, ByteView bytes) -> Result<bool> {
    MEDLAR_ASSIGN(Sample sample, make_sample(name, bytes, inputs, preprocess));
    return visitor(std::move(sample));
  };
  if (fs::is_directory(path)) {
    MEDLAR_ASSIGN(const std::vector<fs::path> files, sample_files(path));
    for (const fs::path& file : files) {
      if (!mine()) {
        continue;
      }
      MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(file));
      MEDLAR_ASSIGN(const bool go_on, visit(file.string(), bytes));
      if (!go_on) {
        break;
      }
    }
  } else if (is_archive_name(path.string())) {
    MEDLAR_TRY(visit_archive(path, [&](const std::string& file, ByteBuffer bytes) -> Result<bool> {
      return is_sample_name(file) && mine() ? visit(file, bytes) : Result<bool>(true);
    }));
  } else if (mine()) {
    MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(path));
    MEDLAR_ASSIGN([[maybe_unused]] const bool go_on, visit(path.string(), bytes));
  }
  if (found == 0) {
    return fail(Code::kNotFound, "{}: holds no image, .npy, .npz or .f32 file", path.string());
  }
  return {};
}

Result<graph::Tensor> load_tensor(const fs::path& path, const InputSpec& input, const std::optional<Preprocess>& preprocess) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(path));
  return one_tensor(bytes, input, preprocess, path.string());
}

Result<uint64_t> count_samples(const fs::path& path) {
  if (fs::is_directory(path)) {
    MEDLAR_ASSIGN(const std::vector<fs::path> files, sample_files(path));
    return files.size();
  }
  uint64_t count = 0;
  if (is_archive_name(path.string())) {
    MEDLAR_TRY(visit_archive(path, [&](const std::string& file, const ByteBuffer&) -> Result<bool> {
      count += is_sample_name(file) ? 1 : 0;
      return true;
    }));
    return count;
  }
  return 1;
}

}  // namespace medlar::sample
