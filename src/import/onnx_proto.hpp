// SPDX-License-Identifier: Apache-2.0
// ONNX's generated protobuf classes, and the few names that every file here needs. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include <onnx/onnx.pb.h>

namespace medlar::import {

/// "" and "ai.onnx" are the same domain.
inline std::string normal_domain(const std::string& domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

/// A tensor of this many bytes or more is refused: protobuf's own limit, and what sizes derived from files may reach.
inline constexpr uint64_t kMaxTensorBytes = uint64_t{2} << 30;

}  // namespace medlar::import
