// SPDX-License-Identifier: Apache-2.0
// Accuracy in words and as JSON.
#include <cmath>

#include <nlohmann/json.hpp>

#include "api/accuracy.hpp"

namespace medlar::api {
namespace {

using Json = nlohmann::ordered_json;

double percent(uint64_t hits, uint64_t total) {
  return total == 0 ? 0.0 : 100.0 * static_cast<double>(hits) / static_cast<double>(total);
}

std::string_view task_name(AccuracyTask task) {
  switch (task) {
    case AccuracyTask::kClassify: return "classify";
    case AccuracyTask::kDetect: return "detect";
    case AccuracyTask::kSegment: return "segment";
    case AccuracyTask::kTensor: return "tensor";
  }
  return "?";
}

std::string rate_line(std::string_view what, uint64_t hits, uint64_t reference, uint64_t total) {
  const Interval interval = wilson(hits, total);
  return fmt::format("  {:<6} {:6.2f} %  ({:.2f} to {:.2f} at 95 %)   reference {:6.2f} %   {:+.2f} points\n", what,
                     percent(hits, total), 100 * interval.low, 100 * interval.high, percent(reference, total),
                     percent(hits, total) - percent(reference, total));
}

std::string classify_text(const ClassCounts& counts) {
  const Interval agreement = wilson(counts.agreeing, counts.images);
  return rate_line("top-1", counts.top1, counts.reference_top1, counts.images) +
         rate_line("top-5", counts.top5, counts.reference_top5, counts.images) +
         fmt::format("  same top-1 as the reference on {:.2f} %  ({:.2f} to {:.2f} at 95 %)\n",
                     percent(counts.agreeing, counts.images), 100 * agreement.low, 100 * agreement.high);
}

double mean_iou(const BoxCounts& boxes) {
  return boxes.confident == 0 ? 1.0 : boxes.iou_sum / static_cast<double>(boxes.confident);
}

std::string detect_text(const BoxCounts& boxes) {
  return fmt::format("  {} confident boxes of the reference, {:.2f} % found with IoU over 0.9 (mean IoU {:.4f}, lowest {:.4f})\n",
                     boxes.confident, percent(boxes.kept, boxes.confident), mean_iou(boxes), boxes.lowest);
}

Json interval_json(uint64_t hits, uint64_t total) {
  const Interval interval = wilson(hits, total);
  return {100 * interval.low, 100 * interval.high};
}

/// JSON has no infinity.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json("infinite"); }

void add_task(const AccuracyReport& report, Json& json) {
  switch (report.task) {
    case AccuracyTask::kClassify: {
      const ClassCounts& c = report.classes;
      json["top1"] = percent(c.top1, c.images);
      json["top5"] = percent(c.top5, c.images);
      json["reference_top1"] = percent(c.reference_top1, c.images);
      json["reference_top5"] = percent(c.reference_top5, c.images);
      json["agreement"] = percent(c.agreeing, c.images);
      json["top1_interval"] = interval_json(c.top1, c.images);
      json["reference_top1_interval"] = interval_json(c.reference_top1, c.images);
      json["agreement_interval"] = interval_json(c.agreeing, c.images);
      return;
    }
    case AccuracyTask::kDetect:
      json["confident_boxes"] = report.boxes.confident;
      json["kept"] = report.boxes.confident == 0 ? 100.0 : percent(report.boxes.kept, report.boxes.confident);
      json["mean_iou"] = mean_iou(report.boxes);
      json["lowest_iou"] = report.boxes.lowest;
      return;
    case AccuracyTask::kSegment:
      json["mean_iou"] = report.overlap.mean_iou();
      json["equal_pixels"] = percent(report.overlap.equal, report.overlap.pixels);
      return;
    case AccuracyTask::kTensor: return;
  }
}

}  // namespace

std::string accuracy_to_text(const AccuracyReport& report) {
  std::string text = fmt::format("{}: {} on {}, {} images beside {} in FP32\n", report.engine, report.precision, report.device,
                                 report.images, report.reference);
  switch (report.task) {
    case AccuracyTask::kClassify: text += classify_text(report.classes); break;
    case AccuracyTask::kDetect: text += detect_text(report.boxes); break;
    case AccuracyTask::kSegment:
      text += fmt::format("  mean IoU with the reference's class map {:.4f}, {:.2f} % of the pixels equal\n",
                          report.overlap.mean_iou(), percent(report.overlap.equal, report.overlap.pixels));
      break;
    case AccuracyTask::kTensor: break;
  }
  for (const OutputError& output : report.outputs) {
    text += fmt::format("  output {}: relative error (2-norm) mean {:.3e}, worst {:.3e}\n", output.name,
                        output.sum / static_cast<double>(report.images), output.worst);
  }
  return text;
}

std::string accuracy_to_json(const AccuracyReport& report) {
  Json json{{"task", task_name(report.task)},   {"engine", report.engine},       {"device", report.device},
            {"precision", report.precision},    {"reference", report.reference}, {"images", report.images}};
  add_task(report, json);
  Json outputs = Json::array();
  for (const OutputError& output : report.outputs) {
    outputs.push_back({{"name", output.name},
                       {"mean_error", number(output.sum / static_cast<double>(report.images))},
                       {"worst_error", number(output.worst)}});
  }
  json["outputs"] = std::move(outputs);
  return json.dump(2) + "\n";
}

std::string accuracy_counts_to_json(const AccuracyReport& report) {
  Json json{{"task", task_name(report.task)}, {"images", report.images}};
  const ClassCounts& c = report.classes;
  json["classes"] = {{"images", c.images}, {"top1", c.top1}, {"top5", c.top5}, {"reference_top1", c.reference_top1},
                     {"reference_top5", c.reference_top5}, {"agreeing", c.agreeing}};
  const BoxCounts& b = report.boxes;
  json["boxes"] = {{"confident", b.confident}, {"kept", b.kept}, {"iou_sum", b.iou_sum}, {"lowest", b.lowest}};
  Json both = Json::object();
  Json either = Json::object();
  for (const auto& [label, pixels] : report.overlap.either) {
    const auto shared = report.overlap.both.find(label);
    both[std::to_string(label)] = shared == report.overlap.both.end() ? 0 : shared->second;
    either[std::to_string(label)] = pixels;
  }
  json["overlap"] = {{"pixels", report.overlap.pixels}, {"equal", report.overlap.equal}, {"both", std::move(both)}, {"either", std::move(either)}};
  Json outputs = Json::array();
  for (const OutputError& output : report.outputs) {
    outputs.push_back({{"name", output.name}, {"error_sum", number(output.sum)}, {"worst", number(output.worst)}});
  }
  json["outputs"] = std::move(outputs);
  return json.dump(2) + "\n";
}

std::optional<AccuracyTask> find_accuracy_task(std::string_view name) {
  for (const AccuracyTask task : {AccuracyTask::kClassify, AccuracyTask::kDetect, AccuracyTask::kSegment, AccuracyTask::kTensor}) {
    if (task_name(task) == name) {
      return task;
    }
  }
  return std::nullopt;
}

}  // namespace medlar::api
