// What somebody does with browser sessions, and what the browser does: it answers late, fails, tells of itself,
// crashes. Part of Simulation.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "simulation/simulation.h"

namespace sojourn {

// What whoever closes a session again is told.
inline constexpr auto closed_before = R"({"success":true,"video":null,"output_meta":null})";

inline std::size_t Simulation::count_browsers() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(sessions_, [](auto const& each) { return each->has_browser() && each->is_there(); }));
}

inline ModelSession* Simulation::find_alias(SessionKind kind, std::string const& owner, std::string const& client_id) {
  ModelSession* session = nullptr;
  for (auto const& each : recent_sessions()) {
    bool const is_it = each->is_there() && each->kind == kind && each->owner == owner && !client_id.empty() &&
                       each->client_id == client_id;
    if (is_it) session = each.get();
  }
  return session;
}

inline void Simulation::open_browser(Principal const& principal, SessionWish wish, TicketRef const& made) {
  bool const is_there = find_alias(SessionKind::browser, principal.name, wish.client_id) != nullptr;
  bool const has_place = waiting_.empty() && count_browsers() < browsers_max;
  if (!is_there && has_place && stage_.hub.session_count() >= sessions_max) return tickets_.pop_back();
  WaitingOpen const open{made, principal, wish, now_us() + wait_us_max};
  if (is_there || has_place) {
    let_in(open);
  } else if (waiting_.size() >= waiting_max) {
    refuse(*made, Code::too_many);
    ++counts_["queue full"];
  } else {
    made->waits = true;
    waiting_.push_back(open);
    if (std::ranges::find(owners_waiting_, principal.name) == owners_waiting_.end())
      owners_waiting_.push_back(principal.name);
  }
  submit(principal, OpenSession{SessionKind::browser, {}, std::move(wish)}, made);
}

inline void Simulation::let_in(WaitingOpen const& open) {
  auto* session = find_alias(SessionKind::browser, open.principal.name, open.wish.client_id);
  bool const is_found = session != nullptr;
  if (!is_found) session = &make_session(SessionKind::browser, open.principal);
  session->client_id = open.wish.client_id;
  session->active_us = now_us();
  open.ticket->opened = session;
  settle(*open.ticket, "opened " + std::to_string(session->index) + (is_found ? " again" : ""), *session);
  ++counts_[is_found ? "found by its client id" : "browser opened"];
}

// Owners take turns; who waits for what somebody else of theirs was given just now has it too.
inline void Simulation::let_in_waiting() {
  auto const take_out = [this](std::size_t at) {
    auto const open = waiting_[at];
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
    return open;
  };
  while (!stage_.hub.is_stopped() && !waiting_.empty() && count_browsers() < browsers_max) {
    auto const owner = owners_waiting_.front();
    owners_waiting_.erase(owners_waiting_.begin());
    auto const first = std::ranges::find(waiting_, owner, [](WaitingOpen const& open) { return open.principal.name; });
    if (first == waiting_.end()) continue;
    auto const open = take_out(static_cast<std::size_t>(first - waiting_.begin()));
    owners_waiting_.push_back(owner);
    let_in(open);
    ++counts_["waited for a place"];
    for (std::size_t at = 0; at < waiting_.size();) {
      auto const& other = waiting_[at];
      bool const is_same =
          !open.wish.client_id.empty() && other.wish.client_id == open.wish.client_id && other.principal.name == owner;
      if (!is_same) {
        ++at;
        continue;
      }
      let_in(take_out(at));
      ++counts_["let in together"];
    }
    auto const has_more = [this](std::string const& name) {
      return std::ranges::any_of(waiting_, [&](WaitingOpen const& each) { return each.principal.name == name; });
    };
    std::erase_if(owners_waiting_, [&](std::string const& name) { return !has_more(name); });
  }
  for (std::size_t at = 0; at < waiting_.size();) {
    if (waiting_[at].deadline_us > now_us()) {
      ++at;
      continue;
    }
    refuse(*take_out(at).ticket, Code::too_many);
    ++counts_["waited in vain"];
  }
  std::erase_if(owners_waiting_, [&](std::string const& name) {
    return std::ranges::none_of(waiting_, [&](WaitingOpen const& each) { return each.principal.name == name; });
  });
}

inline void Simulation::call_function(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  CallFunction command{{}, id, static_cast<Function>(below(one_in(4) ? functions : functions - 1))};
  command.input["ticket"] = made->number;
  bool const closes = command.function == Function::close;
  bool const is_theirs =
      session != nullptr && principal.role != Role::guest && (principal.is_admin() || principal.name == session->owner);
  if (closes && is_theirs && session->has_browser() && !session->is_there()) {
    settle(*made, "function of " + std::to_string(session->index) + " gave " + closed_before);
    if (session->is_ended) made->needs.emplace_back(session, session->last_seq());
    ++counts_["closed again"];
    return submit(principal, std::move(command), made);
  }
  if (finds(principal, closes ? Action::close : Action::call, session, *made)) {
    if (!session->has_browser()) {
      refuse(*made, Code::conflict);
    } else if (closes) {
      for (auto* reader : session->members) collect(*reader);
      end(*session, "closed");
      made->waits = true;
      closing_.emplace_back(session->id, made);
    } else if (session->functions.size() >= calls_max) {
      refuse(*made, Code::too_many);
    } else {
      made->waits = true;
      session->functions.push_back(made);
      ++counts_["function called"];
    }
  }
  submit(principal, std::move(command), made);
}

