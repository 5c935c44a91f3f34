// SPDX-License-Identifier: Apache-2.0
// Runs the images through both.
#include "api/accuracy.hpp"

#include <algorithm>
#include <cmath>

#include "api/inference.hpp"
#include "api/source_model.hpp"
#include "base/files.hpp"
#include "base/hash.hpp"
#include "host/session.hpp"

namespace medlar::api {
namespace {

Result<SourceModel> find_reference(const AccuracyRequest& request, const engine::Engine& engine) {
  if (request.model.empty()) {
    auto found = find_source_model(engine, request.engine);
    return found ? std::move(found) : fail(found.error().code, "{}, or name it with --model", found.error().message);
  }
  MEDLAR_ASSIGN(ByteBuffer model, read_file(request.model));
  if (engine.source_hash != 0 && hash64(model) != engine.source_hash) {
    request.log(Severity::kInfo, fmt::format("{} is not the file that the engine was built from", request.model.string()));
  }
  return SourceModel{request.model, std::move(model)};
}

Result<std::optional<sample::Preprocess>> choose_preprocess(const AccuracyRequest& request, const engine::Engine& engine) {
  if (request.preprocess || engine.preprocess.empty()) {
    return request.preprocess;
  }
  MEDLAR_ASSIGN(sample::Preprocess parsed, sample::parse_preprocess(engine.preprocess, request.engine.string()));
  return std::optional(std::move(parsed));
}

double relative_error(const graph::Tensor& ours, const graph::Tensor& reference) {
  const auto a = graph::to_doubles(ours);
  const auto b = graph::to_doubles(reference);
  if (!a || !b || a->size() != b->size()) {
    return INFINITY;
  }
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < a->size(); ++i) {
    difference += ((*a)[i] - (*b)[i]) * ((*a)[i] - (*b)[i]);
    norm += (*b)[i] * (*b)[i];
  }
  const double error = difference == 0 ? 0.0 : std::sqrt(difference) / std::max(std::sqrt(norm), 1e-30);
  return std::isnan(error) ? INFINITY : error;
}

class Comparison {
 public:
  Comparison(const AccuracyRequest& request, const host::Session& reference, Inference& inference, int label_offset)
      : request_(request), reference_(reference), inference_(inference), label_offset_(label_offset) {
    report_.task = request.task;
    for (const host::TensorInfo& output : reference.outputs()) {
      report_.outputs.push_back({output.name, 0.0, 0.0});
    }
  }

  Status add(const sample::Sample& sample) {
    std::map<std::string, const graph::Tensor*> feeds;
    for (const auto& [name, tensor] : sample.inputs) {
      feeds[name] = &tensor;
    }
    MEDLAR_ASSIGN(std::vector<graph::Tensor> wanted, reference_.run(feeds));
    MEDLAR_ASSIGN(InferenceResult ours, inference_.run(sample.inputs));
    std::map<std::string, graph::Tensor> named;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const std::string& name = report_.outputs[i].name;
      if (!ours.outputs.contains(name)) {
        return fail(Code::kInvalidArgument, "the reference has output '{}', the engine has not", name);
      }
      const double error = relative_error(ours.outputs.at(name), wanted[i]);
      report_.outputs[i].worst = std::max(report_.outputs[i].worst, error);
      report_.outputs[i].sum += error;
      named.emplace(name, std::move(wanted[i]));
    }
    report_.images++;
    return judge(sample, ours.outputs, named);
  }

  AccuracyReport take() { return std::move(report_); }

 private:
  using Outputs = std::map<std::string, graph::Tensor>;

  Status judge(const sample::Sample& sample, const Outputs& ours, const Outputs& wanted) {
    const std::string& first = report_.outputs.front().name;
    switch (report_.task) {
      case AccuracyTask::kClassify: {
        MEDLAR_ASSIGN(const int64_t label, label_of(sample.name));
        return count_classes(ours.at(first), wanted.at(first), label + label_offset_, report_.classes);
      }
      case AccuracyTask::kDetect: {
        const graph::Shape& input = sample.inputs.begin()->second.shape;
        MEDLAR_ASSIGN(const auto boxes, decode_boxes(ours, input, request_.confidence / 2));
        MEDLAR_ASSIGN(const auto reference, decode_boxes(wanted, input, request_.confidence));
        match_boxes(boxes, reference, report_.boxes);
        return {};
      }
      case AccuracyTask::kSegment: return count_overlap(ours.at(first), wanted.at(first), report_.overlap);
      case AccuracyTask::kTensor: return {};
    }
    return {};
  }

  const AccuracyRequest& request_;
  const host::Session& reference_;
  Inference& inference_;
  int label_offset_;
  AccuracyReport report_;
};

}  // namespace

Result<AccuracyReport> measure_accuracy(const AccuracyRequest& request) {
  MEDLAR_ASSIGN(engine::Engine engine, engine::load(request.engine));
  return measure_accuracy(request, std::move(engine));
}

Result<AccuracyReport> measure_accuracy(const AccuracyRequest& request, engine::Engine engine) {
  MEDLAR_ASSIGN(const SourceModel reference, find_reference(request, engine));
  MEDLAR_ASSIGN(const auto preprocess, choose_preprocess(request, engine));
  const std::string device = engine.device;
  const std::string precision = engine.precision;
  MEDLAR_ASSIGN(const host::Session session, host::Session::create(reference.bytes, reference.path.string(), {}));
  MEDLAR_ASSIGN(Inference inference, Inference::create(std::move(engine), device, request.engine.string()));
  MEDLAR_ASSIGN(uint64_t total, sample::count_samples(request.images));
  total = total / request.slice.of + (request.slice.index < total % request.slice.of ? 1 : 0);
  total = request.limit == 0 ? total : std::min(total, request.limit);
  Comparison comparison(request, session, inference, preprocess ? preprocess->label_offset : 0);
  uint64_t done = 0;
  MEDLAR_TRY(sample::visit_samples(request.images, inference.inputs(), preprocess, [&](const sample::Sample& sample) -> Result<bool> {
    if (Status added = comparison.add(sample); !added) {
      return tl::unexpected<Error>(std::move(added).error().in(sample.name));
    }
    ++done;
    if (request.progress) {
      request.progress("comparing with the FP32 reference", done, total);
    }
    return done < total;
  }, request.slice));
  AccuracyReport report = comparison.take();
  report.engine = request.engine.string();
  report.device = device;
  report.precision = precision;
  report.reference = reference.path.string();
  return report;
}

}  // namespace medlar::api
