# SPDX-License-Identifier: Apache-2.0
# The serving half of the card: sessions, commands, the scheduler, and the Card itself.
cipherdeck_library(card
  SOURCES
    away/coprocessor.cpp
    away/job.cpp
    card.cpp
    chip/chip.cpp
    chip/chip_set.cpp
    chip/job.cpp
    chip/plugin.cpp
    chip/trial.cpp
    command/agreement.cpp
    command/away_jobs.cpp
    command/basic.cpp
    command/batch.cpp
    command/chip_cipher.cpp
    command/cipher.cpp
    command/hash.cpp
    command/kek.cpp
    command/keys.cpp
    command/message_parts.cpp
    command/processor.cpp
    command/rsa.cpp
    command/shared.cpp
    command/sm2.cpp
    command/sm9.cpp
    command/table.cpp
    command/vpn.cpp
    command/zuc.cpp
    health/commands.cpp
    health/monitor.cpp
    scheduler/scheduler.cpp
    scheduler/worker.cpp
    scheduler/workers.cpp
    session/other_hash.cpp
    session/session.cpp
  TESTS
    away/coprocessor_test.cpp
    card_test.cpp
    chip/chip_test.cpp
    command/chip_cipher_test.cpp
    command/cipher_test.cpp
    command/keys_test.cpp
    health/monitor_test.cpp
    scheduler/scheduler_test.cpp
    scheduler/workers_test.cpp
    session/session_test.cpp
  USES cipherdeck_card_keys cipherdeck_engine cipherdeck_ring cipherdeck_base ${CMAKE_DL_LIBS})
target_compile_definitions(cipherdeck_card PRIVATE CIPHERDECK_VERSION_TEXT="${PROJECT_VERSION}")
if(CIPHERDECK_TESTS)
  target_link_libraries(card_test PRIVATE OpenSSL::Crypto)
  add_dependencies(card_test stand_in_chips)
  target_compile_definitions(card_test PRIVATE
    CIPHERDECK_CHIPS_DIR="${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
endif()
cipherdeck_fuzzer(submission_ring_fuzz
  SOURCES ${PROJECT_SOURCE_DIR}/tests/fuzz/submission_ring_fuzz.cpp
  USES cipherdeck_card)
