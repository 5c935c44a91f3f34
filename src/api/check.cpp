// SPDX-License-Identifier: Apache-2.0
#include "api/check.hpp"

#include "api/inspect.hpp"
#include "api/placement_table.hpp"
#include "api/report.hpp"
#include "import/onnx_annotate.hpp"

namespace medlar::api {
namespace {

using compiler::Placement;

report::Figure counted(std::string label, std::string value) {
  return {.label = std::move(label), .value = std::move(value), .origin = report::Origin::kCounted};
}

}  // namespace

Result<engine::Engine> check(const BuildRequest& request) {
  BuildRequest assuming = request;
  assuming.assume_ranges = true;
  MEDLAR_ASSIGN(engine::Engine engine, build(assuming));
  for (compiler::Segment& segment : engine.plan.segments) {
    segment.payload = {};
  }
  return engine;
}

double dla_share(const engine::Engine& checked) {
  return count_placements(checked).dla_percent() / 100.0;
}

std::string check_to_text(const engine::Engine& checked) {
  return placement_table(checked) + "\n" + placement_totals(checked) + transition_lines(checked) + memory_lines(checked);
}

std::string check_to_json(const engine::Engine& checked) { return engine_to_json(checked); }

Result<std::string> check_to_html(const engine::Engine& checked) {
  MEDLAR_ASSIGN(report::ReportData data, placement_data(checked));
  for (size_t i = 0; i < data.layers.size(); ++i) {
    data.layers[i].modelled_ms = checked.plan.placements[i].seconds * 1e3;
    data.layers[i].dram_bytes = checked.plan.placements[i].bytes;
  }
  const compiler::MemoryUse memory = total_memory(checked);
  data.figures = {counted("MACs on the DLA", fmt::format("{:.2f} %", 100.0 * dla_share(checked))),
                  counted("segments", std::to_string(checked.plan.segments.size())),
                  counted("transitions", std::to_string(checked.plan.transitions.size())),
                  counted("weights", fmt::format("{} bytes", memory.weights)),
                  counted("inputs", fmt::format("{} bytes", memory.input)),
                  counted("intermediate tensors", fmt::format("{} bytes", memory.intermediate)),
                  counted("outputs", fmt::format("{} bytes", memory.output)),
                  counted("memory in all", fmt::format("{} bytes", memory.total()))};
  return report::render_html(data);
}

Result<ByteBuffer> annotate(const BuildRequest& request, const engine::Engine& checked) {
  std::map<std::string, import::NodeNote> notes;
  for (const Placement& row : checked.plan.placements) {
    import::NodeNote& note = notes[row.node];
    note.metadata = {{"medlar.device", checked.device}, {"medlar.engine", engine_label(row)}};
    note.text = engine_label(row);
    if (!row.precision.empty()) {
      note.metadata["medlar.precision"] = row.precision;
      note.text += " " + row.precision;
    }
    if (!row.reason.empty()) {
      const std::string why = row.reason_code.empty() ? row.reason : row.reason_code + " " + row.reason;
      note.metadata["medlar.reason"] = why;
      note.text += ": " + why;
    }
    if (row.seconds > 0) {
      note.metadata["medlar.modelled_us"] = fmt::format("{:.2f}", row.seconds * 1e6);
      note.text += fmt::format(" ({:.2f} us modelled)", row.seconds * 1e6);
    }
  }
  return import::annotate_onnx(request.model, notes);
}

}  // namespace medlar::api
