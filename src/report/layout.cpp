// SPDX-License-Identifier: Apache-2.0
#include "report/layout.hpp"

#include <algorithm>
#include <map>

namespace medlar::report {

namespace {

std::vector<int> rows_of(size_t layers, std::span<const Edge> edges) {
  std::vector<std::vector<size_t>> predecessors(layers);
  for (const Edge& edge : edges) {
    if (edge.from < edge.to && edge.to < layers) {
      predecessors[edge.to].push_back(edge.from);
    }
  }
  std::vector<int> rows(layers, 0);
  for (size_t layer = 0; layer < layers; ++layer) {
    for (const size_t from : predecessors[layer]) {
      rows[layer] = std::max(rows[layer], rows[from] + 1);
    }
  }
  return rows;
}

}  // namespace

std::vector<Place> lay_out(size_t layers, std::span<const Edge> edges) {
  const std::vector<int> rows = rows_of(layers, edges);
  std::map<int, int> width;
  for (const int row : rows) {
    ++width[row];
  }
  std::map<int, int> next;
  std::vector<Place> places;
  places.reserve(layers);
  for (const int row : rows) {
    places.push_back({.row = row, .column = next[row]++ - (width[row] - 1) / 2.0});
  }
  return places;
}

}  // namespace medlar::report
