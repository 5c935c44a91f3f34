// SPDX-License-Identifier: Apache-2.0
#include "profile/advisor.hpp"

#include <nlohmann/json.hpp>

namespace medlar::profile {

std::string advice_to_text(const Advice& advice) {
  std::string text = "Advice (modelled)\n";
  if (advice.findings.empty()) {
    text += "  nothing found that would make it faster\n";
  }
  for (size_t i = 0; i < advice.findings.size(); ++i) {
    const Finding& f = advice.findings[i];
    text += fmt::format("  {}. {}\n     evidence: {}\n     cure:     {}\n     gain:     {}\n", i + 1,
                        f.finding, f.evidence, f.cure, f.gain);
  }
  text += "Which engine\n";
  for (const Recommendation& r : advice.recommendations) {
    text += fmt::format("  for {:<11} {:<18} {}\n", r.goal + ":", r.engine, r.why);
  }
  return text;
}

std::string advice_to_json(const Advice& advice) {
  using Json = nlohmann::ordered_json;
  Json findings = Json::array(), recommendations = Json::array();
  for (const Finding& f : advice.findings) {
    findings.push_back({{"id", f.id},
                        {"finding", f.finding},
                        {"evidence", f.evidence},
                        {"cure", f.cure},
                        {"gain_ms", f.gain_ms},
                        {"gain", f.gain}});
  }
  for (const Recommendation& r : advice.recommendations) {
    recommendations.push_back({{"goal", r.goal}, {"engine", r.engine}, {"why", r.why}});
  }
  return Json{{"label", "modelled"},
              {"findings", std::move(findings)},
              {"recommendations", std::move(recommendations)}}
             .dump(2) +
         "\n";
}

}  // namespace medlar::profile
