// SPDX-License-Identifier: Apache-2.0
// Counting classes: labels of images and pixels of class maps.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::api {

struct ClassCounts {
  uint64_t images = 0;
  uint64_t top1 = 0, top5 = 0, reference_top1 = 0, reference_top5 = 0;  ///< Images whose label is among them.
  uint64_t agreeing = 0;                                                ///< Images with the reference's top-1.
};

/// In parts of one.
struct Interval {
  double low = 0.0, high = 1.0;
};

/// Wilson's score interval of a proportion at 95 %.
Interval wilson(uint64_t hits, uint64_t total);

/// The number before the first '_' of the file's name. kInvalidArgument names a file without one.
Result<int64_t> label_of(const std::string& file);

/// `label` counts in classes of the output.
Status count_classes(const graph::Tensor& ours, const graph::Tensor& reference, int64_t label, ClassCounts& counts);

/// Pixels by class of the reference's map and of ours.
struct OverlapCounts {
  std::map<int, uint64_t> both, either;  ///< By class.
  uint64_t pixels = 0, equal = 0;

  /// Mean over the classes of the reference or ours that hold at least a thousandth of the pixels.
  double mean_iou() const;
};

/// Class maps: integers as they are; [1,C,H,W] or [1,H,W,C] by the largest channel, one channel by a bound of 0.5.
/// kUnsupported for other shapes.
Status count_overlap(const graph::Tensor& ours, const graph::Tensor& reference, OverlapCounts& counts);

}  // namespace medlar::api
