// SPDX-License-Identifier: Apache-2.0
#include "api/accuracy_boxes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace medlar::api {
namespace {

using Outputs = std::map<std::string, graph::Tensor>;

constexpr std::array<int, 3> kStrides{8, 16, 32};
constexpr double kSuppress = 0.45;
constexpr double kKept = 0.9;

/// Height and width of the model's picture.
struct Extent {
  int64_t h = 0, w = 0;
};

Extent extent_of(const graph::Shape& input) {
  if (input.size() != 4) {
    return {};
  }
  return input[1] <= 4 ? Extent{input[2], input[3]} : Extent{input[1], input[2]};
}

int64_t cells(const Extent& extent) {
  int64_t count = 0;
  for (const int stride : kStrides) {
    count += (extent.h / stride) * (extent.w / stride);
  }
  return count;
}

Box centred(double x, double y, double w, double h) { return {x - w / 2, y - h / 2, x + w / 2, y + h / 2, 0, 0}; }

/// Rows [x, y, w, h, objectness, classes...]; `attribute` and `row` say where a value lies.
struct Rows {
  std::vector<double> values;
  int64_t rows = 0, attributes = 0;
  bool columns = false;  ///< Stored attribute by attribute.

  double at(int64_t row, int64_t attribute) const {
    return values[static_cast<size_t>(columns ? attribute * rows + row : row * attributes + attribute)];
  }
};

/// Best class from attribute `first` on.
void add_class(const Rows& rows, int64_t row, int64_t first, double factor, Box& box) {
  for (int64_t k = first; k < rows.attributes; ++k) {
    const double score = factor * rows.at(row, k);
    if (score > box.score) {
      box.score = score;
      box.label = static_cast<int>(k - first);
    }
  }
}

/// YOLOX leaves the grid to its reader: offsets within a cell, logarithms of sizes.
std::vector<Box> grid_rows(const Rows& rows, const Extent& extent) {
  std::vector<Box> boxes;
  int64_t row = 0;
  for (const int stride : kStrides) {
    for (int64_t y = 0; y < extent.h / stride; ++y) {
      for (int64_t x = 0; x < extent.w / stride; ++x, ++row) {
        Box box = centred((rows.at(row, 0) + static_cast<double>(x)) * stride, (rows.at(row, 1) + static_cast<double>(y)) * stride,
                          std::exp(rows.at(row, 2)) * stride, std::exp(rows.at(row, 3)) * stride);
        add_class(rows, row, 5, rows.at(row, 4), box);
        boxes.push_back(box);
      }
    }
  }
  return boxes;
}

std::vector<Box> plain_rows(const Rows& rows) {
  std::vector<Box> boxes;
  for (int64_t row = 0; row < rows.rows; ++row) {
    Box box = centred(rows.at(row, 0), rows.at(row, 1), rows.at(row, 2), rows.at(row, 3));
    add_class(rows, row, rows.columns ? 4 : 5, rows.columns ? 1.0 : rows.at(row, 4), box);
    boxes.push_back(box);
  }
  return boxes;
}

std::optional<std::vector<Box>> yolo(const Outputs& outputs, const Extent& extent) {
  if (outputs.size() != 1) {
    return std::nullopt;
  }
  const graph::Tensor& tensor = outputs.begin()->second;
  if (tensor.shape.size() != 3 || tensor.shape[0] != 1) {
    return std::nullopt;
  }
  Rows rows{graph::to_doubles(tensor).value_or(std::vector<double>()), tensor.shape[1], tensor.shape[2],
            tensor.shape[1] < tensor.shape[2]};
  if (rows.columns) {
    std::swap(rows.rows, rows.attributes);
  }
  if (rows.values.empty() || rows.attributes < 6) {
    return std::nullopt;
  }
  double reach = 0;
  for (int64_t row = 0; row < rows.rows; ++row) {
    reach = std::max(reach, rows.at(row, 0));
  }
  const bool raw = !rows.columns && rows.rows == cells(extent) && reach < static_cast<double>(extent.w) / 4;
  return raw ? grid_rows(rows, extent) : plain_rows(rows);
}

/// [1,N,C] scores, class 0 the background, beside [1,N,4] corners.
std::optional<std::vector<Box>> scores_and_corners(const Outputs& outputs) {
  const graph::Tensor* scores = nullptr;
  const graph::Tensor* corners = nullptr;
  for (const auto& [name, tensor] : outputs) {
    if (tensor.shape.size() == 3 && tensor.shape[0] == 1) {
      (tensor.shape[2] == 4 ? corners : scores) = &tensor;
    }
  }
  if (outputs.size() != 2 || scores == nullptr || corners == nullptr || scores->shape[1] != corners->shape[1]) {
    return std::nullopt;
  }
  const Rows score{graph::to_doubles(*scores).value_or(std::vector<double>()), scores->shape[1], scores->shape[2], false};
  const Rows corner{graph::to_doubles(*corners).value_or(std::vector<double>()), corners->shape[1], 4, false};
  if (score.values.empty() || corner.values.empty()) {
    return std::nullopt;
  }
  std::vector<Box> boxes;
  for (int64_t row = 0; row < score.rows; ++row) {
    Box box{corner.at(row, 0), corner.at(row, 1), corner.at(row, 2), corner.at(row, 3), 0, 0};
    add_class(score, row, 1, 1.0, box);
    boxes.push_back(box);
  }
  return boxes;
}

/// YuNet: cls, obj and bbox of each stride; the score is the geometric mean of both.
std::optional<std::vector<Box>> yunet(const Outputs& outputs, const Extent& extent) {
  std::vector<Box> boxes;
  for (const int stride : kStrides) {
    const auto cls = outputs.find(fmt::format("cls_{}", stride));
    const auto obj = outputs.find(fmt::format("obj_{}", stride));
    const auto bbox = outputs.find(fmt::format("bbox_{}", stride));
    if (cls == outputs.end() || obj == outputs.end() || bbox == outputs.end()) {
      return std::nullopt;
    }
    const auto c = graph::to_doubles(cls->second), o = graph::to_doubles(obj->second), b = graph::to_doubles(bbox->second);
    const int64_t across = extent.w / stride;
    const int64_t count = across * (extent.h / stride);
    if (!c || !o || !b || static_cast<int64_t>(c->size()) != count || static_cast<int64_t>(b->size()) != 4 * count) {
      return std::nullopt;
    }
    for (int64_t i = 0; i < count; ++i) {
      const double* at = b->data() + 4 * i;
      Box box = centred((static_cast<double>(i % across) + at[0]) * stride, (static_cast<double>(i / across) + at[1]) * stride,
                        std::exp(at[2]) * stride, std::exp(at[3]) * stride);
      const auto index = static_cast<size_t>(i);
      box.score = std::sqrt(std::clamp((*c)[index], 0.0, 1.0) * std::clamp((*o)[index], 0.0, 1.0));
      boxes.push_back(box);
    }
  }
  return boxes;
}

std::vector<Box> suppress(std::vector<Box> boxes, double threshold) {
  std::erase_if(boxes, [&](const Box& box) { return !(box.score > threshold); });
  std::stable_sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.score > b.score; });
  std::vector<Box> kept;
  for (const Box& box : boxes) {
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Box& other) {
      return other.label == box.label && intersection_over_union(other, box) > kSuppress;
    });
    if (!covered) {
      kept.push_back(box);
    }
  }
  return kept;
}

}  // namespace

