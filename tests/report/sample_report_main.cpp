// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "report/sample_report.hpp"

int main() { std::cout << medlar::report::render_html(medlar::report::sample_report()); }
