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
#include "support/hub_stage.h"

namespace sojourn {

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed), stage_(options_of(seed)) {
    if (seed % 4 == 0) stage_.store.fail_at_random(10);
  }

  // The first disagreement, or nothing.
  std::string run(int steps) {
    for (step_ = 0; step_ < steps && fault_.empty(); ++step_) {
      one_in(3) ? turn() : act();
    }
    for (int i = 0; i < 50 && fault_.empty(); ++i) {
      stage_.clock.advance_us(call_us_max);
      turn();
    }
    if (!tickets_.empty()) fault("was never answered", *tickets_[0]);
    for (auto const& session : sessions_) {
      collect(*session);
      if (session->outlet.pushes_after_close > 0) fault("pushed after the close", *session);
    }
    return fault_.empty() ? "" : "step " + std::to_string(step_) + ": " + fault_;
  }

  bool has_stopped() const { return stage_.hub.is_stopped(); }
  int answered() const { return answered_; }

 private:
  static constexpr std::int64_t call_us_max = 3000;
  static constexpr std::size_t calls_max = 3;
  static constexpr std::size_t recent_min = 8;

  static HubStage::Options options_of(std::uint64_t seed) {
    HubStage::Options options;
    options.seed = seed;
    options.commit_turns_max = 1 + static_cast<unsigned>(seed % 6);
    options.limits.log_events = 10;
    options.limits.log_bytes = 4096;
    options.limits.log_ms = 1;
    options.limits.calls = calls_max;
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

  void fault(std::string const& what, Ticket const& ticket) {
    fault("ticket " + std::to_string(ticket.number) + " " + what);
  }

  // The world, as the model sees it.

  std::uint64_t kept_seq(ModelSession const& session) const {
    return session.id.empty() ? 0 : stage_.store.committed_seq(session.id);
  }
  bool is_kept(Ticket const& ticket) const {
    return std::ranges::all_of(ticket.needs, [&](auto const& need) { return kept_seq(*need.first) >= need.second; });
  }
  Principal any_principal() {
    switch (below(4)) {
      case 0:
        return {Role::user, "alice"};
      case 1:
        return {Role::user, "bob"};
      default:
        return local_principal();
    }
  }
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

  // The model's half of a command.

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
    if (told.is_durable()) ticket.needs.emplace_back(&told, told.last_seq);
  }
  void refuse(Ticket& ticket, Code code) { settle(ticket, Render::failure(code)); }

  // Whether a command of `principal` finds the session; if not, the ticket knows.
  bool finds(Principal const& principal, ModelSession const* session, SessionKind kind, Ticket& ticket) {
    if (session != nullptr && session->is_there() && session->kind == kind && model_can(principal, *session))
      return true;
    refuse(ticket, Code::not_found);
    if (session == nullptr || !session->is_ended) return false;
    if (session->kind == kind && model_can(principal, *session))
      ticket.needs.emplace_back(session, session->last_seq);
    else
      ticket.is_prompt = false;
    return false;
  }

  void append(ModelSession& session, std::string const& words, TicketRef call = {}) {
    ++session.last_seq;
    if (session.is_open)
      session.frames.push_back({session.last_seq, std::to_string(session.last_seq) + " " + words, std::move(call)});
  }
  void fail_calls(ModelSession& session, bool is_told_later) {
    for (auto const& call : session.calls) {
      refuse(*call, Code::not_connected);
      if (is_told_later) call->needs.emplace_back(&session, session.last_seq);
    }
    session.calls.clear();
  }
  void lose_member(ModelSession& session) {
    collect(session);
    session.is_open = false;
    session.frames.clear();
    fail_calls(session, false);
  }
  void bury(ModelSession& session) {
    collect(session);
    if (!session.frames.empty()) fault("closed before everything was shown", session);
    if (session.outlet.closes != (session.has_member ? 1 : 0)) fault("not closed once", session);
    if (session.has_member && session.outlet.close_code != 1000) fault("closed with another code", session);
    session.has_member = session.is_open = session.is_ended = false;
    session.is_buried = true;
    fail_calls(session, false);
  }

  // The hub's half: sends it, and hears the reply.

  void submit(Principal const& principal, Command command, TicketRef const& ticket) {
    ++inside_submit_;
    stage_.hub.submit(principal, std::move(command), [this, ticket](Result<Outcome> const& outcome) {
      hear(*ticket, outcome);
      if (one_in(20)) act();
    });
    --inside_submit_;
  }

  void hear(Ticket& ticket, Result<Outcome> const& outcome) {
    if (inside_submit_ > 0) fault("was answered inside submit", ticket);
    if (++ticket.runs > 1) fault("was answered twice", ticket);
    if (ticket.waits) fault("was answered though nothing happened", ticket);
    if (turn_ <= ticket.turn) fault("was answered in its own turn", ticket);
    if (auto const* opened = outcome ? std::get_if<Opened>(&*outcome) : nullptr) learn(ticket, *opened);
    auto const got = Render(by_id_)(outcome);
    if (!agrees(ticket.expected, got)) fault("expected " + ticket.expected + ", got " + got, ticket);
    if (ticket.is_prompt && !is_kept(ticket)) fault("was told before it was kept", ticket);
    ++answered_;
  }
  void learn(Ticket const& ticket, Opened const& opened) {
    for (auto const& session : recent_sessions()) {
      if (opening_.at(session.get()) != ticket.number) continue;
      session->id = opened.session.id;
      session->connection = opened.connection;
      if (!by_id_.emplace(session->id, session.get()).second) fault("an id came twice", *session);
    }
  }

  // Takes what the outlet got, and compares it with what it had to get.
  void collect(ModelSession& session) {
    for (auto const& line : session.outlet.take_lines()) {
      if (session.frames.empty()) return fault("an unexpected frame: " + line, session);
      auto const frame = session.frames.front();
      session.frames.pop_front();
      auto text = line;
      if (frame.call) {
        auto const blank = line.rfind(' ') + 1;
        text = line.substr(0, blank);
        frame.call->request_id = line.substr(blank);
        request_ids_.push_back(frame.call->request_id);
        if (frame.call->request_id.size() != 8) fault("a strange request id: " + line, session);
      }
      if (text != frame.text) return fault("expected " + frame.text + ", got " + line, session);
      if (session.is_durable() && frame.seq > kept_seq(session)) fault("shown before it was kept: " + line, session);
    }
  }

  void act();
  void act_in_vain();
  void open();
  void list();
  void ask();
  void close(Principal const& principal, ModelSession* session, SessionKind kind, std::string const& id);
  void post(Principal const& principal, ModelSession* session, SessionKind kind, std::string const& id);
  void call(Principal const& principal, ModelSession* session, SessionKind kind, std::string const& id);
  void inbound();
  void say(ModelSession* session, ConnectionId connection);
  void answer(ModelSession* session, ConnectionId connection);
  void turn();
  void expect_stop();
  void check_after_turn();

  std::mt19937_64 random_;
  HubStage stage_;
  std::vector<std::unique_ptr<ModelSession>> sessions_;
  std::map<ModelSession const*, int> opening_;
  std::map<std::string, ModelSession*> by_id_;
  std::vector<TicketRef> tickets_;
  std::vector<std::string> request_ids_;
  std::string fault_;
  std::size_t first_recent_ = 0;
  std::uint64_t turn_ = 0;
  int step_ = 0;
  int last_ticket_ = 0;
  int inside_submit_ = 0;
  int answered_ = 0;
  bool stop_seen_ = false;
};

}  // namespace sojourn
