// The stage of the core's tests: a hub, people with names and scopes, and questions that wait for their answers.
// Invariant: whatever is asked with ask() has been answered exactly once. One thread.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/hub_stage.h"

namespace sojourn {

inline constexpr auto extension = SessionKind::extension;
inline constexpr auto shared = SessionKind::shared;
inline constexpr auto never = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t second_us = 1'000'000;
inline constexpr std::int64_t hour_us = 3600 * second_us;
using Lines = std::vector<std::string>;

inline Principal user(std::string name, Scope scope = Scope::write) { return {Role::user, std::move(name), scope, {}}; }
inline Principal admin() { return {Role::admin, "root", Scope::admin, {}}; }
// Who holds `token`, as the door makes it of the token's claims.
inline Principal guest(Minted const& minted, std::string name = "visitor") {
  return {Role::guest, std::move(name), minted.token.scope,
          std::make_shared<Grant const>(Grant{minted.session_id, minted.token.id, minted.token.expires_us})};
}

// "2 message 7 chat {}" as "message 7 chat {}".
inline std::string without_seq(std::string const& line) { return line.substr(line.find(' ') + 1); }
inline std::string last_word(std::string const& line) { return line.substr(line.rfind(' ') + 1); }

inline Lines ids_of(SessionPage const& page) {
  Lines ids;
  for (auto const& session : page.sessions) ids.push_back(session.id);
  return ids;
}

class CoreStage : public HubStage {
 public:
  using HubStage::HubStage;

  // The answer to a command, after as many turns as it takes.
  std::shared_ptr<Answer const> ask(Principal const& principal, Command command) {
    auto answer = submit(principal, std::move(command));
    for (int i = 0; i < 8 && !answer->is_there(); ++i) turn();
    turn();
    EXPECT_EQ(answer->runs, 1);
    return answer;
  }
  std::shared_ptr<Answer const> ask(Command command) { return ask(local_principal(), std::move(command)); }

  // The outcome itself; an empty one, and a failure of the test, when it is another.
  template <typename T> T get(Principal const& principal, Command command) {
    auto const answer = ask(principal, std::move(command));
    EXPECT_TRUE(answer->as<T>()) << answer->message();
    return answer->as<T>() == nullptr ? T{} : *answer->as<T>();
  }
  template <typename T> T get(Command command) { return get<T>(local_principal(), std::move(command)); }

  // A shared session that nobody is in.
  SessionInfo open_empty(std::string owner = "alice", SessionWish wish = {}) {
    return get<Opened>(user(std::move(owner)), OpenSession{shared, {}, std::move(wish)}).session;
  }
  Posted post(std::string const& id, std::string name, std::string data = {}) {
    return get<Posted>(PostMessage{{}, id, std::move(name), std::move(data)});
  }
  // Sets one key.
  Changed set(std::string const& id, std::string key, std::string value) {
    StateEdit edit{StateEdit::Verb::set, std::move(key), std::move(value), {}};
    return get<Changed>(ChangeState{{}, id, std::move(edit)});
  }
  std::string state_of(std::string const& id) { return *get<StateView>(GetState{{}, id}).value; }
  Minted mint(std::string const& id, Scope scope = Scope::write, bool single_use = false,
              std::int64_t lifetime_us = hour_us) {
    return get<Minted>(MintToken{{}, id, scope, lifetime_us, single_use});
  }
  // All that is in the log and committed.
  EventPage log_of(std::string const& id) { return get<EventPage>(ReadEvents{{}, id, {}, 100'000}); }
  // The words of its events: "session.opened", "message", ...
  Lines words_of(std::string const& id) {
    Lines words;
    for (auto const& event : log_of(id).events) words.emplace_back(to_word(event->type));
    return words;
  }
};

class CoreTest : public testing::Test, public CoreStage {
 public:
  using CoreStage::CoreStage;

  RecordingOutlet outlet, other_outlet, third_outlet;
};

}  // namespace sojourn