// Of the browser sessions that were there lately, one.
inline void Simulation::use_browser() {
  std::vector<ModelSession*> some;
  for (auto const& each : recent_sessions()) {
    if (each->has_browser() && !each->id.empty()) some.push_back(each.get());
  }
  if (some.empty()) return;
  auto* const session = some[some.size() - 1 - below(std::min<std::size_t>(some.size(), 4))];
  call_function(one_in(2) ? any_principal() : local_principal(), session, session->id);
}

inline void Simulation::fail_functions(ModelSession& session, Code code) {
  for (auto const& function : session.functions) refuse(*function, code, session);
  session.functions.clear();
}

// The browser's part of an iteration.
inline void Simulation::stir_browser() {
  auto& browser = stage_.fake_browser;
  browser.turn();
  for (std::size_t at = 0; at < browser.waiting.size();) {
    if (!is_finishing_ && !one_in(4)) {
      ++at;
      continue;
    }
    auto const call = std::move(browser.waiting[at]);
    browser.waiting.erase(browser.waiting.begin() + static_cast<std::ptrdiff_t>(at));
    finish_function(call);
  }
  while (!browser.closing.empty() && (is_finishing_ || one_in(2))) finish_closing();
  if (one_in(5)) tell_news();
}

inline void Simulation::finish_function(FakeBrowser::Call const& call) {
  auto const number = call.call.input.at("ticket").as_int64();
  auto const kind = below(3);
  Result<std::string> output = std::string(kind == 1 ? R"({"success":false})" : R"({"x":1})");
  if (kind == 2) output = error(Code::timeout, "too slow");
  auto* const session = by_id_.at(call.call.session_id);
  auto const place = std::ranges::find(session->functions, number, [](auto const& each) { return each->number; });
  if (place != session->functions.end()) {
    auto const made = *place;
    session->functions.erase(place);
    if (output) session->active_us = now_us();
    append(*session, "session.function 0 " + std::string(to_word(call.call.function)) +
                         " {\"input\":{},\"success\":" + (kind == 0 ? "true" : "false") + ",\"ms\":~");
    if (output)
      settle(*made, "function of " + std::to_string(session->index) + " gave " + *output);
    else
      refuse(*made, Code::timeout);
    made->judge = [this, session](Outcome const& outcome) {
      auto const seq = std::get<FunctionAnswer>(outcome).session.cursor.seq;
      return seq <= kept_seq(*session) ? "" : "a cursor that is not kept";
    };
    ++counts_[output ? "function answered" : "function failed"];
  }
  call.done(std::move(output));
}

inline void Simulation::finish_closing() {
  auto& closing = stage_.fake_browser.closing;
  auto const [id, done] = std::move(closing.front());
  closing.pop_front();
  auto const place = std::ranges::find(closing_, id, [](auto const& each) { return each.first; });
  if (place != closing_.end()) {
    auto const& session = *by_id_.at(id);
    settle(*place->second, "function of " + std::to_string(session.index) + " gave {\"video\":1}", session);
    closing_.erase(place);
  }
  done(std::string("{\"video\":1}"));
}

inline void Simulation::tell_news() {
  auto* const session = any_session();
  if (session == nullptr || !session->has_browser()) return;
  bool const is_end = one_in(5);
  auto const second = stage_.clock.now().steady_us / 1'000'000;
  if (session->is_there() && !stage_.hub.is_stopped()) {
    if (std::exchange(session->news_second, second) != second) session->news_count = 0;
    if (++session->news_count <= news_max || is_end)
      append(*session, is_end ? "session.browser 0 crashed {}" : "session.browser 0 navigated {\"url\":\"u\"}");
    ++counts_["news"];
    if (is_end) {
      for (auto* reader : session->members) collect(*reader);
      end(*session, "browser_crashed");
    }
  }
  stage_.fake_browser.tell(session->id, is_end ? "crashed" : "navigated", is_end ? "{}" : "{\"url\":\"u\"}", is_end);
  stage_.fake_browser.turn();
}

// There is a browser for every session that is there, and for no other.
inline void Simulation::check_browser() {
  if (stage_.hub.is_stopped()) return;
  if (stage_.fake_browser.live.size() != count_browsers())
    fault(std::to_string(stage_.fake_browser.live.size()) + " browsers for " + std::to_string(count_browsers()) +
          " sessions");
  if (count_browsers() > browsers_max) fault("more browsers than there may be");
  bool const may_come_in = !waiting_.empty() && count_browsers() < browsers_max;
  if (may_come_in && !stage_.hub.has_more()) fault("somebody may come in, and nobody looks");
  for (auto const& session : recent_sessions()) {
    bool const is_known = session->has_browser() && session->is_there() && !session->id.empty();
    if (is_known && !stage_.fake_browser.live.contains(session->id)) fault("has no browser", *session);
  }
}

}  // namespace sojourn