double intersection_over_union(const Box& a, const Box& b) {
  const double w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const double h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const double both = w > 0 && h > 0 ? w * h : 0.0;
  const double all = (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - both;
  return all > 0 ? both / all : 0.0;
}

Result<std::vector<Box>> decode_boxes(const Outputs& outputs, const graph::Shape& input, double threshold) {
  const Extent extent = extent_of(input);
  for (auto boxes : {yolo(outputs, extent), scores_and_corners(outputs), yunet(outputs, extent)}) {
    if (boxes) {
      return suppress(std::move(*boxes), threshold);
    }
  }
  std::string list;
  for (const auto& [name, tensor] : outputs) {
    list += fmt::format(" {} [{}]", name, fmt::join(tensor.shape, ","));
  }
  return fail(Code::kUnsupported, "no known form of boxes in the outputs{}; --task tensor compares them as numbers", list);
}

void match_boxes(const std::vector<Box>& ours, const std::vector<Box>& reference, BoxCounts& counts) {
  for (const Box& box : reference) {
    double best = 0.0;
    for (const Box& other : ours) {
      best = other.label == box.label ? std::max(best, intersection_over_union(other, box)) : best;
    }
    counts.confident++;
    counts.kept += best > kKept ? 1 : 0;
    counts.iou_sum += best;
    counts.lowest = std::min(counts.lowest, best);
  }
}

}  // namespace medlar::api
