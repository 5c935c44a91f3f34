// SPDX-License-Identifier: Apache-2.0
#include "api/calibration.hpp"

#include <utility>

#include "base/files.hpp"
#include "compiler/calibration_cache.hpp"
#include "compiler/segment.hpp"
#include "host/calibrate.hpp"
#include "host/host_choice.hpp"
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

/// INT8 alone: which error is too much; nothing: none.
std::optional<host::HostLimits> host_limits(const BuildRequest& request, const compiler::CompileOptions& options) {
  const bool none = request.accuracy_budget && *request.accuracy_budget >= kAnyError;
  if (none || request.calibrator.kind != compiler::Calibrator::kBest || options.config->supports(hw::Precision::kFp16)) {
    return std::nullopt;
  }
  return host::HostLimits{.budget = request.accuracy_budget.value_or(kByItself.budget)};
}

/// Takes the reaches that a rule gave to computed values, so that those to be chosen start without; puts back what was not chosen.
class Unclipped {
 public:
  explicit Unclipped(compiler::CalibrationTable& table) : table_(table) {
    for (auto& [name, range] : table.ranges) {
      reaches_[name] = std::exchange(range.reach, 0.0f);
    }
  }
  void restore(const std::set<std::string>& chosen) {
    for (const auto& [name, reach] : reaches_) {
      if (!chosen.contains(name)) {
        table_.ranges[name].reach = reach;
      }
    }
  }

 private:
  compiler::CalibrationTable& table_;
  std::map<std::string, float> reaches_;
};

Status warn_of_costly(const BuildRequest& request, const host::HostChoice& choice) {
  if (choice.left.empty()) {
    return {};
  }
  std::string list;
  for (const host::CostlyTensor& tensor : choice.left) {
    list += fmt::format("{}{} ({:.3f})", list.empty() ? "" : ", ", tensor.name, tensor.error);
  }
  request.log(Severity::kWarning, fmt::format("storing in INT8 costs about {:.2f} of the outputs, most of it at: {}{}", choice.after, list,
                                              request.allow_fallback ? "" : "; fallback would compute such layers on the host"));
  return {};
}

/// Reaches of all stored tensors where there is INT8 alone, and the layers that leave the DLA.
Status choose_for_int8(const BuildRequest& request, const graph::Graph& graph, const compiler::CompileOptions& options,
                       const host::HostLimits& limits, host::Sensitivity& sensitivity, Calibrated& result) {
  compiler::CompileOptions moved = options;
  const auto choose_reaches = [&]() -> Status {
    MEDLAR_ASSIGN(compiler::Survey survey, compiler::survey(graph, moved, &result.table));
    survey.stored.insert(survey.stored.end(), survey.handed.begin(), survey.handed.end());
    return sensitivity.choose_reaches(survey.stored, request.calibrator.percentile, true, request.progress, result.table);
  };
  Unclipped unclipped(result.table);
  MEDLAR_TRY(choose_reaches());
  MEDLAR_ASSIGN(host::HostChoice choice, host::choose_host(graph, options, result.table, sensitivity, limits));
  if (!choice.nodes.empty()) {
    request.log(Severity::kInfo, fmt::format("{} nodes go to the host, where INT8 costs most accuracy (--accuracy-budget 1: none)",
                                             choice.nodes.size()));
    moved.host_nodes = choice.nodes;
    MEDLAR_TRY(choose_reaches());
  }
  unclipped.restore(sensitivity.chosen());
  MEDLAR_TRY(warn_of_costly(request, choice));
  result.host_nodes = std::move(choice.nodes);
  return {};
}

/// Reaches where they are to be the best, and the layers that stay in FP16.
Status choose_beside_fp16(const BuildRequest& request, const graph::Graph& graph, const compiler::CompileOptions& options,
                          const std::optional<host::HalfLimits>& limits, host::Sensitivity& sensitivity, Calibrated& result) {
  MEDLAR_ASSIGN(const compiler::Survey survey, compiler::survey(graph, options, nullptr));
  if (request.calibrator.kind == compiler::Calibrator::kBest) {
    MEDLAR_TRY(sensitivity.choose_reaches(survey.stored, request.calibrator.percentile, limits.has_value(), request.progress, result.table));
  }
  if (limits) {
    MEDLAR_ASSIGN(result.fp16_nodes, sensitivity.fp16_nodes(survey.stored, result.table, *limits, request.progress));
    if (!result.fp16_nodes.empty()) {
      request.log(Severity::kInfo, fmt::format("{} nodes compute in FP16, where INT8 costs most accuracy (--accuracy-budget 1: none)",
                                               result.fp16_nodes.size()));
    }
  }
  return {};
}

}  // namespace

Result<Calibrated> calibrate(const BuildRequest& request, const graph::Graph& graph, const std::optional<sample::Preprocess>& preprocess,
                             const compiler::CalibrationTable& stated, const compiler::CompileOptions& options) {
  MEDLAR_ASSIGN(Sampled sampled, sampled_ranges(request, graph, preprocess));
  add_stated(stated, sampled.table);
  const bool best = request.calibrator.kind == compiler::Calibrator::kBest;
  const std::optional<host::HalfLimits> limits = half_limits(request, options);
  const std::optional<host::HostLimits> alone = host_limits(request, options);
  if (limits && !alone && !options.config->supports(hw::Precision::kFp16)) {
    return fail(Code::kInvalidArgument, "an accuracy budget without FP16 moves layers to the host beside ranges that the calibrator 'best' chooses, not {}",
                compiler::calibrator_name(request.calibrator.kind));
  }
  Calibrated result{.table = std::move(sampled.table), .fp16_nodes = {}};
  if (!sampled.kept.empty() && (best || limits)) {
    MEDLAR_ASSIGN(host::Sensitivity sensitivity, host::Sensitivity::create(graph, sampled.kept));
    if (alone) {
      MEDLAR_TRY(choose_for_int8(request, graph, options, *alone, sensitivity, result));
    } else {
      MEDLAR_TRY(choose_beside_fp16(request, graph, options, limits, sensitivity, result));
    }
  } else if (request.accuracy_budget) {
    return fail(Code::kInvalidArgument, "an accuracy budget is measured on samples: calibrate with images, not from a cache");
  }
  MEDLAR_TRY(save_cache(request, result.table));
  return result;
}

}  // namespace medlar::api
