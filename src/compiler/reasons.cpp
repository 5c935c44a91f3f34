// SPDX-License-Identifier: Apache-2.0
// The table of refusal reasons.
#include "compiler/reasons.hpp"

#include <array>

#include <fmt/format.h>

namespace medlar::compiler {
namespace {

constexpr std::array kReasons = {
    ReasonText{Reason::kOperator, "MDL2001", "the DLA has no such operator"},
    ReasonText{Reason::kDataType, "MDL2002", "element type that the DLA does not compute"},
    ReasonText{Reason::kDynamicShape, "MDL2003", "shape is not known at build time"},
    ReasonText{Reason::kRank, "MDL2004", "tensor is not a feature cube"},
    ReasonText{Reason::kBatch, "MDL2005", "batch over 1"},
    ReasonText{Reason::kCubeSize, "MDL2006", "dimension too large"},
    ReasonText{Reason::kKernelSize, "MDL2007", "kernel size out of range"},
    ReasonText{Reason::kStride, "MDL2008", "stride out of range"},
    ReasonText{Reason::kDilation, "MDL2009", "dilation out of range"},
    ReasonText{Reason::kPadding, "MDL2010", "padding out of range"},
    ReasonText{Reason::kPadMode, "MDL2011", "padding mode that the DLA lacks"},
    ReasonText{Reason::kGroups, "MDL2012", "groups do not divide the channels"},
    ReasonText{Reason::kAttribute, "MDL2013", "attribute value that the DLA lacks"},
    ReasonText{Reason::kNotConstant, "MDL2014", "operand is not constant"},
    ReasonText{Reason::kBroadcast, "MDL2015", "broadcast that the DLA lacks"},
    ReasonText{Reason::kPoolWindow, "MDL2016", "pooling window out of range"},
    ReasonText{Reason::kExcludePad, "MDL2017", "average that excludes padding"},
    ReasonText{Reason::kLayout, "MDL2018", "moves data between layouts"},
    ReasonText{Reason::kAxis, "MDL2019", "axis that the DLA lacks"},
    ReasonText{Reason::kMissingUnit, "MDL2020", "this configuration lacks the unit"},
    ReasonText{Reason::kPrecision, "MDL2021", "this configuration lacks the precision"},
    ReasonText{Reason::kNoRange, "MDL2022", "no calibrated range"},
    ReasonText{Reason::kDomain, "MDL2023", "custom operator domain"},
    ReasonText{Reason::kIsland, "MDL2024", "would cost more transitions than it saves"},
    ReasonText{Reason::kOnRequest, "MDL2025", "placed there on request"},
    ReasonText{Reason::kResources, "MDL2026", "does not fit the convolution buffer"},
    ReasonText{Reason::kLoadables, "MDL2027", "more DLA segments than the device holds"},
    ReasonText{Reason::kMemory, "MDL2028", "more memory than a DLA segment has"},
    ReasonText{Reason::kSlower, "MDL2029", "slower on the DLA"},
    ReasonText{Reason::kRounding, "MDL2030", "would only be rounded to 8 bits between layers on the host"},
    ReasonText{Reason::kAccuracy, "MDL2031", "INT8 costs too much accuracy there"},
};

constexpr bool in_order() {
  for (size_t i = 0; i < kReasons.size(); ++i) {
    if (kReasons[i].reason != static_cast<Reason>(i)) {
      return false;
    }
  }
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const ReasonText> reasons() { return kReasons; }

const ReasonText& reason_text(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }

std::string Refusal::message() const {
  std::string text(reason_text(reason).text);
  if (!detail.empty()) {
    text += fmt::format(": {}", detail);
  }
  if (!hint.empty()) {
    text += fmt::format(" ({})", hint);
  }
  return text;
}

}  // namespace medlar::compiler
