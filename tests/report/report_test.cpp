// SPDX-License-Identifier: Apache-2.0
#include "report/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/layout.hpp"
#include "report/sample_report.hpp"

namespace medlar::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Report, HostileNamesDoNotLeaveTheScript) {
  ReportData data = sample_report();
  data.model = "<b>@DATA@</b>";
  const std::string html = render_html(data);
  EXPECT_THAT(html, Not(HasSubstr(kHostileName)));
  EXPECT_THAT(html, HasSubstr("\\u003c/script>\\u003cimg src=x"));
  EXPECT_THAT(html, HasSubstr("<title>&lt;b&gt;@DATA@&lt;/b&gt; on orin-nano-8gb</title>"));
}

TEST(Report, NothingIsFetched) {
  const std::string html = render_html(sample_report());
  EXPECT_THAT(html, Not(HasSubstr("<script src")));
  EXPECT_THAT(html, Not(HasSubstr("<link rel=\"stylesheet\"")));
  EXPECT_THAT(html, Not(HasSubstr("url(\"..")));
}

TEST(Report, EqualDataGivesEqualPages) { EXPECT_EQ(render_html(sample_report()), render_html(sample_report())); }

TEST(Layout, RowsAreLongestPathsAndBranchesStandSideBySide) {
  //  0 -> 1 -> 3,  0 -> 2 -> 3,  0 -> 3
  const std::vector<Edge> edges = {{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 3}};
  const std::vector<Place> places = lay_out(4, edges);
  EXPECT_EQ(places[0].row, 0);
  EXPECT_EQ(places[1].row, 1);
  EXPECT_EQ(places[2].row, 1);
  EXPECT_EQ(places[3].row, 2);
  EXPECT_DOUBLE_EQ(places[1].column, -0.5);
  EXPECT_DOUBLE_EQ(places[2].column, 0.5);
  EXPECT_DOUBLE_EQ(places[3].column, 0.0);
}

TEST(Layout, EdgesBeyondTheLayersAreLeftOut) {
  const std::vector<Edge> edges = {{0, 9}, {1, 0}};
  EXPECT_EQ(lay_out(2, edges).size(), 2u);
}

}  // namespace
}  // namespace medlar::report
