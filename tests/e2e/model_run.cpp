// SPDX-License-Identifier: Apache-2.0
#include "e2e/model_run.hpp"

#include <algorithm>
#include <cmath>

#include "base/files.hpp"
#include "host/session.hpp"

namespace medlar::test {
namespace {

int64_t top1(const graph::Tensor& tensor) {
  const std::vector<double> values = graph::to_doubles(tensor).value();
  return std::max_element(values.begin(), values.end()) - values.begin();
}

Result<std::vector<graph::Tensor>> reference_outputs(const host::Session& session, const sample::Sample& sample) {
  std::map<std::string, const graph::Tensor*> feeds;
  for (const auto& [name, tensor] : sample.inputs) {
    feeds[name] = &tensor;
  }
  return session.run(feeds);
}

Result<bool> compare_sample(const host::Session& reference, api::Inference& inference, const sample::Sample& sample,
                            Comparison& comparison) {
  MEDLAR_ASSIGN(const std::vector<graph::Tensor> wanted, reference_outputs(reference, sample));
  MEDLAR_ASSIGN(const api::InferenceResult ours, inference.run(sample.inputs));
  for (size_t i = 0; i < wanted.size(); ++i) {
    const graph::Tensor& got = ours.outputs.at(reference.outputs()[i].name);
    comparison.worst_error = std::max(comparison.worst_error, relative_error(got, wanted[i]));
    if (i == 0) {
      comparison.same_top1 += top1(got) == top1(wanted[i]) ? 1 : 0;
    }
  }
  comparison.modelled_ms = ours.modelled_dla_ms;
  comparison.samples++;
  return true;
}

}  // namespace

double relative_error(const graph::Tensor& ours, const graph::Tensor& reference) {
  const std::vector<double> a = graph::to_doubles(ours).value();
  const std::vector<double> b = graph::to_doubles(reference).value();
  if (a.size() != b.size()) {
    return INFINITY;
  }
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  const double error = std::sqrt(difference) / std::max(std::sqrt(norm), 1e-30);
  return std::isnan(error) ? INFINITY : error;
}

Result<Comparison> compare_with_reference(const ModelCase& model_case) {
  MEDLAR_ASSIGN(engine::Engine engine, api::build({.model = model_case.model,
                                                   .device = model_case.device,
                                                   .precision = model_case.precision,
                                                   .calibration = model_case.calibration}));
  Comparison comparison;
  for (const compiler::Placement& placement : engine.plan.placements) {
    comparison.all_macs += placement.macs;
    comparison.dla_macs += placement.engine == compiler::Engine::kDla ? placement.macs : 0;
  }
  MEDLAR_ASSIGN(const ByteBuffer model, read_file(model_case.model));
  MEDLAR_ASSIGN(const host::Session reference, host::Session::create(model, model_case.model.string(), {}));
  MEDLAR_ASSIGN(api::Inference inference, api::Inference::create(std::move(engine), "", "test engine"));
  MEDLAR_ASSIGN(const auto preprocess, api::preprocess_beside(model_case.model));
  MEDLAR_TRY(sample::visit_samples(model_case.samples, inference.inputs(), preprocess,
                                   [&](const sample::Sample& sample) -> Result<bool> {
                                     MEDLAR_TRY(compare_sample(reference, inference, sample, comparison));
                                     return comparison.samples < model_case.count;
                                   }));
  return comparison;
}

}  // namespace medlar::test
