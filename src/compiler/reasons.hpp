// SPDX-License-Identifier: Apache-2.0
// Why a node is not on the DLA: stable ids with one text each. Ids are never reused; new ones are appended.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace medlar::compiler {

enum class Reason : uint8_t {
  kOperator,       ///< No lowering for the operator.
  kDataType,       ///< Element type is not float32 or float16.
  kDynamicShape,   ///< A dimension is open.
  kRank,           ///< Not a 1xCxHxW, 1xCxL or 1xC tensor.
  kBatch,          ///< Batch over 1.
  kCubeSize,       ///< A dimension over 8192.
  kKernelSize,
  kStride,
  kDilation,
  kPadding,
  kPadMode,
  kGroups,
  kAttribute,      ///< Another attribute's value.
  kNotConstant,    ///< An operand has to be constant and is not.
  kBroadcast,
  kPoolWindow,
  kExcludePad,
  kLayout,         ///< Reshape, Flatten or Transpose that moves data.
  kAxis,
  kMissingUnit,    ///< The configuration lacks a unit that it needs.
  kPrecision,      ///< The configuration lacks the precision.
  kNoRange,        ///< INT8 without a calibrated range.
  kDomain,         ///< Custom operator domain.
  kIsland,         ///< Could run there; not worth two transitions.
  kOnRequest,      ///< Placed elsewhere by the caller.
  kResources,      ///< No tiling fits the convolution buffer.
  kLoadables,      ///< The device holds fewer DLA segments.
  kMemory,         ///< The intermediate tensors or weights of its segment are too large.
  kSlower,         ///< The caller wants the fastest placement, and another engine is faster.
  kRounding,       ///< No multiply-accumulates, and the host computes in float what comes before and after.
  kAccuracy,       ///< INT8 would cost much accuracy there, and the configuration has nothing finer.
};

struct ReasonText {
  Reason reason;
  std::string_view code;  ///< "MDL2001"
  std::string_view text;
};

/// All reasons, in the order of the enumeration.
std::span<const ReasonText> reasons();
const ReasonText& reason_text(Reason reason);

/// One refusal: what was asked, what is possible, what helps.
struct Refusal {
  Reason reason = Reason::kOperator;
  std::string detail;  ///< Names limit and value: "kernel 33x3, limit 32".
  std::string hint;    ///< May be empty.

  /// "text: detail (hint)".
  std::string message() const;
};

}  // namespace medlar::compiler
