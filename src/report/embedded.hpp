// SPDX-License-Identifier: Apache-2.0
// Files that the build puts into the program: the page, and the table and chart libraries beside it.
#pragma once

#include <string_view>

namespace medlar::report {

std::string_view embedded_page();
std::string_view embedded_page_css();
std::string_view embedded_page_js();
std::string_view embedded_jquery();
std::string_view embedded_datatables();
std::string_view embedded_plotly();

}  // namespace medlar::report
