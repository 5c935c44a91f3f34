// SPDX-License-Identifier: Apache-2.0
// TensorRT's enumerations of layers and what they compute.
#pragma once

#include <cstdint>

namespace nvinfer1 {

enum class LayerType : int32_t {
  kCONVOLUTION,
  kCAST,
  kFULLY_CONNECTED = 1,
  kACTIVATION = 2,
  kPOOLING,
  kLRN,
  kSCALE,
  kSOFTMAX,
  kDECONVOLUTION,
  kCONCATENATION,
  kELEMENTWISE,
  kPLUGIN,
  kUNARY,
  kPADDING,
  kSHUFFLE,
  kREDUCE,
  kTOPK,
  kGATHER,
  kMATRIX_MULTIPLY,
  kRAGGED_SOFTMAX,
  kCONSTANT,
  kIDENTITY,
  kPLUGIN_V2,
  kSLICE,
  kSHAPE,
  kPARAMETRIC_RELU,
  kRESIZE,
  kTRIP_LIMIT,
  kRECURRENCE,
  kITERATOR,
  kLOOP_OUTPUT,
  kSELECT,
  kFILL,
  kQUANTIZE,
  kDEQUANTIZE,
  kCONDITION,
  kCONDITIONAL_INPUT,
  kCONDITIONAL_OUTPUT,
  kSCATTER,
  kEINSUM,
  kASSERTION,
  kONE_HOT,
  kNON_ZERO,
  kGRID_SAMPLE,
  kNMS,
  kREVERSE_SEQUENCE,
  kNORMALIZATION,
  kPLUGIN_V3,
  kSQUEEZE,
  kUNSQUEEZE,
  kCUMULATIVE,
  kDYNAMIC_QUANTIZE,
  kOTHER = 1000
};
enum class ActivationType : int32_t {
  kRELU,
  kSIGMOID,
  kTANH,
  kLEAKY_RELU,
  kELU,
  kSELU,
  kSOFTSIGN,
  kSOFTPLUS,
  kCLIP,
  kHARD_SIGMOID,
  kSCALED_TANH,
  kTHRESHOLDED_RELU,
  kGELU_ERF,
  kGELU_TANH
};
enum class PoolingType : int32_t { kMAX, kAVERAGE, kMAX_AVERAGE_BLEND };
enum class ElementWiseOperation : int32_t {
  kSUM,
  kPROD,
  kMAX,
  kMIN,
  kSUB,
  kDIV,
  kPOW,
  kFLOOR_DIV,
  kAND,
  kOR,
  kXOR,
  kEQUAL,
  kGREATER,
  kLESS
};
enum class UnaryOperation : int32_t {
  kEXP,
  kLOG,
  kSQRT,
  kRECIP,
  kABS,
  kNEG,
  kSIN,
  kCOS,
  kTAN,
  kSINH,
  kCOSH,
  kASIN,
  kACOS,
  kATAN,
  kASINH,
  kACOSH,
  kATANH,
  kCEIL,
  kFLOOR,
  kERF,
  kNOT,
  kSIGN,
  kROUND,
  kISINF,
  kISNAN
};
enum class ReduceOperation : int32_t { kSUM, kPROD, kMAX, kMIN, kAVG };
enum class MatrixOperation : int32_t { kNONE, kTRANSPOSE, kVECTOR };
enum class ScaleMode : int32_t { kUNIFORM, kCHANNEL, kELEMENTWISE };
enum class PaddingMode : int32_t { kEXPLICIT_ROUND_DOWN, kEXPLICIT_ROUND_UP, kSAME_UPPER, kSAME_LOWER };
enum class InterpolationMode : int32_t { kNEAREST, kLINEAR, kCUBIC };
using ResizeMode = InterpolationMode;
enum class ResizeCoordinateTransformation : int32_t { kALIGN_CORNERS, kASYMMETRIC, kHALF_PIXEL };
enum class ResizeRoundMode : int32_t { kHALF_UP, kHALF_DOWN, kFLOOR, kCEIL };
enum class TopKOperation : int32_t { kMAX, kMIN };
enum class SampleMode : int32_t { kSTRICT_BOUNDS, kDEFAULT = kSTRICT_BOUNDS, kWRAP, kCLAMP, kFILL, kREFLECT };
using SliceMode = SampleMode;
enum class GatherMode : int32_t { kDEFAULT, kELEMENT, kND };
enum class ScatterMode : int32_t { kELEMENT, kND };
enum class FillOperation : int32_t { kLINSPACE, kRANDOM_UNIFORM, kRANDOM_NORMAL };
enum class CumulativeOperation : int32_t { kSUM };
enum class BoundingBoxFormat : int32_t { kCORNER_PAIRS, kCENTER_SIZES };

}  // namespace nvinfer1
