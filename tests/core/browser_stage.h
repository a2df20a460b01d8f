// The stage of the tests of browser sessions: opened, called, closed, looked at. One thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/core_stage.h"

namespace sojourn {

inline constexpr auto of_browser = SessionKind::browser;

class BrowserTest : public CoreTest {
 public:
  using CoreTest::CoreTest;

  static OpenSession opening(SessionWish wish = {}) { return OpenSession{of_browser, {}, std::move(wish)}; }
  static CallFunction calling(std::string id, Function function = Function::snapshot) {
    return CallFunction{{}, std::move(id), function};
  }
  SessionInfo open_browser(std::string owner = "alice", SessionWish wish = {}) {
    return get<Opened>(user(std::move(owner)), opening(std::move(wish))).session;
  }
  // What is known of it, which does not keep it.
  SessionInfo look_at(std::string const& id) { return get<SessionInfo>(GetSession{{}, id}); }
  void advance_s(std::int64_t seconds) {
    clock.advance_us(seconds * second_us);
    turns(4);
  }
  // The last event of its log as "name data"; of a type that has no name, "type data".
  std::string last_of(std::string const& id) {
    auto const& event = *log_of(id).events.back();
    return (event.name.empty() ? std::string(to_word(event.type)) : event.name) + " " + event.data;
  }
};

}  // namespace sojourn
