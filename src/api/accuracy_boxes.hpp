// SPDX-License-Identifier: Apache-2.0
// Detectors' raw outputs as boxes, and how many boxes of one set are found again in another.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::api {

/// Corners in one unit per axis (pixels or parts of the image), score in 0..1.
struct Box {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  double score = 0;
  int label = 0;
};

double intersection_over_union(const Box& a, const Box& b);

/// Boxes above `threshold`, strongest first, without those that a stronger one of the same class covers by 0.45.
/// Known forms: rows of YOLO (v5, X with or without its grid decoded; v8's columns), scores beside boxes with class 0 as
/// background, and YuNet's maps a stride. kUnsupported lists the outputs.
Result<std::vector<Box>> decode_boxes(const std::map<std::string, graph::Tensor>& outputs, const graph::Shape& input,
                                      double threshold);

struct BoxCounts {
  uint64_t confident = 0;  ///< Boxes of the reference above the threshold.
  uint64_t kept = 0;       ///< Those with one of ours of the same class over 0.9 of IoU.
  double iou_sum = 0.0;    ///< Of the best partners.
  double lowest = 1.0;
};

/// `ours` may be a little less sure: decode it at half the reference's threshold.
void match_boxes(const std::vector<Box>& ours, const std::vector<Box>& reference, BoxCounts& counts);

}  // namespace medlar::api
