// A hub with a slow and failing store and a clock that is moved by hand, under random commands, next to the model.
// Invariant: what the seed decides is all that is decided, so a run can be repeated. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "simulation/hub_model.h"
#include "simulation/reader.h"
#include "support/hub_stage.h"

namespace sojourn {

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : has_small_logs_(seed % 2 == 1), random_(seed), stage_(options_of(seed)) {
    if (seed % 4 == 0) stage_.store.fail_at_random(10);
    stage_.fake_browser.places = browsers_max;
    stage_.fake_browser.answers_by_itself = false;
  }

  // The first disagreement, or nothing.
  std::string run(int steps);

  bool has_stopped() const { return stage_.hub.is_stopped(); }
  // What happened, so that a test can see that enough did.
  std::map<std::string, int> const& counts() const { return counts_; }

 private:
  static constexpr std::int64_t call_us_max = 3000;
  static constexpr std::int64_t idle_us_max = 4000;
  static constexpr std::size_t calls_max = 3;
  static constexpr std::size_t tokens_max = 3;
  static constexpr std::size_t keys_max = 4;
  static constexpr std::size_t presence_max = 3;
  static constexpr std::size_t sessions_max = 6;
  static constexpr std::size_t members_max = 5;
  static constexpr std::size_t log_max = 10;
  static constexpr std::size_t recent_min = 8;
  static constexpr std::size_t browsers_max = 2;
  static constexpr std::size_t waiting_max = 3;
  static constexpr std::int64_t life_us_max = 9000;
  static constexpr std::int64_t wait_us_max = 2500;
  static constexpr int news_max = 20;  // in a second

  static HubStage::Options options_of(std::uint64_t seed) {
    HubStage::Options options;
    options.seed = seed;
    options.commit_turns_max = 1 + static_cast<unsigned>(seed % 6);
    options.limits.log_events = log_max;
    if (seed % 2 == 1) options.limits.log_bytes = 4096;
    if (seed % 2 == 1) options.limits.log_ms = 1;
    options.limits.calls = calls_max;
    options.limits.tokens = tokens_max;
    options.limits.state_keys = keys_max;
    options.limits.presence_members = presence_max;
    options.idle_us = idle_us_max;
    options.browsers = {idle_us_max, life_us_max, waiting_max, wait_us_max};
    return options;
  }

  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  bool one_in(std::size_t count) { return below(count) == 0; }
  std::int64_t now_us() const { return stage_.clock.now().utc_us; }

  void fault(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }
  void fault(std::string const& what, ModelSession const& session) {
    fault("session " + std::to_string(session.index) + ": " + what);
  }
  void fault(std::string const& what, Reader const& reader) {
    fault("reader " + std::to_string(reader.number) + " (c" + std::to_string(reader.id) + "): " + what,
          *reader.session);
  }
  void fault(std::string const& what, Ticket const& ticket) {
    fault("ticket " + std::to_string(ticket.number) + " " + what);
  }

  // The world, as the model sees it.

  std::uint64_t kept_seq(ModelSession const& session) const {
    if (!session.is_durable()) return session.last_seq();
    return session.id.empty() ? 0 : stage_.store.committed_seq(session.id);
  }
  bool is_kept(Ticket const& ticket) const {
    return std::ranges::all_of(ticket.needs, [&](auto const& need) { return kept_seq(*need.first) >= need.second; });
  }
  Principal any_principal();
  // All but those that are long gone.
  std::span<std::unique_ptr<ModelSession> const> recent_sessions() {
    while (first_recent_ + recent_min < sessions_.size() && sessions_[first_recent_]->is_buried) ++first_recent_;
    return std::span(sessions_).subspan(first_recent_);
  }
  // One of the last sessions, there or not; null = none that anybody has heard of.
  ModelSession* any_session() {
    if (sessions_.empty() || one_in(20)) return nullptr;
    auto const age = below(std::min(sessions_.size(), recent_min));
    auto* session = sessions_[sessions_.size() - 1 - age].get();
    return session->id.empty() ? nullptr : session;
  }
  // One of the last readers that was greeted, there or not; null = none.
  Reader* any_reader() {
    if (readers_.empty() || one_in(20)) return nullptr;
    auto const age = below(std::min<std::size_t>(readers_.size(), 12));
    auto* reader = readers_[readers_.size() - 1 - age].get();
    return reader->is_greeted ? reader : nullptr;
  }

  // The model's half of a command (model_rules.h).

  TicketRef ticket() {
    auto made = std::make_shared<Ticket>();
    made->number = ++last_ticket_;
    tickets_.push_back(made);
    return made;
  }
  void settle(Ticket& ticket, std::string expected) {
    ticket.expected = std::move(expected);
    ticket.waits = false;
    ticket.turn = turn_;
  }
  void settle(Ticket& ticket, std::string expected, ModelSession const& told) {
    settle(ticket, std::move(expected));
    if (told.is_durable()) ticket.needs.emplace_back(&told, told.last_seq());
  }
  void refuse(Ticket& ticket, Code code) {
    settle(ticket,
           ticket.tool.empty() ? Render::failure(code) : ticket.tool + " failed " + std::string(row(code).word));
  }
  void refuse(Ticket& ticket, Code code, ModelSession const& told) { settle(ticket, Render::failure(code), told); }
  void need_everything(Ticket& ticket) {
    for (auto const& session : recent_sessions()) {
      if (session->is_durable() && !session->is_buried) ticket.needs.emplace_back(session.get(), session->last_seq());
    }
  }

