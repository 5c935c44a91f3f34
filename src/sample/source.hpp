// SPDX-License-Identifier: Apache-2.0
// Where samples come from: an image, a folder or archive of images, .npy, .npz or raw float32 files. Streamed.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "graph/graph.hpp"
#include "sample/preprocess.hpp"

namespace medlar::sample {

/// One input of the model that the samples feed.
struct InputSpec {
  std::string name;
  graph::DataType type = graph::DataType::kFloat32;
  graph::Shape shape;
};

/// One complete set of inputs.
struct Sample {
  std::string name;                           ///< File it came from.
  std::map<std::string, graph::Tensor> inputs;  ///< By input name.
};

/// Every `of`-th sample, starting with number `index`: what one of several machines visits.
struct Slice {
  uint64_t index = 0, of = 1;
};

/// Returns false to stop early.
using SampleVisitor = std::function<Result<bool>(Sample)>;

/// Streams samples for a model with `inputs`: `path` is a folder, an archive or one file. Images (one input) go through
/// `preprocess`; .npy feeds the only input; .npz holds one array per input name. Files of other kinds are skipped;
/// none at all is an error. Order: by name in folders, the archive's own in archives. Samples outside `slice` are not decoded.
Status visit_samples(const std::filesystem::path& path, const std::vector<InputSpec>& inputs,
                     const std::optional<Preprocess>& preprocess, const SampleVisitor& visitor, Slice slice = {});

/// One tensor for `input` from an image, an .npy file or a file of any other name, which holds the tensor's bytes (little-endian).
Result<graph::Tensor> load_tensor(const std::filesystem::path& path, const InputSpec& input,
                                  const std::optional<Preprocess>& preprocess);

/// Number of files in a folder or archive that visit_samples would read.
Result<uint64_t> count_samples(const std::filesystem::path& path);

}  // namespace medlar::sample
