// SPDX-License-Identifier: Apache-2.0
#include "host/calibrate.hpp"

#include <algorithm>
#include <numeric>

#include "base/parallel.hpp"
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

/// Channels of a value by ONNX's convention, batch 1; 0 where it has none.
size_t channels_of(const graph::Shape& shape) {
  return shape.size() >= 2 && shape[0] == 1 && shape[1] > 0 ? static_cast<size_t>(shape[1]) : 0;
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

class Watcher {
 public:
  Watcher(const Session& session, const Wanted& wanted) : session_(session), wanted_(wanted) {
    for (const std::string& name : wanted.activations) {
      ranges_.push_back(&table_.ranges[name]);
    }
  }

  Status watch(const sample::Sample& sample) {
    std::map<std::string, const graph::Tensor*> feeds;
    for (const auto& [name, tensor] : sample.inputs) {
      feeds[name] = &tensor;
    }
    MEDLAR_ASSIGN(const std::vector<graph::Tensor> values, session_.run(feeds, wanted_.activations));
    std::vector<Status> results(values.size());
    parallel_for(static_cast<int64_t>(values.size()), 1, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        results[i] = compiler::accumulate(*ranges_[i], values[i].as<float>(), channels_of(values[i].shape));
      }
    });
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) {
        return tl::unexpected<Error>(std::move(results[i]).error().in("tensor " + wanted_.activations[i]));
      }
    }
    for (const std::string& name : wanted_.inputs) {
      const graph::Tensor& input = sample.inputs.at(name);
      MEDLAR_TRY(compiler::accumulate(table_.ranges[name], input.as<float>(), channels_of(input.shape)));
    }
    return {};
  }

  compiler::CalibrationTable take() { return std::move(table_); }

 private:
  const Session& session_;
  const Wanted& wanted_;
  compiler::CalibrationTable table_;
  std::vector<compiler::TensorRange*> ranges_;
};

}  // namespace

Result<compiler::CalibrationTable> calibrate(const graph::Graph& graph, const std::filesystem::path& path,
                                             const std::optional<sample::Preprocess>& preprocess, const ProgressSink& progress) {
  const Wanted wanted = split_wanted(graph);
  if (wanted.activations.empty()) {
    return compiler::CalibrationTable{};
  }
  MEDLAR_ASSIGN(const Session session, observing_session(graph, wanted.activations));
  MEDLAR_ASSIGN(const uint64_t samples, sample::count_samples(path));
  Watcher watcher(session, wanted);
  uint64_t done = 0;
  MEDLAR_TRY(sample::visit_samples(path, input_specs(graph), preprocess, [&](const sample::Sample& sample) -> Result<bool> {
    if (Status watched = watcher.watch(sample); !watched) {
      return tl::unexpected<Error>(std::move(watched).error().in("calibration sample " + sample.name));
    }
    if (progress) {
      progress("calibrating", ++done, samples);
    }
    return true;
  }));
  return watcher.take();
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
