// SPDX-License-Identifier: Apache-2.0
#include "api/public/calibration_source.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/types.hpp"
#include "base/files.hpp"
#include "host/calibrate.hpp"
#include "sample/npy.hpp"
#include "sample/npz.hpp"

namespace medlar::door {
namespace {

namespace fs = std::filesystem;

constexpr int kHexBase = 16;
constexpr size_t kHexDigits = 8;

/// A folder that goes when the object goes.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "medlar_calibration_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      raise(ErrorCode::kIo, "{}: cannot be made: {}", pattern, std::strerror(errno));
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string cache_header(CalibrationAlgorithm algorithm) {
  switch (algorithm) {
    case CalibrationAlgorithm::kLegacy: return "TRT-8601-LegacyCalibration";
    case CalibrationAlgorithm::kEntropy: return "TRT-8601-EntropyCalibration";
    case CalibrationAlgorithm::kEntropy2: return "TRT-8601-EntropyCalibration2";
    case CalibrationAlgorithm::kMinMax: return "TRT-8601-MinMaxCalibration";
  }
  raise(ErrorCode::kInvalidArgument, "there is no calibration algorithm {}", static_cast<int>(algorithm));
}

/// One input of one sample, from a batch.
graph::Tensor sample_of(const sample::InputSpec& input, const uint8_t* batch, int index) {
  graph::Tensor tensor{input.type, input.shape, {}, {}};
  const auto bytes = graph::storage_bytes(input.type, input.shape);
  if (!bytes) {
    raise(ErrorCode::kUnsupported, "calibration: input '{}' has no fixed size", input.name);
  }
  const uint8_t* from = batch + static_cast<size_t>(index) * *bytes;
  tensor.bytes.assign(from, from + *bytes);
  return tensor;
}

void write_sample(const fs::path& folder, uint64_t number, const std::map<std::string, graph::Tensor>& tensors) {
  const std::string stem = fmt::format("{:08}", number);
  if (tensors.size() == 1) {
    take(write_file(folder / (stem + ".npy"), take(sample::npy_bytes(tensors.begin()->second))));
  } else {
    take(write_file(folder / (stem + ".npz"), take(sample::npz_bytes(tensors))));
  }
}

/// Batches from the calibrator into files, which calibration reads as often as it wants.
uint64_t spool(Calibrator& calibrator, const std::vector<sample::InputSpec>& inputs, const fs::path& folder) {
  std::vector<std::string> names;
  for (const sample::InputSpec& input : inputs) {
    names.push_back(input.name);
  }
  const int batch_size = guarded("the calibrator's batch size", [&] { return calibrator.batchSize(); });
  if (batch_size < 1) {
    raise(ErrorCode::kInvalidArgument, "calibrator: a batch of {} samples", batch_size);
  }
  uint64_t samples = 0;
  std::vector<const void*> bindings(inputs.size(), nullptr);
  while (guarded("the calibrator's getBatch", [&] { return calibrator.getBatch(bindings, names); })) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (bindings[i] == nullptr) {
        raise(ErrorCode::kInvalidArgument, "calibrator: getBatch left a null pointer for input '{}'", names[i]);
      }
    }
    // An engine has the batch of its input: a larger calibration batch is that many samples after one another.
    const auto batch = inputs.empty() || inputs[0].shape.empty() ? 1 : std::max<int64_t>(1, inputs[0].shape[0]);
    const int runs = static_cast<int>(std::max<int64_t>(1, batch_size / batch));
    for (int run = 0; run < runs; ++run) {
      std::map<std::string, graph::Tensor> tensors;
      for (size_t i = 0; i < inputs.size(); ++i) {
        tensors[names[i]] = sample_of(inputs[i], static_cast<const uint8_t*>(bindings[i]), run);
      }
      write_sample(folder, samples++, tensors);
    }
  }
  if (samples == 0) {
    raise(ErrorCode::kInvalidArgument, "calibrator: getBatch gave no batch at all, and there is no cache");
  }
  return samples;
}