  bool finds(Principal const& principal, Action action, ModelSession* session, Ticket& ticket);
  bool finds_own(Reader* reader, Action action, Ticket& ticket);
  bool use_token(Principal const& principal, ModelSession& session);
  ModelSession& make_session(SessionKind kind, Principal const& principal);
  Reader& make_reader(ModelSession& session, Principal const& principal);
  void arrive(Reader& reader, Ticket& ticket);
  void append(ModelSession& session, std::string words, TicketRef call = {}) {
    session.log.push_back({std::move(words), std::move(call)});
  }
  void announce(ModelSession& session, Reader const& reader, std::string const& word);
  void fail_calls(ModelSession& session, Reader const* to, bool is_told_later);
  void remove(Reader& reader, std::string reason);
  void end(ModelSession& session, std::string const& reason);
  void bury(ModelSession& session);
  bool plan(ModelSession& session, StateEdit const& edit, Ticket& ticket, StateMap& result);
  void change(ModelSession& session, StateEdit const& edit, std::string const& tail, Ticket& ticket);
  void drop_expired_tokens(ModelSession& session);

  // The hub's half: sends it, and hears the reply.

  void submit(Principal const& principal, Command command, TicketRef const& ticket) {
    ++inside_submit_;
    stage_.hub.submit(principal, std::move(command), [this, ticket](Result<Outcome> const& outcome) {
      hear(*ticket, outcome);
      if (one_in(20)) act();
    });
    --inside_submit_;
    finish_leaving();
  }
  void hear(Ticket& ticket, Result<Outcome> const& outcome);
  void learn(Ticket& ticket, Opened const& opened);
  void collect(Reader& reader);
  void finish_leaving();
  void check_gone(Reader& reader);

  // What somebody does (session_acts.h, talk_acts.h).

  void act();
  void act_in_vain();
  void open();
  void join(bool opens);
  void resume();
  void enter(Principal const& principal, ModelSession* session, Reader const* before, bool opens);
  void list();
  void ask(Principal const& principal, ModelSession* session, std::string const& id);
  void close(Principal const& principal, ModelSession* session, std::string const& id);
  void kick();
  void mint();
  void revoke();
  void list_tokens();
  void leave(Reader* reader, bool says_goodbye);
  void toggle_reading();
  void post(Principal const& principal, ModelSession* session, std::string const& id);
  void clean(Principal const& principal, ModelSession* session, std::string const& id);
  void note_use(Principal const& principal, ModelSession* session, std::string const& id);
  void post_all();
  void call(Principal const& principal, ModelSession* session, std::string const& id);
  void change_state();
  void read_state();
  void read_events(Principal const& principal, ModelSession* session, std::string const& id);
  std::string judge_events(EventPage const& page, ModelSession const& session, ReadEvents const& asked,
                           std::uint64_t kept) const;
  void inbound();
  void say(Reader* reader);
  void answer(Reader* reader);
  void offer(Reader* reader);
  void call_tool(Reader* reader);
  void record(Reader* reader);

  // Browser sessions, and the browser (browser_acts.h).

  struct WaitingOpen {
    TicketRef ticket;
    Principal principal;
    SessionWish wish;
    std::int64_t deadline_us;
  };
  std::size_t count_browsers() const;
  ModelSession* find_alias(SessionKind kind, std::string const& owner, std::string const& client_id);
  void open_browser(Principal const& principal, SessionWish wish, TicketRef const& made);
  void let_in(WaitingOpen const& open);
  void let_in_waiting();
  void call_function(Principal const& principal, ModelSession* session, std::string const& id);
  void use_browser();
  void fail_functions(ModelSession& session, Code code);
  void stir_browser();
  void finish_function(FakeBrowser::Call const& call);
  void finish_closing();
  void tell_news();
  void check_browser();

  // The end of an iteration (hub_test.cpp).

  void turn();
  void expire();
  void expect_stop();
  void check_after_turn();
  void check_reader(Reader& reader);
  void check_deadline();

  bool has_small_logs_;
  std::mt19937_64 random_;
  HubStage stage_;
  std::vector<std::unique_ptr<ModelSession>> sessions_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<Reader*> leaving_;  // removed, and not looked at since
  std::map<std::string, ModelSession*> by_id_;
  std::vector<TicketRef> tickets_;
  std::vector<std::string> request_ids_;
  std::vector<Principal> guests_;
  std::vector<WaitingOpen> waiting_;
  std::vector<std::string> owners_waiting_;  // whose turn it is stands in front
  std::vector<std::pair<std::string, TicketRef>> closing_;
  bool is_finishing_ = false;
  std::map<std::string, int> counts_;
  std::string fault_;
  std::size_t first_recent_ = 0;
  std::uint64_t turn_ = 0;
  ConnectionId last_connection_ = 0;
  int step_ = 0;
  int last_ticket_ = 0;
  int inside_submit_ = 0;
  bool stop_seen_ = false;
};

}  // namespace sojourn
