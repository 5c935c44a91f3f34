// SPDX-License-Identifier: Apache-2.0
#include "api/accuracy_classes.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace medlar::api {
namespace {

constexpr size_t kTop = 5;
constexpr double kNormalQuantile = 1.959964;  // 97.5 %

Result<std::vector<double>> values_of(const graph::Tensor& tensor) {
  auto values = graph::to_doubles(tensor);
  if (!values || values->empty()) {
    return fail(Code::kUnsupported, "an output of {} cannot be compared", graph::data_type_name(tensor.type));
  }
  return std::move(*values);
}

/// Indices of the largest values; equal values by index.
std::vector<int64_t> best_of(const std::vector<double>& values) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t count = std::min(kTop, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(), [&](int64_t a, int64_t b) {
    const double left = values[static_cast<size_t>(a)];
    const double right = values[static_cast<size_t>(b)];
    return left != right ? left > right : a < b;
  });
  order.resize(count);
  return order;
}

/// Where the channels of a map lie: index = pixel * pixel_step + channel * channel_step.
struct MapLayout {
  size_t pixels = 0, channels = 1, pixel_step = 1, channel_step = 1;
};

Result<MapLayout> map_layout(const graph::Tensor& tensor) {
  const graph::Shape& shape = tensor.shape;
  if (shape.size() != 4 || shape[0] != 1) {
    return fail(Code::kUnsupported, "an output of shape [{}] is no class map: [1,C,H,W] or [1,H,W,C] is wanted",
                fmt::join(shape, ","));
  }
  const bool first = shape[1] <= shape[3];
  const auto channels = static_cast<size_t>(first ? shape[1] : shape[3]);
  const auto pixels = static_cast<size_t>(first ? shape[2] * shape[3] : shape[1] * shape[2]);
  return first ? MapLayout{pixels, channels, 1, pixels} : MapLayout{pixels, channels, channels, 1};
}

Result<std::vector<int>> class_map(const graph::Tensor& tensor) {
  MEDLAR_ASSIGN(const std::vector<double> values, values_of(tensor));
  const bool floating = tensor.type == graph::DataType::kFloat32 || tensor.type == graph::DataType::kFloat16;
  if (!floating) {
    return std::vector<int>(values.begin(), values.end());
  }
  MEDLAR_ASSIGN(const MapLayout layout, map_layout(tensor));
  std::vector<int> classes(layout.pixels, 0);
  for (size_t pixel = 0; pixel < layout.pixels; ++pixel) {
    const size_t at = pixel * layout.pixel_step;
    if (layout.channels == 1) {
      classes[pixel] = values[at] > 0.5 ? 1 : 0;
      continue;
    }
    for (size_t channel = 1; channel < layout.channels; ++channel) {
      const auto best = static_cast<size_t>(classes[pixel]);
      if (values[at + channel * layout.channel_step] > values[at + best * layout.channel_step]) {
        classes[pixel] = static_cast<int>(channel);
      }
    }
  }
  return classes;
}

}  // namespace

Interval wilson(uint64_t hits, uint64_t total) {
  if (total == 0) {
    return {};
  }
  const auto n = static_cast<double>(total);
  const double p = static_cast<double>(hits) / n;
  const double z2 = kNormalQuantile * kNormalQuantile;
  const double centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
  const double half = kNormalQuantile / (1.0 + z2 / n) * std::sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Result<int64_t> label_of(const std::string& file) {
  const std::string_view name = std::string_view(file).substr(file.rfind('/') == std::string::npos ? 0 : file.rfind('/') + 1);
  const size_t end = name.find('_');
  int64_t label = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + std::min(end, name.size()), label);
  if (end == std::string_view::npos || parsed.ec != std::errc() || parsed.ptr != name.data() + end || label < 0) {
    return fail(Code::kInvalidArgument, "{}: no class index before the first '_' of the file's name", file);
  }
  return label;
}

Status count_classes(const graph::Tensor& ours, const graph::Tensor& reference, int64_t label, ClassCounts& counts) {
  MEDLAR_ASSIGN(const std::vector<double> our_values, values_of(ours));
  MEDLAR_ASSIGN(const std::vector<double> reference_values, values_of(reference));
  if (label >= static_cast<int64_t>(reference_values.size())) {
    return fail(Code::kOutOfRange, "class {} of {}", label, reference_values.size());
  }
  const std::vector<int64_t> our_best = best_of(our_values);
  const std::vector<int64_t> reference_best = best_of(reference_values);
  const auto among = [&](const std::vector<int64_t>& best) { return std::find(best.begin(), best.end(), label) != best.end(); };
  counts.images++;
  counts.top1 += our_best[0] == label ? 1 : 0;
  counts.top5 += among(our_best) ? 1 : 0;
  counts.reference_top1 += reference_best[0] == label ? 1 : 0;
  counts.reference_top5 += among(reference_best) ? 1 : 0;
  counts.agreeing += our_best[0] == reference_best[0] ? 1 : 0;
  return {};
}

double OverlapCounts::mean_iou() const {
  double sum = 0.0;
  int classes = 0;
  for (const auto& [index, count] : either) {
    if (count * 1000 >= pixels) {
      const auto found = both.find(index);
      sum += found == both.end() ? 0.0 : static_cast<double>(found->second) / static_cast<double>(count);
      ++classes;
    }
  }
  return classes == 0 ? 1.0 : sum / classes;
}

Status count_overlap(const graph::Tensor& ours, const graph::Tensor& reference, OverlapCounts& counts) {
  MEDLAR_ASSIGN(const std::vector<int> our_map, class_map(ours));
  MEDLAR_ASSIGN(const std::vector<int> reference_map, class_map(reference));
  if (our_map.size() != reference_map.size()) {
    return fail(Code::kInternal, "class maps of {} and {} pixels", our_map.size(), reference_map.size());
  }
  for (size_t i = 0; i < our_map.size(); ++i) {
    counts.pixels++;
    counts.either[reference_map[i]]++;
    if (our_map[i] == reference_map[i]) {
      counts.equal++;
      counts.both[reference_map[i]]++;
    } else {
      counts.either[our_map[i]]++;
    }
  }
  return {};
}

}  // namespace medlar::api
