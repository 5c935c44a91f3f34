// SPDX-License-Identifier: Apache-2.0
// Rewrite rules on text: every file of tests/compiler/text holds a rule's name, a graph, and what the rules make of it,
// apart by lines of "---". Run with MEDLAR_BLESS=1 to write the results anew.
//
//   rule simplify [int8] | layers CONFIG PRECISION | fused CONFIG PRECISION
//   ---
//   graph in its text form
//   ---
//   result: a graph, or layers one a line
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include <gtest/gtest.h>

#include "compiler/fuse/fuse.hpp"
#include "compiler/legalise/legalise.hpp"
#include "compiler/simplify/simplify.hpp"
#include "graph/text.hpp"
#include "support/test_data.hpp"

namespace medlar::compiler::test {
namespace {

std::filesystem::path text_dir() { return medlar::test::source_dir() / "tests/compiler/text"; }

std::vector<std::string> text_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(text_dir())) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct RuleText {
  std::string rule, input, output;
};

RuleText read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  const std::string bar = "\n---\n";
  const size_t first = text.find(bar);
  const size_t second = text.find(bar, first + bar.size());
  RuleText result{.rule = text.substr(0, first), .input = text.substr(first + bar.size(), second - first - bar.size()) + "\n",
                  .output = second == std::string::npos ? "" : text.substr(second + bar.size())};
  return result;
}

/// The layers of the whole graph, as one segment.
Result<std::string> layers_of(const graph::Graph& graph, const std::string& config_name, const std::string& precision_name, bool fused) {
  MEDLAR_ASSIGN(const hw::HwConfig* config, hw::find_config(config_name));
  const hw::Precision precision = precision_name == "fp16" ? hw::Precision::kFp16 : hw::Precision::kInt8;
  const Question question{.graph = graph, .config = *config, .precision = precision};
  for (const graph::Node& node : graph.nodes) {
    if (const Verdict verdict = check_node(question, node)) {
      return fmt::format("{}: {} {}\n", node.name, reason_text(verdict->reason).code, verdict->message());
    }
  }
  std::vector<graph::NodeId> nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0);
  MEDLAR_ASSIGN(LayerGraph layers, lower_segment(question, nodes, graph.outputs));
  if (fused) {
    fuse(layers, {.config = *config, .precision = precision});
  }
  return to_text(layers);
}

Result<std::string> apply(const RuleText& text) {
  MEDLAR_ASSIGN(graph::Graph graph, graph::parse(text.input));
  std::istringstream words(text.rule);
  std::string word, kind, config, precision;
  words >> word >> kind >> config >> precision;
  const bool int8 = precision == "int8" || (kind == "simplify" && config == "int8");
  MEDLAR_TRY(simplify(graph, int8 ? hw::Precision::kInt8 : hw::Precision::kFp16, nullptr));
  if (kind == "simplify") {
    return graph::print(graph);
  }
  return layers_of(graph, config, precision, kind == "fused");
}

class RuleTexts : public testing::TestWithParam<std::string> {};

TEST_P(RuleTexts, GiveWhatTheFileSays) {
  const std::filesystem::path path = text_dir() / (GetParam() + ".txt");
  const RuleText text = read(path);
  const auto result = apply(text);
  ASSERT_TRUE(result) << result.error().to_string();
  const char* bless = std::getenv("MEDLAR_BLESS");
  if (bless != nullptr && std::string(bless) == "1") {
    std::ofstream(path) << text.rule << "\n---\n" << text.input << "---\n" << *result;
    return;
  }
  EXPECT_EQ(*result, text.output);
}

INSTANTIATE_TEST_SUITE_P(All, RuleTexts, testing::ValuesIn(text_files()),
                         [](const testing::TestParamInfo<std::string>& file) { return file.param; });

}  // namespace
}  // namespace medlar::compiler::test
