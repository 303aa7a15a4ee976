// SPDX-License-Identifier: Apache-2.0
#include "device/registers/function_registers.h"

#include <array>

namespace cipherdeck::device::registers {
namespace {

constexpr std::uint32_t kAll = 0xffffffff;
constexpr std::uint32_t kPages = 0xfffff000;
constexpr std::uint32_t kLimits = CIPHERDECK_MAX_QUEUE_PAIRS | (CIPHERDECK_MAX_ENTRIES_LOG2 << 16) |
                                  (CIPHERDECK_MAX_ARENA_LOG2 << 24);

// FEATURES, FUNCTION, GENERATION, STATUS and ERROR are filled in by the function. CONTROL.RESET and
// KICK act and hold nothing.
constexpr std::array kSpecs = {
    RegisterSpec{CIPHERDECK_REG_MAGIC, 4, CIPHERDECK_MAGIC},
    RegisterSpec{CIPHERDECK_REG_VERSION, 4, CIPHERDECK_VERSION},
    RegisterSpec{CIPHERDECK_REG_FEATURES_LO, 4},
    RegisterSpec{CIPHERDECK_REG_FEATURES_HI, 4},
    RegisterSpec{CIPHERDECK_REG_LIMITS, 4, kLimits},
    RegisterSpec{CIPHERDECK_REG_VECTORS, 4, CIPHERDECK_MAX_VECTORS},
    RegisterSpec{CIPHERDECK_REG_FUNCTION, 4},
    RegisterSpec{CIPHERDECK_REG_GENERATION, 4},
    RegisterSpec{CIPHERDECK_REG_CONTROL, 4, 0, CIPHERDECK_CONTROL_ENABLE},
    RegisterSpec{CIPHERDECK_REG_STATUS, 4},
    RegisterSpec{CIPHERDECK_REG_ERROR, 4},
    RegisterSpec{CIPHERDECK_REG_KICK, 4},
    RegisterSpec{CIPHERDECK_REG_ADMIN_SQ_LO, 4, 0, kPages},
    RegisterSpec{CIPHERDECK_REG_ADMIN_SQ_HI, 4, 0, kAll},
    RegisterSpec{CIPHERDECK_REG_ADMIN_CQ_LO, 4, 0, kPages},
    RegisterSpec{CIPHERDECK_REG_ADMIN_CQ_HI, 4, 0, kAll},
    RegisterSpec{CIPHERDECK_REG_ADMIN_ARENA_LO, 4, 0, kPages},
    RegisterSpec{CIPHERDECK_REG_ADMIN_ARENA_HI, 4, 0, kAll},
    RegisterSpec{CIPHERDECK_REG_ADMIN_ARENA_LEN, 4, 0, kPages},
    RegisterSpec{CIPHERDECK_REG_ADMIN_ENTRIES, 4, 0, kAll},
    RegisterSpec{CIPHERDECK_REG_MODERATION, 4, 0, kModerationMask},
};

}  // namespace

const RegisterLayout& function_layout() {
  static const RegisterLayout layout(CIPHERDECK_REG_END, kSpecs);
  return layout;
}

}  // namespace cipherdeck::device::registers
