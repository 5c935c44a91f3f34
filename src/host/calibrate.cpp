// SPDX-License-Identifier: Apache-2.0
#include "host/calibrate.hpp"

#include <algorithm>
#include <numeric>

#include "host/session.hpp"
#include "import/onnx_export.hpp"

namespace medlar::host {
namespace {

Result<Session> observing_session(const graph::Graph& graph, const std::vector<std::string>& wanted) {
  std::vector<graph::NodeId> nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0);
  std::vector<graph::ValueId> outputs;
  for (const std::string& name : wanted) {
    const auto value = graph::find_value(graph, name);
    if (!value) {
      return fail(Code::kInternal, "calibration wants tensor '{}', which the graph lacks", name);
    }
    outputs.push_back(*value);
  }
  MEDLAR_ASSIGN(const ByteBuffer model, import::export_onnx(graph, nodes, graph.inputs, outputs));
  return Session::create(model, graph.name, {.provider = Provider::kCpu, .threads = 0, .optimise = false});
}

/// Graph inputs are observed from the samples themselves: a session cannot output what it is given.
struct Wanted {
  std::vector<std::string> inputs, activations;
};

Wanted split_wanted(const graph::Graph& graph) {
  Wanted wanted;
  for (const std::string& name : compiler::calibration_tensors(graph)) {
    const auto value = graph::find_value(graph, name);
    const bool is_input = value && std::find(graph.inputs.begin(), graph.inputs.end(), *value) != graph.inputs.end();
    (is_input ? wanted.inputs : wanted.activations).push_back(name);
  }
  return wanted;
}

/// Calls visit(range, values) for every watched tensor of one sample.
template <typename Visit>
Status watch_sample(const Session& session, const Wanted& wanted, const sample::Sample& sample,
                    compiler::CalibrationTable& table, const Visit& visit) {
  std::map<std::string, const graph::Tensor*> feeds;
  for (const auto& [name, tensor] : sample.inputs) {
    feeds[name] = &tensor;
  }
  MEDLAR_ASSIGN(const std::vector<graph::Tensor> values, session.run(feeds, wanted.activations));
  for (size_t i = 0; i < values.size(); ++i) {
    MEDLAR_TRY(visit(table.ranges[wanted.activations[i]], values[i].as<float>()));
  }
  for (const std::string& name : wanted.inputs) {
    MEDLAR_TRY(visit(table.ranges[name], sample.inputs.at(name).as<float>()));
  }
  return {};
}

Status observe_pass(compiler::TensorRange& range, std::span<const float> values) {
  return compiler::observe(range, values);
}

Status count_pass(compiler::TensorRange& range, std::span<const float> values) {
  compiler::count(range, values);
  return {};
}

}  // namespace

Result<compiler::CalibrationTable> calibrate(const graph::Graph& graph, const std::filesystem::path& path,
                                             const std::optional<sample::Preprocess>& preprocess, const ProgressSink& progress) {
  const Wanted wanted = split_wanted(graph);
  if (wanted.activations.empty()) {
    return compiler::CalibrationTable{};
  }
  MEDLAR_ASSIGN(const Session session, observing_session(graph, wanted.activations));
  MEDLAR_ASSIGN(const uint64_t samples, sample::count_samples(path));
  compiler::CalibrationTable table;
  uint64_t done = 0;
  for (const auto pass : {observe_pass, count_pass}) {  // extremes first: they size the histograms
    MEDLAR_TRY(sample::visit_samples(path, input_specs(graph), preprocess, [&](sample::Sample sample) -> Result<bool> {
      if (Status watched = watch_sample(session, wanted, sample, table, pass); !watched) {
        return tl::unexpected<Error>(std::move(watched).error().in("calibration sample " + sample.name));
      }
      if (progress) {
        progress("calibrating (two passes)", ++done, 2 * samples);
      }
      return true;
    }));
  }
  return table;
}

std::vector<sample::InputSpec> input_specs(const graph::Graph& graph) {
  std::vector<sample::InputSpec> specs;
  for (const graph::ValueId input : graph.inputs) {
    const graph::Value& value = graph.value(input);
    specs.push_back({value.name, value.type, value.shape.value_or(graph::Shape())});
  }
  return specs;
}

}  // namespace medlar::host
