// SPDX-License-Identifier: Apache-2.0
// Error records as sentences, for the log and for medlar_query_error.message.
#pragma once

#include "uapi/medlar_uapi.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::driver {

/// "BDMA" .. "RUBIK", or "task" for -1.
std::string_view op_type_name(int op_type);
/// What user space calls the operations of a task, by their index; may be null.
using LayerNames = std::shared_ptr<const std::vector<std::string>>;
/// The record as a sentence that names engine, layer, address and access; `detail` (what the chip said) ends
/// it.
std::string error_text(const medlar_query_error& record, std::string_view detail, const LayerNames& layers);
/// Writes the record's message from its fields; `detail` (what the chip said) ends it.
void compose_message(medlar_query_error& record, std::string_view detail = {});

}  // namespace medlar::driver
