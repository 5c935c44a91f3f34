// SPDX-License-Identifier: Apache-2.0
// Reads the tokens of the graph's text form; every error names its line.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace medlar::graph {

/// A number as it was written: `text` is all of it ("-1", "2.5e-3", "nan(0x7fc00000)").
struct NumberToken {
  std::string_view text;
  bool is_float = false;
};

class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  bool at_end();
  /// The next character that is not space or comment; 0 at the end.
  char peek();
  /// Consumes `token` if it comes next.
  bool accept(std::string_view token);
  Status expect(std::string_view token);
  /// Letters, digits and `_.`; an error when there are none.
  Result<std::string_view> word();
  /// A word, or any text in quotes.
  Result<std::string> name();
  /// A value's name after `%`: bare or quoted.
  Result<std::string> reference();
  Result<std::string> quoted();
  Result<NumberToken> number();
  Result<int64_t> integer();
  Result<float> float32();
  Result<double> float64();
  Result<uint64_t> unsigned_integer();
  /// Hexadecimal bytes after `0x`.
  Result<ByteBuffer> hex_bytes();
  /// Sixteen hexadecimal digits after `#`.
  Result<uint64_t> hash();

  template <typename... Args>
  [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(Code::kCorrupt, "line {}: {}", line(), fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void skip_space();
  int line() const;
  template <typename Accept>
  std::string_view take_while(Accept accept);

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace medlar::graph
