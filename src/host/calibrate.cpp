// SPDX-License-Identifier: Apache-2.0
#include "host/calibrate.hpp"

#include <algorithm>
#include <set>

#include "base/parallel.hpp"
#include "host/downstream.hpp"
#include "host/reference.hpp"

namespace medlar::host {
namespace {

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

/// Columns of a value by ONNX's convention: values of at most one position have one.
size_t width_of(const graph::Shape& shape) { return shape.size() == 4 && shape[3] > 0 ? static_cast<size_t>(shape[3]) : 1; }

Status accumulate(std::span<const float> values, const graph::Shape& shape, bool closely, compiler::TensorRange& range) {
  if (closely && range.moments != nullptr) {
    compiler::add_moments(*range.moments, values, channels_of(shape), width_of(shape));
  }
  return compiler::accumulate(range, values, channels_of(shape));
}

Status accumulate(const graph::Tensor& tensor, bool closely, compiler::TensorRange& range) {
  return tensor.type == graph::DataType::kFloat32 ? accumulate(tensor.as<float>(), tensor.shape, closely, range)
                                                  : accumulate(floats_of(tensor), tensor.shape, closely, range);
}

/// True for `wanted` of `total` samples, evenly spread; `index` from 0.
bool picked(uint64_t index, uint64_t total, uint64_t wanted) {
  return total <= wanted || (index + 1) * wanted / total > index * wanted / total;
}

class Watcher {
 public:
  Watcher(const Reference& reference, const Wanted& wanted, const std::set<std::string>& correlated)
      : reference_(reference), wanted_(wanted) {
    for (const std::string& name : wanted.activations) {
      ranges_.push_back(&table_.ranges[name]);
    }
    for (const std::string& name : correlated) {
      table_.ranges[name].moments = std::make_shared<compiler::Moments>();
    }
  }

  /// `closely`: moments as well.
  Status watch(const sample::Sample& sample, bool closely) {
    MEDLAR_ASSIGN(const std::vector<graph::Tensor> values, reference_.run(sample));
    std::vector<Status> results(values.size());
    parallel_for(static_cast<int64_t>(values.size()), 1, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        results[i] = accumulate(values[i], closely, *ranges_[i]);
      }
    });
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) {
        return tl::unexpected<Error>(std::move(results[i]).error().in("tensor " + wanted_.activations[i]));
      }
    }
    for (const std::string& name : wanted_.inputs) {
      const graph::Tensor& input = sample.inputs.at(name);
      MEDLAR_TRY(accumulate(input, closely, table_.ranges[name]));
    }
    return {};
  }

  compiler::CalibrationTable take() { return std::move(table_); }

 private:
  const Reference& reference_;
  const Wanted& wanted_;
  compiler::CalibrationTable table_;
  std::vector<compiler::TensorRange*> ranges_;
};

}  // namespace

Result<compiler::CalibrationTable> calibrate(const graph::Graph& graph, const std::filesystem::path& path,
                                             const std::optional<sample::Preprocess>& preprocess, const ProgressSink& progress,
                                             std::vector<sample::Sample>* kept) {
  const Wanted wanted = split_wanted(graph);
  if (wanted.activations.empty()) {
    return compiler::CalibrationTable{};
  }
  MEDLAR_ASSIGN(const Reference reference, Reference::create(graph, wanted.activations));
  MEDLAR_ASSIGN(const uint64_t samples, sample::count_samples(path));
  Watcher watcher(reference, wanted, compiler::correlated_values(graph));
  uint64_t done = 0;
  MEDLAR_TRY(sample::visit_samples(path, input_specs(graph), preprocess, [&](const sample::Sample& sample) -> Result<bool> {
    if (Status watched = watcher.watch(sample, picked(done, samples, kCloseSamples)); !watched) {
      return tl::unexpected<Error>(std::move(watched).error().in("calibration sample " + sample.name));
    }
    if (kept != nullptr && picked(done, samples, kKeptSamples)) {
      kept->push_back(sample);
    }
    ++done;
    if (progress) {
      progress("calibrating", done, samples);
    }
    return true;
  }));
  return watcher.take();
}

}  // namespace medlar::host
