// SPDX-License-Identifier: Apache-2.0
// The references that the model is held to, and the page that shows them.
#include "base/files.hpp"
#include "profile/reference_tables.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace medlar::profile {
namespace {

TEST(Accuracy, RtlRunsThatShip) {
  const auto table = rtl_table({});
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_GE(table->rows.size(), 180u);
  EXPECT_LT(table->median_error(), 0.05);
  for (const AccuracyRow& row : table->rows) {
    EXPECT_LT(std::abs(row.error()), 0.15)
        << row.name << ' ' << row.setting << ": RTL " << row.reference << ", model " << row.modelled;
  }
}

TEST(Accuracy, MissingDataIsNamed) {
  const auto table = rtl_table("/nonexistent");
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().to_string().find("rtl_cycles.tsv"), std::string::npos);
}

TEST(Accuracy, PrimerSpeedAndPower) {
  for (const AccuracyTable& table : {primer_speed_table(), primer_power_table()}) {
    ASSERT_EQ(table.rows.size(), 7u);
    for (const AccuracyRow& row : table.rows) {
      EXPECT_LT(std::abs(row.error()), 0.17) << table.id << ' ' << row.name;
    }
  }
}

TEST(Accuracy, TwelveUtilisationsWithin25Percent) {
  const AccuracyTable table = utilisation_table();
  ASSERT_EQ(table.rows.size(), 12u);
  for (const AccuracyRow& row : table.rows) {
    EXPECT_LT(std::abs(row.error()), 0.25) << row.name << ' ' << row.setting;
  }
}

TEST(Accuracy, TheDescribedDevice) {
  const AccuracyTable latency = seed_latency_table();
  ASSERT_EQ(latency.rows.size(), 7u);
  EXPECT_EQ(latency.out_of_band(), 0u) << to_text(latency);
  const AccuracyTable power = seed_power_table();
  EXPECT_LT(power.worst_error(), 0.15) << to_text(power);
  const AccuracyTable claims = seed_claims_table();
  EXPECT_EQ(claims.out_of_band(), 0u) << to_text(claims);
}

TEST(Accuracy, ThePageIsUpToDate) {
  const auto page = accuracy_page();
  ASSERT_TRUE(page) << page.error().to_string();
  const auto file = read_text_file(MEDLAR_ACCURACY_PAGE);
  ASSERT_TRUE(file) << file.error().to_string();
  EXPECT_EQ(*file, *page) << "run: medlar accuracy timing --markdown > docs/accuracy.md";
}

}  // namespace
}  // namespace medlar::profile