uint32_t hex_word(std::string_view digits, std::string_view line) {
  uint32_t bits = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), bits, kHexBase);
  if (digits.empty() || digits.size() > kHexDigits || end.ec != std::errc{} || end.ptr != digits.data() + digits.size()) {
    raise(ErrorCode::kCorrupt, "calibration cache: '{}' is not of the form 'tensor: 3c010a14'", line);
  }
  return bits;
}

/// TensorRT's text: a header, then `tensor: scale` with the scale's bits in hexadecimal.
compiler::CalibrationTable read_cache(std::string_view text) {
  compiler::CalibrationTable table;
  if (!text.starts_with("TRT-")) {
    raise(ErrorCode::kCorrupt, "calibration cache: it does not start with 'TRT-'");
  }
  size_t at = std::min(text.find('\n'), text.size() - 1) + 1;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty()) {
      continue;
    }
    const size_t colon = line.rfind(": ");
    const float scale = std::bit_cast<float>(hex_word(colon == std::string_view::npos ? "" : line.substr(colon + 2), line));
    if (!std::isfinite(scale) || scale <= 0) {
      raise(ErrorCode::kCorrupt, "calibration cache: '{}' is scale {}", line, scale);
    }
    constexpr float kLargest = 127.0f;
    compiler::TensorRange& range = table.ranges[std::string(line.substr(0, colon))];
    range.scale = scale;
    range.min = -scale * kLargest;
    range.max = scale * kLargest;
  }
  return table;
}

std::string cache_text(const compiler::CalibrationTable& table, CalibrationAlgorithm algorithm) {
  std::string text = cache_header(algorithm) + "\n";
  for (const auto& [name, range] : table.ranges) {
    text += fmt::format("{}: {:08x}\n", name, std::bit_cast<uint32_t>(compiler::int8_scale(range)));
  }
  return text;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

compiler::CalibrationTable by_calibrator(const graph::Graph& graph, const BuilderConfig::State& config, Logger& logger) {
  Calibrator& calibrator = *config.calibrator;
  const auto cache = guarded("the calibrator's readCache", [&] { return calibrator.readCache(); });
  if (!cache.empty()) {
    log(logger, LogLevel::kInfo, fmt::format("INT8: scales from a calibration cache of {} bytes", cache.size()));
    return read_cache(as_text(cache));
  }
  const TemporaryFolder folder;
  const uint64_t samples = spool(calibrator, host::input_specs(graph), folder.path());
  log(logger, LogLevel::kInfo, fmt::format("INT8: calibrating on {} samples", samples));
  auto table = take(host::calibrate(graph, folder.path(), std::nullopt, progress_sink(config.progress)));
  const std::string text = cache_text(table, guarded("the calibrator's algorithm", [&] { return calibrator.algorithm(); }));
  guarded("the calibrator's writeCache", [&] { calibrator.writeCache(std::as_bytes(std::span(text))); });
  return table;
}

bool has_quantisers(const graph::Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const graph::Node& n) { return n.op_type == "QuantizeLinear"; });
}

}  // namespace

compiler::CalibrationTable ranges_for(const graph::Graph& graph, const NetworkState& network, const BuilderConfig::State& config,
                                      Logger& logger) {
  compiler::CalibrationTable table;
  bool any = has_quantisers(graph);
  if (config.calibrator != nullptr) {
    table = by_calibrator(graph, config, logger);
    any = true;
  } else if (!config.calibration_path.empty()) {
    table = take(host::calibrate(graph, config.calibration_path, std::nullopt, progress_sink(config.progress)));
    any = true;
  }
  constexpr float kLargest = 127.0f;
  for (const auto& tensor : network.tensors) {
    if (const auto range = tensor->dynamicRange()) {
      const float reach = std::max(std::abs(range->first), std::abs(range->second));
      compiler::TensorRange& entry = table.ranges[tensor->name()];
      entry = {};
      entry.min = -reach;
      entry.max = reach;
      entry.scale = reach / kLargest;
      any = true;
    }
  }
  if (!any) {
    raise(ErrorCode::kInvalidArgument, "INT8 wants a calibrator, a calibration path, dynamic ranges or Q/DQ nodes: there is none");
  }
  return table;
}

}  // namespace medlar::door
