// SPDX-License-Identifier: Apache-2.0
// Parts of CUDA's runtime that helper classes mention and a simulated device does not have: every call
// returns cudaErrorNotSupported. Included by cuda_runtime_api.h.
#pragma once

struct CUgraph_st;
struct CUgraphExec_st;
struct CUgraphNode_st;
using cudaGraph_t = CUgraph_st*;
using cudaGraphExec_t = CUgraphExec_st*;
using cudaGraphNode_t = CUgraphNode_st*;
enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal,
  cudaStreamCaptureModeThreadLocal,
  cudaStreamCaptureModeRelaxed
};
enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone,
  cudaStreamCaptureStatusActive,
  cudaStreamCaptureStatusInvalidated
};

namespace medlar::compat {
inline cudaError_t not_supported() {
  return Process::instance().last = cudaErrorNotSupported;
}
}  // namespace medlar::compat

inline cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  return medlar::compat::not_supported();
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = nullptr;
  return medlar::compat::not_supported();
}
inline cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, cudaGraphNode_t*, char*,
                                        std::size_t) {
  *executable = nullptr;
  return medlar::compat::not_supported();
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return cudaGraphInstantiate(executable, graph, nullptr, nullptr, 0);
}
enum cudaLimit { cudaLimitStackSize, cudaLimitPrintfFifoSize, cudaLimitMallocHeapSize };
/// No code of CUDA's runs on the device: its stacks and heaps hold nothing.
inline cudaError_t cudaDeviceGetLimit(std::size_t* value, cudaLimit) {
  *value = 0;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSetLimit(cudaLimit, std::size_t) {
  return medlar::compat::not_supported();
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) {
  return medlar::compat::not_supported();
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t) {
  return medlar::compat::not_supported();
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) {
  return medlar::compat::not_supported();
}
