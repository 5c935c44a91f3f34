// SPDX-License-Identifier: Apache-2.0
// From errors as values (below the public API) to typed exceptions (on it). Private to this folder.
#pragma once

#include "base/status.hpp"
#include "medlar/error.hpp"

#include <exception>
#include <utility>

namespace medlar::door {

/// Throws the public class for the error's code.
[[noreturn]] void raise(const Error& error);
[[noreturn]] void raise(ErrorCode code, const std::string& message);

template <typename... Args>
[[noreturn]] void raise(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  raise(code, fmt::format(format, std::forward<Args>(args)...));
}

/// The value, or the error as an exception.
template <typename T>
T take(Result<T> result) {
  if (!result) {
    raise(result.error());
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

/// Runs a callback of the caller's; whatever it throws leaves as CallbackError naming `what`.
template <typename Call>
auto guarded(const char* what, const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const CallbackError&) {
    throw;
  } catch (const std::exception& error) {
    std::throw_with_nested(CallbackError(fmt::format("{} threw: {}", what, error.what())));
  } catch (...) {
    std::throw_with_nested(CallbackError(fmt::format("{} threw something that is no std::exception", what)));
  }
}

}  // namespace medlar::door
