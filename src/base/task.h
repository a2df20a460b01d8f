// Task<T>: a coroutine that begins when it is awaited or started, and gives one T. Later<T>: one value that comes from
// outside, which a task can wait for. For slow things, such as a command to a browser; never on the message path.
// Whoever waits is resumed where the value is given, on that thread: all of it belongs to one thread.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace sojourn {

template <typename T> class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> waiter = std::noop_coroutine();

    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Resume {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept {
          return done.promise().waiter;
        }
        void await_resume() noexcept {}
      };
      return Resume{};
    }
    template <typename U> void return_value(U&& given) { value.emplace(std::forward<U>(given)); }
    // Expected failures are values; what is thrown is a bug, and nobody is left to catch it.
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task(Task const&) = delete;
  Task& operator=(Task const&) = delete;
  Task& operator=(Task&&) = delete;
  // A task that is waited for ends first.
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle_.promise().waiter = waiter;
    return handle_;
  }
  T await_resume() { return std::move(*handle_.promise().value); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

// Runs on its own and frees itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

template <typename T> Detached run_detached(Task<T> task, std::function<void(T)> done) {
  T value = co_await task;
  if (done) done(std::move(value));
}

}  // namespace detail

// Begins at once; `done` (may be empty) gets the value. What the task waits for has to come some time: it is how it
// ends.
template <typename T> void start(Task<T> task, std::function<void(std::type_identity_t<T>)> done = {}) {
  detail::run_detached<T>(std::move(task), std::move(done));
}

// Copies name the same value. One task waits at most. A value that nobody gives leaves its task waiting for ever, so
// whoever holds the giving end gives one in any case, a failure at the end.
template <typename T> class Later {
 public:
  // Resumes whoever waits, inside this call. The first value counts. True if this was it.
  bool give(T value) const {
    auto const state = state_;  // which may go with the task
    if (state->given) return false;
    state->given = true;
    state->value.emplace(std::move(value));
    if (auto const waiter = std::exchange(state->waiter, {})) waiter.resume();
    return true;
  }
  bool is_given() const { return state_->given; }

  bool await_ready() const noexcept { return state_->value.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept { state_->waiter = waiter; }
  T await_resume() const {
    auto const state = state_;
    T value = std::move(*state->value);
    state->value.reset();
    return value;
  }

 private:
  struct State {
    bool given = false;
    std::optional<T> value;
    std::coroutine_handle<> waiter = {};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace sojourn

// CO_TRY(auto x, awaitable of Result<T>): x is the T, or the task returns the error. CO_CHECK: the same without a
// value.
#define SOJOURN_JOIN_(a, b) a##b
#define SOJOURN_NAME_(a, b) SOJOURN_JOIN_(a, b)
#define CO_TRY_(name, declaration, ...)         \
  auto name = __VA_ARGS__;                      \
  if (!name) co_return std::move(name).error(); \
  declaration = std::move(*name)
#define CO_TRY(declaration, ...) CO_TRY_(SOJOURN_NAME_(co_try_, __LINE__), declaration, __VA_ARGS__)
#define CO_CHECK(...) \
  if (auto co_checked = __VA_ARGS__; !co_checked) co_return std::move(co_checked).error()
