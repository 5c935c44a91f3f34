// SPDX-License-Identifier: Apache-2.0
#include "api/debug.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "api/inference.hpp"
#include "graph/fold.hpp"
#include "host/downstream.hpp"
#include "host/evaluator.hpp"
#include "host/reference.hpp"
#include "import/onnx_import.hpp"

namespace medlar::api {
namespace {

constexpr double kFp16Tolerance = 0.01;
constexpr double kInt8Tolerance = 0.1;
constexpr double kLargestHalf = 65504.0;

/// How the DLA stores each tensor.
std::map<std::string, compiler::DlaBinding> bindings_of(const compiler::Plan& plan) {
  std::map<std::string, compiler::DlaBinding> bindings;
  for (const compiler::Segment& segment : plan.segments) {
    for (const compiler::DlaBinding& binding : segment.bindings_out) {
      bindings.emplace(binding.tensor, binding);
    }
  }
  return bindings;
}

/// Factor of element i of a tensor in `binding`'s layout.
double channel_factor(const compiler::DlaBinding& binding, size_t i) {
  if (binding.channel_scale.empty()) {
    return 1.0;
  }
  const size_t plane = static_cast<size_t>(binding.w) * static_cast<size_t>(binding.h);
  return static_cast<double>(binding.channel_scale[i / plane % binding.channel_scale.size()]);
}

struct Limits {
  double low = -kLargestHalf, high = kLargestHalf;
};

Limits limits_of(const compiler::DlaBinding& binding) {
  if (binding.precision == hw::Precision::kFp16) {
    return {};
  }
  const auto scale = static_cast<double>(binding.scale);
  return {scale * (-128 - binding.zero), scale * (127 - binding.zero)};
}

/// Adds one sample's tensor to its finding.
void compare(const compiler::DlaBinding& binding, const std::vector<double>& ours, const std::vector<float>& reference,
             LayerFinding& finding) {
  const Limits limits = limits_of(binding);
  const double slack = 0.5 * static_cast<double>(binding.scale);
  double difference = 0.0;
  double norm = 0.0;
  for (size_t i = 0; i < ours.size(); ++i) {
    const double factor = channel_factor(binding, i);
    const auto wanted = static_cast<double>(reference[i]);
    const double error = ours[i] - wanted;
    difference += error * error;
    norm += wanted * wanted;
    finding.largest = std::max(finding.largest, std::fabs(wanted));
    const double stored = wanted / factor;
    finding.saturated += stored > limits.high + slack || stored < limits.low - slack ? 1 : 0;
  }
  finding.values += ours.size();
  const double error = difference == 0.0 ? 0.0 : std::sqrt(difference) / std::max(std::sqrt(norm), 1e-30);
  finding.error = std::max(finding.error, std::isnan(error) ? INFINITY : error);
}

/// The model as the reference and the comparison see it.
struct Model {
  graph::Graph graph;
  std::vector<graph::NodeId> makers;

