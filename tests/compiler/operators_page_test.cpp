// SPDX-License-Identifier: Apache-2.0
// docs/operators.md is what the rules say; MEDLAR_BLESS=1 writes it anew. Every operator of the table is in the matrix.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "compiler/legalise/legalise.hpp"
#include "compiler/operators.hpp"
#include "support/test_data.hpp"

namespace medlar::compiler::test {
namespace {

constexpr std::string_view kHead = R"(# Operators

What the compiler does with each ONNX operator: `native` (one operation of the chip, or none), `composed` (several), or the
host with its reason. `medlar ops --device D` prints this for any device, `medlar check` for every node of a model. The page is
generated from the compiler's own rules (`MEDLAR_BLESS=1 build/release/tests/compiler/compiler_front_test
--gtest_filter=OperatorsPage.*`); a test fails when the two differ.

Operators that are not listed run on the host (MDL2001), and so do nodes beyond the conditions, with a reason code. Tensors have
rank 2 to 4 (NxC, NxCxL, NxCxHxW), element type float32 or float16, every dimension known and at most 8192; each item of a
batch has operations of its own over one set of weights. The error of a table is the bound of min(|error|, |error| / |value|)
in FP16 over the interval, of |error| / |value| where it says relative; INT8 adds its rounding.

)";

std::string page() {
  std::vector<const hw::HwConfig*> configs;
  for (const char* name : {"nv_full", "nv_large", "nv_small"}) {
    configs.push_back(*hw::find_config(name));
  }
  return std::string(kHead) + operators_page(configs);
}

TEST(OperatorsPage, IsUpToDate) {
  const auto path = medlar::test::source_dir() / "docs/operators.md";
  const char* bless = std::getenv("MEDLAR_BLESS");
  if (bless != nullptr && std::string(bless) == "1") {
    std::ofstream(path) << page();
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), page());
}

TEST(OperatorsPage, HasEveryOperatorOfTheTable) {
  const auto matrix = operator_matrix(**hw::find_config("nv_full"));
  for (const OperatorRow& row : operator_rows()) {
    const auto found = std::find_if(matrix.begin(), matrix.end(), [&](const OperatorInfo& info) { return info.op_type == row.op_type; });
    ASSERT_NE(found, matrix.end()) << row.op_type;
    EXPECT_NE(found->grade, Grade::kHost) << row.op_type << ": " << found->reason;
    EXPECT_EQ(found->precisions.size(), 2u) << row.op_type << ": " << found->reason;
  }
}

TEST(OperatorsPage, ASmallConfigurationHasNoTables) {
  for (const OperatorInfo& info : operator_matrix(**hw::find_config("nv_small"))) {
    if (info.op_type == "Sigmoid") {
      EXPECT_EQ(info.grade, Grade::kHost);
      EXPECT_EQ(info.reason_code, "MDL2020");
    }
    EXPECT_LE(info.precisions.size(), 1u) << info.op_type;
  }
}

}  // namespace
}  // namespace medlar::compiler::test
