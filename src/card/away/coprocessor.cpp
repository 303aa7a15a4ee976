// SPDX-License-Identifier: Apache-2.0
#include "card/away/coprocessor.h"

#include <pthread.h>

#include <new>

namespace cipherdeck::card::away {
namespace {

Result<void> perform(const Operation& operation, RandomSource& random) noexcept {
  if (operation.cancelled.load()) return {};
  try {
    return operation.perform(random);
  } catch (const std::bad_alloc&) {
    return Error::no_memory;
  } catch (...) {
    return Error::internal;
  }
}

}  // namespace

Coprocessor::Coprocessor(const std::string& name, RandomSource& random)
    : m_random(random), m_thread([this] { loop(); }) {
  pthread_setname_np(m_thread.native_handle(), name.c_str());
}

Coprocessor::~Coprocessor() {
  std::deque<std::shared_ptr<Operation>> waiting;
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
    waiting.swap(m_waiting);
  }
  m_changed.notify_all();
  for (const auto& operation : waiting) operation->sender->post({operation, Error::internal});
  m_thread.join();
}

void Coprocessor::submit(std::shared_ptr<Operation> operation) {
  {
    const std::lock_guard lock(m_mutex);
    m_waiting.push_back(std::move(operation));
  }
  m_changed.notify_all();
}

// Waits for the next operation; null: there will be none.
std::shared_ptr<Operation> Coprocessor::next() {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [this] { return m_stopping || !m_waiting.empty(); });
  if (m_waiting.empty()) return nullptr;
  auto operation = std::move(m_waiting.front());
  m_waiting.pop_front();
  return operation;
}

void Coprocessor::loop() {
  while (const auto operation = next()) {
    const Result<void> result = perform(*operation, m_random);
    operation->sender->post({operation, result});
  }
}

}  // namespace cipherdeck::card::away
