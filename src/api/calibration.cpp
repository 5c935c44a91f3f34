// SPDX-License-Identifier: Apache-2.0
#include "api/calibration.hpp"

#include "base/files.hpp"
#include "compiler/calibration_cache.hpp"
#include "compiler/segment.hpp"
#include "host/calibrate.hpp"
#include "host/sensitivity.hpp"

namespace medlar::api {
namespace {

namespace fs = std::filesystem;

/// Caches are told from samples by their content.
Result<std::optional<std::string>> cache_text(const fs::path& path) {
  constexpr uintmax_t kLargest = 64 << 20;
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kLargest) {
    return std::optional<std::string>();
  }
  MEDLAR_ASSIGN(std::string text, read_text_file(path));
  return compiler::is_calibration_cache(text) ? std::optional(std::move(text)) : std::nullopt;
}

Result<compiler::CalibrationTable> read_cache(const BuildRequest& request, const graph::Graph& graph, const std::string& text) {
  const std::string name = request.calibration.string();
  MEDLAR_ASSIGN(const compiler::CalibrationTable cache, compiler::parse_calibration_cache(text, name));
  std::vector<std::string> unknown;
  auto table = compiler::resolve_ranges(cache, graph, unknown);
  if (!table) {
    return tl::unexpected<Error>(std::move(table).error().in(name));
  }
  if (!unknown.empty()) {
    request.log(Severity::kInfo, fmt::format("{}: {} of {} names are neither tensors nor nodes of the model, the first is '{}'", name,
                                             unknown.size(), cache.ranges.size(), unknown[0]));
  }
  return table;
}

Status save_cache(const BuildRequest& request, const compiler::CalibrationTable& table) {
  if (request.save_calibration.empty()) {
    return {};
  }
  const bool json = request.save_calibration.extension() == ".json";
  const std::string text = json ? compiler::to_nvdla_json(table) : compiler::to_tensorrt_cache(table);
  return write_file(request.save_calibration, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void add_stated(const compiler::CalibrationTable& stated, compiler::CalibrationTable& table) {
  for (const auto& [name, range] : stated.ranges) {
    compiler::TensorRange& own = table.ranges[name];
    own.scale = range.scale;
    own.reach = range.reach;
    if (range.scale == 0.0f) {
      own.min = range.min;
      own.max = range.max;
    }
    own.histogram.clear();  // nothing is left to choose
  }
}

/// Where the user asks for nothing: the relative error of the outputs beyond which layers leave INT8, in at most about the
/// time that FP16 would take.
constexpr host::HalfLimits kByItself{.budget = 0.05, .delay = 1.0, .weights = false};

/// Which layers may leave INT8; nothing: none.
std::optional<host::HalfLimits> half_limits(const BuildRequest& request, const compiler::CompileOptions& options) {
  if (request.accuracy_budget) {
    return *request.accuracy_budget < kAnyError ? std::optional(host::HalfLimits{.budget = *request.accuracy_budget}) : std::nullopt;
  }
  const bool by_itself = request.calibrator.kind == compiler::Calibrator::kBest && request.layer_precisions.empty() &&
                         options.config->supports(hw::Precision::kFp16);
  return by_itself ? std::optional(kByItself) : std::nullopt;
}

struct Sampled {
  compiler::CalibrationTable table;
  std::vector<sample::Sample> kept;
};

Result<Sampled> sampled_ranges(const BuildRequest& request, const graph::Graph& graph, const std::optional<sample::Preprocess>& preprocess) {
  Sampled sampled;
  if (request.calibration.empty()) {
    return sampled;
  }
  MEDLAR_ASSIGN(const auto cache, cache_text(request.calibration));
  if (cache) {
    MEDLAR_ASSIGN(sampled.table, read_cache(request, graph, *cache));
    return sampled;
  }
  MEDLAR_ASSIGN(sampled.table, host::calibrate(graph, request.calibration, preprocess, request.progress, &sampled.kept));
  compiler::apply_calibrator(sampled.table, request.calibrator);
  return sampled;
}

}  // namespace

Result<Calibrated> calibrate(const BuildRequest& request, const graph::Graph& graph, const std::optional<sample::Preprocess>& preprocess,
                             const compiler::CalibrationTable& stated, const compiler::CompileOptions& options) {
  MEDLAR_ASSIGN(Sampled sampled, sampled_ranges(request, graph, preprocess));
  add_stated(stated, sampled.table);
  const bool best = request.calibrator.kind == compiler::Calibrator::kBest;
  const std::optional<host::HalfLimits> limits = half_limits(request, options);
  Calibrated result;
  if (!sampled.kept.empty() && (best || limits)) {
    MEDLAR_ASSIGN(const auto stored, compiler::stored_tensors(graph, options));
    MEDLAR_ASSIGN(host::Sensitivity sensitivity, host::Sensitivity::create(graph, sampled.kept));
    if (best) {
      MEDLAR_TRY(sensitivity.choose_reaches(stored, request.calibrator.percentile, limits.has_value(), request.progress, sampled.table));
    }
    if (limits) {
      MEDLAR_ASSIGN(result.fp16_nodes, sensitivity.fp16_nodes(stored, sampled.table, *limits, request.progress));
      if (!result.fp16_nodes.empty()) {
        request.log(Severity::kInfo, fmt::format("{} nodes compute in FP16, where INT8 costs most accuracy (--accuracy-budget 1: none)",
                                                 result.fp16_nodes.size()));
      }
    }
  } else if (request.accuracy_budget) {
    return fail(Code::kInvalidArgument, "an accuracy budget is measured on samples: calibrate with images, not from a cache");
  }
  MEDLAR_TRY(save_cache(request, sampled.table));
  result.table = std::move(sampled.table);
  return result;
}

}  // namespace medlar::api
