// SPDX-License-Identifier: Apache-2.0
#include "import/input_shapes.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "import/onnx_import.hpp"

#include <fmt/ranges.h>

namespace medlar::import {
namespace {

std::string shape_flag(const std::string& name, const graph::Shape& shape) {
  std::string out = name + ":";
  for (size_t i = 0; i < shape.size(); ++i) {
    out += (i > 0 ? "x" : "") + (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  }
  return out;
}

/// Symbols seen with their sizes; one seen with two sizes is worthless.
class SymbolTable {
 public:
  void bind(const std::string& symbol, int64_t size) {
    if (symbol.empty() || symbol == "?" || ambiguous_.contains(symbol)) {
      return;
    }
    const auto [at, inserted] = known_.emplace(symbol, size);
    if (!inserted && at->second != size) {
      known_.erase(at);
      ambiguous_.insert(symbol);
    }
  }
  int64_t find(const std::string& symbol) const {
    const auto found = known_.find(symbol);
    return found == known_.end() ? graph::kUnknownDim : found->second;
  }
  Symbols take() { return std::move(known_); }

 private:
  Symbols known_;
  std::set<std::string> ambiguous_;
};

Status check_names(const std::vector<FileInput>& inputs, const std::map<std::string, graph::Shape>& named) {
  std::vector<std::string> names;
  for (const FileInput& input : inputs) {
    names.push_back(input.name);
  }
  for (const auto& [name, shape] : named) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(Code::kInvalidArgument, "--shapes names {}, which is not an input; the inputs are: {}", name,
                  fmt::join(names, ", "));
    }
  }
  return {};
}

Status check_named(const FileInput& input, const graph::Shape& shape) {
  if (input.has_shape && shape.size() != input.dims.size()) {
    return fail(Code::kInvalidArgument, "--shapes gives input {} {} dimensions, the model has {}", input.name,
                shape.size(), input.dims.size());
  }
  for (size_t i = 0; i < input.dims.size(); ++i) {
    const int64_t fixed = input.dims[i].size;
    if (fixed >= 0 && fixed != shape[i]) {
      return fail(Code::kInvalidArgument, "--shapes gives dimension {} of input {} as {}, the model fixes it to {}", i,
                  input.name, shape[i], fixed);
    }
  }
  return {};
}

/// What the file and the symbols say; open dimensions stay kUnknownDim.
graph::Shape file_shape(const FileInput& input, const SymbolTable& symbols) {
  graph::Shape shape;
  for (const FileDim& dim : input.dims) {
    shape.push_back(dim.size >= 0 ? dim.size : symbols.find(dim.symbol));
  }
  return shape;
}

Status open_dimension_error(const FileInput& input, const graph::Shape& shape, const std::string& flags) {
  if (!input.has_shape) {
    return fail(Code::kInvalidArgument, "input {} has no shape in the model; give it with --shapes {}:1x3x224x224",
                input.name, input.name);
  }
  const auto open = static_cast<size_t>(std::find(shape.begin(), shape.end(), graph::kUnknownDim) - shape.begin());
  const std::string symbol = input.dims[open].symbol;
  return fail(Code::kInvalidArgument, "dimension {}{} of input {} is open; give its size with --shapes {}", open,
              symbol.empty() ? "" : " ('" + symbol + "')", input.name, flags);
}

void default_batch(const FileInput& input, graph::Shape& shape, ResolvedInputs& out, SymbolTable& symbols) {
  if (shape.empty() || shape[0] != graph::kUnknownDim) {
    return;
  }
  shape[0] = 1;
  symbols.bind(input.dims[0].symbol, 1);
  out.notices.push_back(fmt::format("input {}: its batch is open and becomes 1 (--shapes {} sets another)", input.name,
                                    shape_flag(input.name, shape)));
}

}  // namespace

Result<ResolvedInputs> resolve_input_shapes(const std::vector<FileInput>& inputs,
                                            const std::map<std::string, graph::Shape>& named, bool keep_open) {
  MEDLAR_TRY(check_names(inputs, named));
  SymbolTable symbols;
  for (const FileInput& input : inputs) {
    const auto given = named.find(input.name);
    if (given == named.end()) {
      continue;
    }
    MEDLAR_TRY(check_named(input, given->second));
    for (size_t i = 0; i < input.dims.size(); ++i) {
      symbols.bind(input.dims[i].size < 0 ? input.dims[i].symbol : "", given->second[i]);
    }
  }
  ResolvedInputs out;
  std::string flags;
  const FileInput* open = nullptr;
  graph::Shape open_shape;
  for (const FileInput& input : inputs) {
    const auto given = named.find(input.name);
    graph::Shape shape = given == named.end() ? file_shape(input, symbols) : given->second;
    if (!keep_open) {
      default_batch(input, shape, out, symbols);
    }
    const bool is_open = !keep_open && (!input.has_shape || std::find(shape.begin(), shape.end(), graph::kUnknownDim) != shape.end());
    if (given == named.end() && is_open) {
      flags += (flags.empty() ? "" : ",") + shape_flag(input.name, shape);
      open_shape = open == nullptr ? shape : open_shape;
      open = open == nullptr ? &input : open;
    }
    out.shapes.push_back(std::move(shape));
  }
  if (open != nullptr) {
    MEDLAR_TRY(open_dimension_error(*open, open_shape, flags));
  }
  out.symbols = symbols.take();
  return out;
}

Result<std::map<std::string, graph::Shape>> parse_shapes(std::string_view text) {
  std::map<std::string, graph::Shape> out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t colon = item.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
      return fail(Code::kInvalidArgument, "--shapes: '{}' is not of the form name:1x3x224x224", item);
    }
    graph::Shape shape;
    std::string_view dims = item.substr(colon + 1);
    for (bool more = true; more;) {
      const std::string_view dim = dims.substr(0, dims.find('x'));
      more = dim.size() < dims.size();
      int64_t size = 0;
      const auto end = std::from_chars(dim.data(), dim.data() + dim.size(), size);
      if (dim.empty() || end.ec != std::errc{} || end.ptr != dim.data() + dim.size() || size < 1) {
        return fail(Code::kInvalidArgument, "--shapes: dimension '{}' of '{}' must be a number of at least 1", dim,
                    item);
      }
      shape.push_back(size);
      dims.remove_prefix(std::min(dims.size(), dim.size() + 1));
    }
    if (!out.emplace(item.substr(0, colon), std::move(shape)).second) {
      return fail(Code::kInvalidArgument, "--shapes names {} twice", item.substr(0, colon));
    }
  }
  return out;
}

}  // namespace medlar::import
