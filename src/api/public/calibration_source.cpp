// SPDX-License-Identifier: Apache-2.0
#include "api/public/calibration_source.hpp"

#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/types.hpp"
#include "base/files.hpp"
#include "compiler/calibration_cache.hpp"
#include "compiler/calibrator.hpp"
#include "host/calibrate.hpp"
#include "sample/npy.hpp"
#include "sample/npz.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace medlar::door {
namespace {

namespace fs = std::filesystem;

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

/// The header that TensorRT's own calibrator of that kind writes.
std::string_view cache_header(CalibrationAlgorithm algorithm) {
  switch (algorithm) {
    case CalibrationAlgorithm::kLegacy:
      return "TRT-8601-LegacyCalibration";
    case CalibrationAlgorithm::kEntropy:
      return "TRT-8601-EntropyCalibration";
    case CalibrationAlgorithm::kEntropy2:
      return "TRT-8601-EntropyCalibration2";
    case CalibrationAlgorithm::kMinMax:
      return "TRT-8601-MinMaxCalibration";
  }
  raise(ErrorCode::kInvalidArgument, "there is no calibration algorithm {}", static_cast<int>(algorithm));
}

compiler::CalibratorChoice choice_for(const Calibrator& calibrator) {
  constexpr double kPercent = 100.0;
  switch (calibrator.algorithm()) {
    case CalibrationAlgorithm::kMinMax:
      return {.kind = compiler::Calibrator::kMaximum};
    case CalibrationAlgorithm::kLegacy:
      return {.kind = compiler::Calibrator::kPercentile, .percentile = kPercent * calibrator.quantile()};
    default:
      return {.kind = compiler::Calibrator::kEntropy};
  }
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

void write_sample(const fs::path& folder, uint64_t number,
                  const std::map<std::string, graph::Tensor>& tensors) {
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
        raise(ErrorCode::kInvalidArgument, "calibrator: getBatch left a null pointer for input '{}'",
              names[i]);
      }
    }
    // An engine has the batch of its input: a larger calibration batch is that many samples after one
    // another.
    const auto batch =
        inputs.empty() || inputs[0].shape.empty() ? 1 : std::max<int64_t>(1, inputs[0].shape[0]);
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

/// Scales from the caller's cache, under the names of this graph's values.
compiler::CalibrationTable read_cache(std::string_view text, const graph::Graph& graph, Logger& logger) {
  std::vector<std::string> unknown;
  const auto cache = take(compiler::parse_calibration_cache(text, "calibration cache"));
  compiler::CalibrationTable table = take(compiler::resolve_ranges(cache, graph, unknown));
  for (const std::string& name : unknown) {
    log(logger, LogLevel::kWarning,
        fmt::format("calibration cache: '{}' is no tensor of this network", name));
  }
  return table;
}

std::string cache_text(const compiler::CalibrationTable& table, CalibrationAlgorithm algorithm) {
  const std::string text = compiler::to_tensorrt_cache(table);
  return std::string(cache_header(algorithm)) + text.substr(std::min(text.find('\n'), text.size()));
}

std::string_view as_text(Span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

compiler::CalibrationTable by_calibrator(const graph::Graph& graph, const BuilderConfig::State& config,
                                         Logger& logger) {
  Calibrator& calibrator = *config.calibrator;
  const auto cache = guarded("the calibrator's readCache", [&] { return calibrator.readCache(); });
  if (!cache.empty()) {
    log(logger, LogLevel::kInfo,
        fmt::format("INT8: scales from a calibration cache of {} bytes", cache.size()));
    return read_cache(as_text(cache), graph, logger);
  }
  const TemporaryFolder folder;
  const uint64_t samples = spool(calibrator, host::input_specs(graph), folder.path());
  log(logger, LogLevel::kInfo, fmt::format("INT8: calibrating on {} samples", samples));
  auto table = take(host::calibrate(graph, folder.path(), std::nullopt, progress_sink(config.progress)));
  compiler::apply_calibrator(table,
                             guarded("the calibrator's algorithm", [&] { return choice_for(calibrator); }));
  const std::string text =
      cache_text(table, guarded("the calibrator's algorithm", [&] { return calibrator.algorithm(); }));
  guarded("the calibrator's writeCache", [&] {
    calibrator.writeCache({reinterpret_cast<const std::byte*>(text.data()), text.size()});
  });
  return table;
}

}  // namespace

compiler::CalibrationTable ranges_for(const graph::Graph& graph, const NetworkState& network,
                                      const BuilderConfig::State& config, compiler::CalibrationTable stated,
                                      Logger& logger) {
  compiler::CalibrationTable table;
  bool any = !stated.ranges.empty();
  if (config.calibrator != nullptr) {
    table = by_calibrator(graph, config, logger);
    any = true;
  } else if (!config.calibration_path.empty()) {
    table =
        take(host::calibrate(graph, config.calibration_path, std::nullopt, progress_sink(config.progress)));
    compiler::apply_calibrator(table, {});
    any = true;
  }
  for (auto& [name, range] : stated.ranges) {
    table.ranges[name] = std::move(range);
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
    raise(ErrorCode::kInvalidArgument,
          "INT8 wants a calibrator, a calibration path, dynamic ranges or Q/DQ nodes: there is none");
  }
  return table;
}

}  // namespace medlar::door
