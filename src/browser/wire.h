// The conversation with one browser over its two pipes: commands with their answers, events to whoever listens to a
// session. Invariant: every command is answered once, at the latest at its deadline or when the browser is gone.
// The browser thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "base/timers.h"
#include "codec/cdp.h"

namespace sojourn {

class Wire {
 public:
  using Answer = Result<json::object>;
  using OnEvent = std::function<void(std::string_view method, std::string_view params)>;
  static constexpr std::int64_t answer_us = 30'000'000;  // of commands that say nothing else

  // Takes both descriptors, which do not block. `on_end` runs once, when the browser is gone or can't be understood, in
  // a later iteration; after that this may be destroyed.
  Wire(Loop& loop, Timers& timers, int write_fd, int read_fd, std::function<void()> on_end);
  ~Wire();
  Wire(Wire const&) = delete;
  Wire& operator=(Wire const&) = delete;

  // Sends at once; may be awaited or not. An error has the browser's words (Code::failed), or is Code::timeout, or
  // Code::crashed when the browser or that session is gone.
  Later<Answer> send(std::string const& session, std::string_view method, json::object const& params = {},
                     std::int64_t timeout_us = answer_us);
  // The same with the result as text, for those that are too large to be parsed in vain.
  Later<Result<std::string>> send_for_text(std::string const& session, std::string_view method,
                                           json::object const& params = {}, std::int64_t timeout_us = answer_us);

  // Who hears the events of a session; "" is the browser's own. Replaces an earlier one; an empty function ends it.
  void listen(std::string const& session, OnEvent on_event);
  // The session is gone: nobody listens to it, and what waits for it fails.
  void forget(std::string const& session);
  bool has_ended() const { return has_ended_; }

 private:
  static constexpr std::size_t text_bytes_max = std::size_t{256} * 1024 * 1024;
  struct Waiting {
    std::string session;
    std::string method;
    TimerId timer = 0;
    Later<Result<std::string>> text;
    Later<Answer> answer;
    bool wants_text = false;

    void give(Result<std::string_view> result) const;
  };

  Waiting& begin(std::string const& session, std::string_view method, json::object const& params,
                 std::int64_t timeout_us);
  void give_up(std::int64_t id);
  void fail(std::int64_t id, Error const& why);
  void flush();
  void on_readable();
  void receive(std::string_view text);
  void end();

  Loop& loop_;
  Timers& timers_;
  std::function<void()> on_end_;
  cdp::Framer framer_{text_bytes_max};
  std::string out_;
  std::int64_t last_id_ = 0;
  std::unordered_map<std::int64_t, Waiting> waiting_;
  std::unordered_map<std::string, OnEvent> listeners_;
  bool has_ended_ = false;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  Watch write_;
  Watch read_;
};

}  // namespace sojourn
