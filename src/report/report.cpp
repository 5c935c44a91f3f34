// SPDX-License-Identifier: Apache-2.0
#include "report/report.hpp"

#include "report/embedded.hpp"
#include "report/layout.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace medlar::report {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Layer& layer) {
  return {{"name", layer.name},
          {"op_type", layer.op_type},
          {"engine", layer.engine},
          {"precision", layer.precision},
          {"reason_code", layer.reason_code},
          {"reason", layer.reason},
          {"macs", layer.macs},
          {"modelled_ms", layer.modelled_ms},
          {"dram_bytes", layer.dram_bytes},
          {"sram_bytes", layer.sram_bytes},
          {"energy_mj", layer.energy_mj},
          {"utilisation", layer.utilisation},
          {"bound", layer.bound}};
}

Json to_json(const Figure& figure) {
  return {{"label", figure.label}, {"value", figure.value}, {"origin", origin_name(figure.origin)}};
}
Json to_json(const Edge& edge) {
  return Json::array({edge.from, edge.to});
}
Json to_json(const Place& place) {
  return Json::array({place.row, place.column});
}
Json to_json(const Span& span) {
  return {{"track", span.track},
          {"name", span.name},
          {"start_us", span.start_us},
          {"duration_us", span.duration_us}};
}
Json to_json(const MemorySample& sample) {
  return {{"at_us", sample.at_us},
          {"weights", sample.weights},
          {"inputs", sample.inputs},
          {"intermediates", sample.intermediates},
          {"outputs", sample.outputs}};
}
Json to_json(const AccuracyRow& row) {
  return {{"measure", row.measure}, {"value", row.value}, {"reference", row.reference}};
}
Json to_json(const Advice& advice) {
  return {{"finding", advice.finding},
          {"evidence", advice.evidence},
          {"cure", advice.cure},
          {"gain", advice.gain}};
}

template <typename T>
Json list(const std::vector<T>& items) {
  Json json = Json::array();
  for (const T& item : items) {
    json.push_back(to_json(item));
  }
  return json;
}

Json page_data(const ReportData& data) {
  Json json = {{"model", data.model},
               {"device", data.device},
               {"device_label", data.device_label},
               {"device_note", data.device_note},
               {"precision", data.precision},
               {"figures", list(data.figures)},
               {"layers", list(data.layers)},
               {"edges", list(data.edges)},
               {"timeline", list(data.timeline)},
               {"memory", list(data.memory)},
               {"accuracy", list(data.accuracy)},
               {"advice", list(data.advice)},
               {"places", list(lay_out(data.layers.size(), data.edges))},
               {"roofline", nullptr}};
  if (data.roofline) {
    json["roofline"] = {{"macs_per_second", data.roofline->macs_per_second},
                        {"dram_bytes_per_second", data.roofline->dram_bytes_per_second}};
  }
  return json;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// JSON inside a script element: "</script>" and "<!--" must not appear, whatever the layers are called.
std::string script_json(const Json& json) {
  return replace_all(json.dump(-1, ' ', true, Json::error_handler_t::replace), "<", "\\u003c");
}

std::string escape_html(std::string text) {
  for (const auto& [from, to] : std::array<std::pair<std::string_view, std::string_view>, 3>{
           {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}}}) {
    text = replace_all(std::move(text), from, to);
  }
  return text;
}

}  // namespace

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::kBitExact:
      return "bit-exact";
    case Origin::kModelled:
      return "modelled";
    case Origin::kMeasured:
      return "measured";
    case Origin::kCounted:
      break;
  }
  return "counted";
}

std::string render_html(const ReportData& data) {
  // Pieces are put in from the left to the right, so that no piece's own text is searched for marks.
  const std::pair<std::string_view, std::string> pieces[] = {
      {"@TITLE@", escape_html(data.model + " on " + data.device)},
      {"@PAGE_CSS@", std::string(embedded_page_css())},
      {"@DATA@", script_json(page_data(data))},
      {"@JQUERY@", std::string(embedded_jquery())},
      {"@DATATABLES@", std::string(embedded_datatables())},
      {"@PLOTLY@", std::string(embedded_plotly())},
      {"@PAGE_JS@", std::string(embedded_page_js())},
  };
  std::string html;
  std::string_view rest = embedded_page();
  for (const auto& [mark, text] : pieces) {
    const size_t at = rest.find(mark);
    html += rest.substr(0, at);
    html += text;
    rest.remove_prefix(at + mark.size());
  }
  return html.append(rest);
}

}  // namespace medlar::report
