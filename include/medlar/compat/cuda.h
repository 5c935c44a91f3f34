// SPDX-License-Identifier: Apache-2.0
// CUDA's driver interface is not there in C++; helper headers include this file for the runtime's types.
#pragma once

#include "medlar/compat/cuda_runtime_api.h"