  const graph::Node* maker(const std::string& tensor) const {
    const auto id = graph::find_value(graph, tensor);
    const graph::NodeId node = id ? makers[static_cast<size_t>(*id)] : graph::kNoValue;
    return node == graph::kNoValue ? nullptr : &graph.nodes[static_cast<size_t>(node)];
  }
};

Result<Model> load(const BuildRequest& request) {
  MEDLAR_ASSIGN(graph::Graph graph, import::import_onnx(request.model, {.shapes = request.shapes}, nullptr));
  host::OnnxEvaluator evaluator;
  MEDLAR_TRY(graph::fold_constants(graph, &evaluator));
  std::vector<graph::NodeId> makers = graph::producers(graph);
  return Model{std::move(graph), std::move(makers)};
}

/// Findings, still empty, for the stored tensors that the model knows, in its order.
std::vector<LayerFinding> make_findings(const Model& model, const std::map<std::string, compiler::DlaBinding>& bindings,
                                        const compiler::Plan& plan) {
  std::vector<LayerFinding> findings;
  for (const graph::Node& node : model.graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      const auto binding = id == graph::kNoValue ? bindings.end() : bindings.find(model.graph.value(id).name);
      if (binding == bindings.end()) {
        continue;
      }
      LayerFinding finding;
      finding.tensor = binding->first;
      finding.precision = hw::precision_name(binding->second.precision);
      finding.scale = static_cast<double>(binding->second.scale);
      finding.origins = {node.name};
      for (const compiler::HwOpInfo& op : plan.hw_ops) {
        if (std::find(op.origins.begin(), op.origins.end(), node.name) != op.origins.end()) {
          finding.layer = op.name;
          finding.origins = op.origins;
        }
      }
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

/// The largest error of a stored tensor that the finding's nodes depend on without another stored one in between.
double entered_error(const Model& model, const std::string& tensor, const std::map<std::string, double>& errors) {
  std::set<std::string> seen{tensor};
  std::vector<std::string> open{tensor};
  double largest = 0.0;
  while (!open.empty()) {
    const graph::Node* maker = model.maker(open.back());
    open.pop_back();
    for (const graph::ValueId id : maker != nullptr ? maker->inputs : std::vector<graph::ValueId>()) {
      const std::string name = id == graph::kNoValue ? std::string() : model.graph.value(id).name;
      if (name.empty() || !seen.insert(name).second) {
        continue;
      }
      const auto known = errors.find(name);
      if (known != errors.end()) {
        largest = std::max(largest, known->second);
      } else {
        open.push_back(name);
      }
    }
  }
  return largest;
}

class Run {
 public:
  Run(const DebugRequest& request, Model& model, Inference& inference, const compiler::Plan& plan)
      : request_(request), model_(model), inference_(inference), bindings_(bindings_of(plan)) {
    report_.layers = make_findings(model, bindings_, plan);
  }

  Status run(const std::optional<sample::Preprocess>& preprocess) {
    std::vector<std::string> wanted;
    for (const LayerFinding& finding : report_.layers) {
      wanted.push_back(finding.tensor);
    }
    if (wanted.empty()) {
      return fail(Code::kUnsupported, "{}: no tensor of the model is stored by the DLA", request_.build.model.string());
    }
    MEDLAR_ASSIGN(const host::Reference reference, host::Reference::create(model_.graph, wanted));
    const std::filesystem::path& path = request_.samples.empty() ? request_.build.calibration : request_.samples;
    return sample::visit_samples(path, inference_.inputs(), preprocess, [&](const sample::Sample& sample) -> Result<bool> {
      MEDLAR_TRY(add(reference, sample));
      return ++report_.samples < request_.limit;
    });
  }

  DebugReport take() {
    std::map<std::string, double> errors;
    for (LayerFinding& finding : report_.layers) {
      finding.entered = entered_error(model_, finding.tensor, errors);
      errors[finding.tensor] = finding.error;
    }
    return std::move(report_);
  }

 private:
  Status add(const host::Reference& reference, const sample::Sample& sample) {
    MEDLAR_ASSIGN(const std::vector<graph::Tensor> wanted, reference.run(sample));
    MEDLAR_ASSIGN(const InferenceResult ours, inference_.run(sample.inputs));
    for (size_t i = 0; i < wanted.size(); ++i) {
      LayerFinding& finding = report_.layers[i];
      const auto values = graph::to_doubles(ours.outputs.at(finding.tensor));
      const std::vector<float> exact = host::floats_of(wanted[i]);
      if (!values || values->size() != exact.size()) {
        return fail(Code::kInternal, "tensor '{}': {} values, the reference has {}", finding.tensor, values ? values->size() : 0,
                    exact.size());
      }
      compare(bindings_.at(finding.tensor), *values, exact, finding);
    }
    return {};
  }

  const DebugRequest& request_;
  Model& model_;
  Inference& inference_;
  std::map<std::string, compiler::DlaBinding> bindings_;
  DebugReport report_;
};

}  // namespace

Result<DebugReport> debug(const DebugRequest& request) {
  BuildRequest build_request = request.build;
  build_request.probe = true;
  MEDLAR_ASSIGN(engine::Engine engine, build(build_request));
  std::optional<sample::Preprocess> preprocess = request.build.preprocess;
  if (!preprocess) {
    MEDLAR_ASSIGN(preprocess, preprocess_beside(request.build.model));
  }
  MEDLAR_ASSIGN(Model model, load(request.build));
  const compiler::Plan plan = engine.plan;
  const std::string device = engine.device;
  const std::string precision = engine.precision;
  MEDLAR_ASSIGN(Inference inference, Inference::create(std::move(engine), "", request.build.model.string()));
  Run run(request, model, inference, plan);
  MEDLAR_TRY(run.run(preprocess));
  DebugReport report = run.take();
  report.model = request.build.model.string();
  report.device = device;
  report.precision = precision;
  const bool half = request.build.precision == hw::Precision::kFp16;
  report.tolerance = request.tolerance > 0.0 ? request.tolerance : (half ? kFp16Tolerance : kInt8Tolerance);
  for (size_t i = 0; i < report.layers.size() && report.first < 0; ++i) {
    report.first = report.layers[i].error > report.tolerance ? static_cast<int>(i) : -1;
  }
  if (report.first >= 0) {
    MEDLAR_ASSIGN(const hw::DeviceProfile* profile, hw::find_device(device));
    report.cure = propose_cure(report.layers[static_cast<size_t>(report.first)], profile->config->supports(hw::Precision::kFp16));
  }
  return report;
}

}  // namespace medlar::api
