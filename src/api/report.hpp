// SPDX-License-Identifier: Apache-2.0
// The report of a profiled engine: what the page shows, gathered from plan, profile, advice and the model file.
#pragma once

#include <string>

#include "api/profile.hpp"
#include "report/report.hpp"

namespace medlar::api {

/// What is known before anything runs: the model, where its layers are placed, how they are connected.
Result<report::ReportData> placement_data(const engine::Engine& engine);

/// The page's data. Edges of the network come from the engine's model file where it is still there, unchanged.
Result<report::ReportData> report_data(const engine::Engine& engine, const Profiled& profiled);

/// Rows of `medlar accuracy --json`: every figure that has a `reference_` twin. `name` appears in errors.
Result<std::vector<report::AccuracyRow>> accuracy_rows(std::string_view json, std::string_view name);

}  // namespace medlar::api
