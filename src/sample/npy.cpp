// SPDX-License-Identifier: Apache-2.0
// Format: "A Simple File Format for NumPy Arrays" (NEP 1).
#include "sample/npy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/checked.hpp"

namespace medlar::sample {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Descr {
  std::string_view text;
  graph::DataType type;
};
constexpr std::array kDescrs{
    Descr{"<f4", graph::DataType::kFloat32}, Descr{"<f2", graph::DataType::kFloat16}, Descr{"<f8", graph::DataType::kFloat64},
    Descr{"|i1", graph::DataType::kInt8},    Descr{"|u1", graph::DataType::kUint8},   Descr{"<i2", graph::DataType::kInt16},
    Descr{"<u2", graph::DataType::kUint16},  Descr{"<i4", graph::DataType::kInt32},   Descr{"<u4", graph::DataType::kUint32},
    Descr{"<i8", graph::DataType::kInt64},   Descr{"<u8", graph::DataType::kUint64},  Descr{"|b1", graph::DataType::kBool}};

/// The text between the quotes or brackets that follow `'key':` in the header's dictionary.
std::optional<std::string_view> entry(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}':", key);
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = header.substr(at + quoted.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const char open = rest.empty() ? '\0' : rest.front();
  if (open == '\'' || open == '(') {
    const size_t close = rest.find(open == '(' ? ')' : '\'', 1);
    return close == std::string_view::npos ? std::nullopt : std::optional(rest.substr(1, close - 1));
  }
  return rest.substr(0, rest.find_first_of(",}"));
}

Result<graph::Shape> parse_shape(std::string_view text, std::string_view name) {
  graph::Shape shape;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty()) {
      continue;
    }
    int64_t dimension = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), dimension);
    if (error != std::errc() || dimension < 0 || end == item.data()) {
      return fail(Code::kCorrupt, "{}: bad dimension \"{}\" in the .npy header", name, item);
    }
    shape.push_back(dimension);
  }
  return shape;
}

Result<graph::DataType> parse_descr(std::string_view text, std::string_view name) {
  for (const Descr& descr : kDescrs) {
    if (descr.text == text) {
      return descr.type;
    }
  }
  return fail(Code::kUnsupported, "{}: element type '{}' (little-endian numeric types and bool are read)", name, text);
}

Result<std::string_view> read_header(ByteReader& reader, std::string_view name) {
  MEDLAR_ASSIGN(const ByteView magic, reader.take(kMagic.size()));
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic) {
    return fail(Code::kCorrupt, "{}: not a .npy file (no NUMPY magic)", name);
  }
  MEDLAR_ASSIGN(const auto major, reader.read<uint8_t>());
  MEDLAR_ASSIGN([[maybe_unused]] const auto minor, reader.read<uint8_t>());
  uint32_t length = 0;
  if (major == 1) {
    MEDLAR_ASSIGN(length, reader.read<uint16_t>());
  } else if (major <= 3) {
    MEDLAR_ASSIGN(length, reader.read<uint32_t>());
  } else {
    return fail(Code::kVersionMismatch, "{}: .npy version {}, 1 to 3 are read", name, major);
  }
  MEDLAR_ASSIGN(const ByteView header, reader.take(length));
  return std::string_view(reinterpret_cast<const char*>(header.data()), header.size());
}

}  // namespace

Result<graph::Tensor> parse_npy(ByteView bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  MEDLAR_ASSIGN(const std::string_view header, read_header(reader, name));
  const auto descr = entry(header, "descr");
  const auto order = entry(header, "fortran_order");
  const auto dimensions = entry(header, "shape");
  if (!descr || !order || !dimensions) {
    return fail(Code::kCorrupt, "{}: the .npy header lacks descr, fortran_order or shape", name);
  }
  if (order->find("True") != std::string_view::npos) {
    return fail(Code::kUnsupported, "{}: Fortran order (save it with numpy.ascontiguousarray)", name);
  }
  graph::Tensor tensor;
  MEDLAR_ASSIGN(tensor.type, parse_descr(*descr, name));
  MEDLAR_ASSIGN(tensor.shape, parse_shape(*dimensions, name));
  const auto count = graph::element_count(tensor.shape);
  const auto size = count ? checked_mul<int64_t>(*count, graph::element_bytes(tensor.type)) : std::nullopt;
  if (!size || static_cast<uint64_t>(*size) != reader.remaining()) {
    return fail(Code::kCorrupt, "{}: shape [{}] does not match the {} bytes of data", name, fmt::join(tensor.shape, ","),
                reader.remaining());
  }
  MEDLAR_ASSIGN(const ByteView data, reader.take(reader.remaining()));
  tensor.bytes.assign(data.begin(), data.end());
  return tensor;
}

Result<ByteBuffer> npy_bytes(const graph::Tensor& tensor) {
  std::string_view descr;
  for (const Descr& known : kDescrs) {
    descr = known.type == tensor.type ? known.text : descr;
  }
  if (descr.empty()) {
    return fail(Code::kUnsupported, "{} has no NumPy element type", graph::data_type_name(tensor.type));
  }
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                   fmt::join(tensor.shape, ", "), tensor.shape.size() == 1 ? "," : "");
  const size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append(round_up<size_t>(unpadded, 64) - unpadded, ' ').push_back('\n');
  const std::array<char, 4> version_and_size{1, 0, static_cast<char>(header.size()), static_cast<char>(header.size() >> 8)};
  header.insert(0, version_and_size.data(), version_and_size.size()).insert(0, kMagic);
  ByteBuffer bytes(header.size() + tensor.bytes.size());
  std::copy(header.begin(), header.end(), bytes.begin());
  std::copy(tensor.bytes.begin(), tensor.bytes.end(), bytes.begin() + static_cast<ptrdiff_t>(header.size()));
  return bytes;
}

std::string file_name_of_tensor(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    c = kept ? c : '_';
  }
  return result;
}

}  // namespace medlar::sample
