// SPDX-License-Identifier: Apache-2.0
// Which symbols libmedlar shows.
#pragma once

#define MEDLAR_API __attribute__((visibility("default")))
