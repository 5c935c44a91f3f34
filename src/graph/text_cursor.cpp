// SPDX-License-Identifier: Apache-2.0
#include "graph/text_cursor.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace medlar::graph {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

template <typename T>
Result<T> parsed(const TextCursor& cursor, std::string_view text, int base = 10) {
  T value{};
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    return cursor.error("'{}' is not a number that fits", text);
  }
  return value;
}

template <typename T, typename Bits>
Result<T> parsed_float(const TextCursor& cursor, std::string_view text) {
  if (text.starts_with("nan(0x") && text.ends_with(")")) {
    MEDLAR_ASSIGN(const Bits bits, parsed<Bits>(cursor, text.substr(6, text.size() - 7), 16));
    return std::bit_cast<T>(bits);
  }
  T value{};
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    return cursor.error("'{}' is not a number that fits", text);
  }
  return value;
}

}  // namespace

template <typename Accept>
std::string_view TextCursor::take_while(Accept accepted) {
  const size_t start = at_;
  while (at_ < text_.size() && accepted(text_[at_])) {
    ++at_;
  }
  return text_.substr(start, at_ - start);
}

void TextCursor::skip_space() {
  while (at_ < text_.size()) {
    if (text_.substr(at_).starts_with("//")) {
      take_while([](char c) { return c != '\n'; });
    } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    } else {
      return;
    }
  }
}

int TextCursor::line() const {
  return 1 + static_cast<int>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
}

bool TextCursor::at_end() {
  skip_space();
  return at_ == text_.size();
}

char TextCursor::peek() {
  return at_end() ? '\0' : text_[at_];
}

bool TextCursor::accept(std::string_view token) {
  skip_space();
  if (!text_.substr(at_).starts_with(token)) {
    return false;
  }
  const size_t end = at_ + token.size();
  if (is_word(token.back()) && end < text_.size() && is_word(text_[end])) {
    return false;  // only the beginning of a longer word
  }
  at_ = end;
  return true;
}

Status TextCursor::expect(std::string_view token) {
  if (!accept(token)) {
    return error("expected '{}' before '{}'", token, text_.substr(at_, std::min<size_t>(20, text_.size() - at_)));
  }
  return {};
}

Result<std::string_view> TextCursor::word() {
  skip_space();
  const std::string_view found = take_while(is_word);
  if (found.empty()) {
    return error("expected a word before '{}'", text_.substr(at_, std::min<size_t>(20, text_.size() - at_)));
  }
  return found;
}

Result<std::string> TextCursor::name() {
  if (peek() == '"') {
    return quoted();
  }
  MEDLAR_ASSIGN(const std::string_view found, word());
  return std::string(found);
}

Result<std::string> TextCursor::reference() {
  MEDLAR_TRY(expect("%"));
  if (at_ < text_.size() && text_[at_] == '"') {
    return quoted();
  }
  const std::string_view name =
      take_while([](char c) { return is_word(c) || c == '/' || c == ':' || c == '-'; });
  if (name.empty()) {
    return error("expected a name after %");
  }
  return std::string(name);
}

Result<std::string> TextCursor::quoted() {
  MEDLAR_TRY(expect("\""));
  std::string out;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] != '\\') {
      out += text_[at_++];
      continue;
    }
    const std::string_view rest = text_.substr(at_ + 1);
    if (rest.starts_with('"') || rest.starts_with('\\')) {
      out += rest[0];
      at_ += 2;
    } else if (rest.size() >= 3 && rest[0] == 'x' && hex_digit(rest[1]) >= 0 && hex_digit(rest[2]) >= 0) {
      out += static_cast<char>(hex_digit(rest[1]) * 16 + hex_digit(rest[2]));
      at_ += 4;
    } else {
      return error("unknown escape in a string");
    }
  }
  if (at_ == text_.size()) {
    return error("a string has no end");
  }
  ++at_;
  return out;
}

Result<NumberToken> TextCursor::number() {
  skip_space();
  NumberToken token{take_while([](char c) { return is_word(c) || c == '-' || c == '+'; }), false};
  const bool open = at_ < text_.size() && text_[at_] == '(';
  if (token.text == "nan" && open) {
    const size_t start = at_ - token.text.size();
    take_while([](char c) { return c != ')' && c != '\n'; });
    at_ = std::min(at_ + 1, text_.size());
    token.text = text_.substr(start, at_ - start);
  }
  if (token.text.empty()) {
    return error("expected a number");
  }
  token.is_float = token.text.find_first_of(".en") != std::string_view::npos;
  return token;
}

Result<int64_t> TextCursor::integer() {
  MEDLAR_ASSIGN(const NumberToken token, number());
  return parsed<int64_t>(*this, token.text);
}

Result<uint64_t> TextCursor::unsigned_integer() {
  MEDLAR_ASSIGN(const NumberToken token, number());
  return parsed<uint64_t>(*this, token.text);
}

Result<float> TextCursor::float32() {
  MEDLAR_ASSIGN(const NumberToken token, number());
  return parsed_float<float, uint32_t>(*this, token.text);
}

Result<double> TextCursor::float64() {
  MEDLAR_ASSIGN(const NumberToken token, number());
  return parsed_float<double, uint64_t>(*this, token.text);
}

Result<ByteBuffer> TextCursor::hex_bytes() {
  skip_space();
  if (!text_.substr(at_).starts_with("0x")) {
    return error("expected bytes after 0x");
  }
  at_ += 2;
  const std::string_view digits = take_while([](char c) { return hex_digit(c) >= 0; });
  if (digits.size() % 2 != 0) {
    return error("an odd number of hexadecimal digits");
  }
  ByteBuffer out(digits.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<uint8_t>(hex_digit(digits[2 * i]) * 16 + hex_digit(digits[2 * i + 1]));
  }
  return out;
}

Result<uint64_t> TextCursor::hash() {
  MEDLAR_TRY(expect("#"));
  return parsed<uint64_t>(*this, take_while([](char c) { return hex_digit(c) >= 0; }), 16);
}

}  // namespace medlar::graph
