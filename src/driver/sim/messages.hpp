// SPDX-License-Identifier: Apache-2.0
// Error records as sentences, for the log and for medlar_query_error.message.
#pragma once

#include "uapi/medlar_uapi.h"

#include <string>
#include <string_view>

namespace medlar::driver {

/// "BDMA" .. "RUBIK", or "task" for -1.
std::string_view op_type_name(int op_type);
/// Writes the record's message from its fields; `detail` (what the chip said) ends it.
void compose_message(medlar_query_error& record, std::string_view detail = {});

}  // namespace medlar::driver
