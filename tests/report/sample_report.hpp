// SPDX-License-Identifier: Apache-2.0
// A report with every section, and with names that try to leave the page's script.
#pragma once

#include "report/report.hpp"

namespace medlar::report {

inline constexpr const char* kHostileName = "</script><img src=x onerror=\"document.title='broken'\">";

ReportData sample_report();

}  // namespace medlar::report
