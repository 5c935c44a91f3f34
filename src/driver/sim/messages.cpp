// SPDX-License-Identifier: Apache-2.0
// Error records as sentences.
#include "driver/sim/messages.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

namespace medlar::driver {
namespace {

std::string where(const medlar_query_error& record, const LayerNames& layers) {
  const auto at = static_cast<size_t>(record.op_index);  // -1 is out of range
  const std::string_view layer =
      layers != nullptr && at < layers->size() ? std::string_view((*layers)[at]) : "";
  std::string text = record.serial == 0 ? "submit" : fmt::format("task {}", record.serial);
  if (record.op_index >= 0) {
    text += fmt::format(": operation {} ({}{}{})", record.op_index, op_type_name(record.op_type),
                        layer.empty() ? "" : ", layer ", layer);
  }
  return text;
}

std::string what(const medlar_query_error& r) {
  const std::string_view field = r.field;
  const std::string_view access = r.access == 2 ? "write" : "read";
  switch (r.kind) {
    case MEDLAR_ERROR_DESCRIPTOR:
      if (field == "overlapping write") {
        return fmt::format("overlapping write: operation {} writes the same bytes and nothing orders the two", r.limit);
      }
      if (field == "dependency cycle") {
        return "dependency cycle: it waits for itself by way of others";
      }
      return r.error == -MEDLAR_EOPNOTSUPP
                 ? fmt::format("{} {} is not supported by this chip", r.field, r.value)
                 : fmt::format("{} is {}, the limit is {}", r.field, r.value, r.limit);
    case MEDLAR_ERROR_TRANSLATION:
      return fmt::format("SMMU translation fault, {} at IOVA {:#x}", access, r.iova);
    case MEDLAR_ERROR_PERMISSION:
      return fmt::format("SMMU permission fault, {} at IOVA {:#x}", access, r.iova);
    case MEDLAR_ERROR_REGISTER:
      return fmt::format("register {} at {:#x} refused", access, r.value);
    case MEDLAR_ERROR_HANG:
      return field == "device time"
                 ? fmt::format("out of time after {} ns of device time, the limit is {}", r.value, r.limit)
                 : fmt::format("hung, {} of {} operations done", r.value, r.limit);
    case MEDLAR_ERROR_POWER:
      return "no power or no clock";
    case MEDLAR_ERROR_CANCELLED:
      return "cancelled with its context";
    case MEDLAR_ERROR_FENCE:
      return fmt::format("a fence that it waited for failed ({})", r.value);
    default:
      return fmt::format("error {}", r.error);
  }
}

}  // namespace

std::string_view op_type_name(int op_type) {
  static constexpr std::array<std::string_view, 6> kNames = {"BDMA", "CONV", "SDP", "PDP", "CDP", "RUBIK"};
  return op_type < 0 || op_type >= 6 ? "task" : kNames[static_cast<size_t>(op_type)];
}

std::string error_text(const medlar_query_error& record, std::string_view detail, const LayerNames& layers) {
  std::string text = where(record, layers) + ": " + what(record);
  if (!detail.empty()) {
    text += fmt::format(": {}", detail);
  }
  return text;
}

void compose_message(medlar_query_error& record, std::string_view detail) {
  const std::string text = error_text(record, detail, nullptr);
  const size_t size = std::min(text.size(), sizeof record.message - 1);
  std::memcpy(record.message, text.data(), size);
  record.message[size] = '\0';
}

}  // namespace medlar::driver
