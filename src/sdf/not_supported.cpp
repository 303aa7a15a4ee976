// SPDX-License-Identifier: Apache-2.0
// The functions that this card does not have, or not yet. Programs resolve every name of the
// standard when they load the library, so each is there, and answers SDR_NOTSUPPORT.
#include "sdf/guard.h"

extern "C" int sdf_not_supported() { return SDR_NOTSUPPORT; }

// Each name is the function above under its own type: callers clean up their arguments on every
// machine that this library is for.
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wattribute-alias"
#define NOT_SUPPORTED(name) \
  extern "C" __attribute__((visibility("default"), alias("sdf_not_supported"))) decltype(name) name;

// Clause 6.7
NOT_SUPPORTED(SDF_CreateFile)
NOT_SUPPORTED(SDF_ReadFile)
NOT_SUPPORTED(SDF_WriteFile)
NOT_SUPPORTED(SDF_DeleteFile)

// Annex B: master keys are made by the management
NOT_SUPPORTED(SDF_GenerateEncMasterKeyPair_SM9)
