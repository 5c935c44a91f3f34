// SPDX-License-Identifier: Apache-2.0
// Errors as values. Libraries return Status or Result<T>; nothing throws, prints or exits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace medlar {

/// What kind of thing went wrong. Callers branch on the code; people read the message.
enum class Code : uint8_t {
  kInvalidArgument,   ///< The caller's request is malformed (flag, shape, name). Not for file contents: kCorrupt.
  kCorrupt,           ///< A file, loadable, descriptor or engine is broken, truncated or hostile.
  kUnsupported,       ///< Well-formed, but this build or device cannot do it.
  kNotFound,          ///< A named thing (file, tensor, device) does not exist.
  kAlreadyExists,     ///< A named thing exists and must not.
  kOutOfRange,        ///< An index, address or size lies outside its object.
  kResourceExhausted, ///< Memory, IOVA space, CBUF banks, slots or queue entries ran out.
  kFault,             ///< The simulated hardware faulted: translation, permission, illegal register value.
  kTimeout,           ///< A deadline passed.
  kCancelled,         ///< The work was cancelled (context killed, reset).
  kDeviceMismatch,    ///< Built for another device.
  kVersionMismatch,   ///< Written by an incompatible version.
  kIo,                ///< The host operating system refused: open, read, write, disk full.
  kInternal,          ///< A bug in Medlar.
};

/// Lower-case name of a code, e.g. "corrupt".
std::string_view code_name(Code code);

/// An error: its kind and a message that names the thing, the limit and the value.
struct Error {
  Code code = Code::kInternal;
  std::string message;

  /// The same error with `where` in front of its message ("model.onnx: node conv1: ...").
  [[nodiscard]] Error in(std::string_view where) &&;
  /// "code: message".
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// Builds the failed state of any Result: `return fail(Code::kCorrupt, "{}: {} bytes", name, size);`
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace medlar

#define MEDLAR_CONCAT_(a, b) a##b
#define MEDLAR_CONCAT(a, b) MEDLAR_CONCAT_(a, b)

/// Evaluates a Status/Result expression; returns its error to the caller if it failed.
#define MEDLAR_TRY(expr) MEDLAR_TRY_(MEDLAR_CONCAT(medlar_status_, __COUNTER__), expr)
#define MEDLAR_TRY_(tmp, expr)                                                          \
  do {                                                                                  \
    if (auto tmp = (expr); !tmp) {                                                      \
      return ::tl::unexpected<::medlar::Error>(std::move(tmp).error());                 \
    }                                                                                   \
  } while (false)

/// `MEDLAR_ASSIGN(auto x, f());` binds the value of a Result or returns its error.
#define MEDLAR_ASSIGN(decl, expr) MEDLAR_ASSIGN_(MEDLAR_CONCAT(medlar_result_, __LINE__), decl, expr)
#define MEDLAR_ASSIGN_(tmp, decl, expr)                                                 \
  auto tmp = (expr);                                                                    \
  if (!tmp) {                                                                           \
    return ::tl::unexpected<::medlar::Error>(std::move(tmp).error());                   \
  }                                                                                     \
  decl = std::move(*tmp)
