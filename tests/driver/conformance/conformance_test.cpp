// SPDX-License-Identifier: Apache-2.0
// Every case on every port, but for exclusions, each with its reason.
#include "driver/conformance/port.hpp"

#include <algorithm>
#include <ostream>
#include <string_view>

namespace medlar::driver::test {
namespace {

struct Exclusion {
  std::string_view port;  ///< Ports whose name begins so.
  std::string_view case_name;
  std::string_view reason;
};

constexpr Exclusion kExclusions[] = {
    {"fake", "cma_exhausted", "the bare core has no allocator below it"},
    {"fake", "cma_fragmented", "the bare core has no allocator below it"},
    {"fake", "smmu_translation_fault", "the chip without arithmetic does not access memory"},
    {"fake", "permission_fault", "the chip without arithmetic does not access memory"},
    {"fake", "descriptor_closed_early", "the bare core knows no descriptors"},
    {"fake", "out_of_sram", "the bare core has no allocator below it"},
};

const Exclusion* exclusion_of(const PortEntry& port, const ConformanceCase& c) {
  const auto found = std::ranges::find_if(kExclusions, [&](const Exclusion& e) {
    return std::string_view(port.name).starts_with(e.port) && e.case_name == c.name;
  });
  return found == std::end(kExclusions) ? nullptr : found;
}

std::vector<ConformanceCase> all_cases() {
  std::vector<ConformanceCase> cases = scheduling_cases();
  cases.insert(cases.end(), fault_cases().begin(), fault_cases().end());
  return cases;
}

struct Pair {
  PortEntry port;
  ConformanceCase test;
};

void PrintTo(const Pair& pair, std::ostream* out) {
  *out << pair.test.name << " on " << pair.port.name;
}

std::vector<Pair> pairs() {
  std::vector<Pair> result;
  for (const PortEntry& port : ports()) {
    for (const ConformanceCase& c : all_cases()) {
      if (exclusion_of(port, c) == nullptr) {
        result.push_back({port, c});
      }
    }
  }
  return result;
}

class Conformance : public testing::TestWithParam<Pair> {};

TEST_P(Conformance, Holds) {
  const std::unique_ptr<Port> port = GetParam().port.make();
  GetParam().test.run(*port);
  EXPECT_TRUE(port->infers_correctly());
  EXPECT_EQ(port->leftovers(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Ports, Conformance, testing::ValuesIn(pairs()), [](const auto& param_info) {
  return std::string(param_info.param.port.name) + "_" + param_info.param.test.name;
});

TEST(ConformanceSuite, ExclusionsNamePortsCasesAndReasons) {
  const std::vector<ConformanceCase> cases = all_cases();
  for (const Exclusion& e : kExclusions) {
    EXPECT_TRUE(std::ranges::any_of(
        ports(), [&](const PortEntry& port) { return std::string_view(port.name).starts_with(e.port); }));
    EXPECT_TRUE(std::ranges::any_of(cases, [&](const ConformanceCase& c) { return e.case_name == c.name; }))
        << e.case_name;
    EXPECT_GT(e.reason.size(), 10u);
  }
}

}  // namespace
}  // namespace medlar::driver::test
