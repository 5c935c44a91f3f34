// SPDX-License-Identifier: Apache-2.0
#include "base/status.hpp"

namespace medlar {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return "invalid argument";
    case Code::kCorrupt: return "corrupt";
    case Code::kUnsupported: return "unsupported";
    case Code::kNotFound: return "not found";
    case Code::kAlreadyExists: return "already exists";
    case Code::kOutOfRange: return "out of range";
    case Code::kResourceExhausted: return "resource exhausted";
    case Code::kFault: return "fault";
    case Code::kTimeout: return "timeout";
    case Code::kCancelled: return "cancelled";
    case Code::kDeviceMismatch: return "device mismatch";
    case Code::kVersionMismatch: return "version mismatch";
    case Code::kIo: return "i/o error";
    case Code::kInternal: return "internal error";
  }
  return "unknown";
}

Error Error::in(std::string_view where) && {
  message.insert(0, ": ").insert(0, where);
  return std::move(*this);
}

std::string Error::to_string() const {
  return fmt::format("{}: {}", code_name(code), message);
}

}  // namespace medlar
