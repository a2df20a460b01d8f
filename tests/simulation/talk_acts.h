// What somebody says, asks and changes in a session, from outside and on a connection. Part of Simulation.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "simulation/simulation.h"

namespace sojourn {

inline void Simulation::ask(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const choice = below(34);
  if (choice == 0) return close(principal, session, id);
  if (choice == 24) return clean(principal, session, id);
  if (choice == 25) return note_use(principal, session, id);
  if (choice > 25) return call_function(principal, session, id);
  if (choice < 11) {
    for (auto count = one_in(10) ? 25U : 1U; count > 0; --count) post(principal, session, id);
    return;
  }
  if (choice < 16) return call(principal, session, id);
  if (choice < 20) return read_events(principal, session, id);
  auto const made = ticket();
  bool const is_found = finds(principal, Action::read, session, *made);
  if (choice < 22) {
    if (is_found) settle(*made, session->info(), *session);
    return submit(principal, GetSession{{}, id}, made);
  }
  if (is_found) {
    std::string text = "connections";
    auto members = session->members;
    std::ranges::sort(members, {}, &Reader::id);
    for (auto const* each : members) text += " " + std::to_string(each->id) + " " + each->principal.name;
    settle(*made, text, *session);
  }
  submit(principal, ListConnections{{}, id}, made);
}

inline void Simulation::post(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  PostMessage command{{}, id, "m" + std::to_string(made->number), std::string(one_in(10) ? 1500 : below(20), 'd')};
  command.is_volatile = one_in(3);
  if (finds(principal, Action::write, session, *made)) {
    auto const words = "message 0 " + command.name + (command.data.empty() ? "" : " " + command.data);
    bool const has_host = session->is_durable() || (session->host != nullptr && session->host->is_open);
    if (!has_host) {
      refuse(*made, Code::not_connected);
    } else if (command.is_volatile) {
      session->fleeting.push_back(words);
      settle(*made, "posted 0 at " + std::to_string(now_us()));
    } else {
      append(*session, words);
      settle(*made, "posted " + std::to_string(session->last_seq()) + " at " + std::to_string(now_us()), *session);
    }
  }
  submit(principal, std::move(command), made);
}

inline void Simulation::clean(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  if (finds(principal, Action::write, session, *made)) {
    append(*session, "session.cleaned 0 ~");
    session->cleaned_seq = session->last_seq();
    // Who has not caught up with what is forgotten now gets a gap.
    for (auto* member : session->members) member->must_resume = false;
    settle(*made, "cleaned at " + std::to_string(now_us()), *session);
    ++counts_["cleaned"];
  }
  submit(principal, CleanSession{{}, id}, made);
}

inline void Simulation::note_use(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  if (finds(principal, Action::write, session, *made)) {
    session->active_us = now_us();
    settle(*made, "used " + std::to_string(++session->heartbeats) + " of " + session->info(), *session);
  }
  submit(principal, NoteUse{{}, id, Use::heartbeat}, made);
}

inline void Simulation::post_all() {
  auto const principal = any_principal();
  auto const made = ticket();
  PostToAll const command{"m" + std::to_string(made->number)};
  if (principal.role == Role::guest || principal.scope == Scope::read) {
    refuse(*made, Code::forbidden);
    return submit(principal, command, made);
  }
  std::size_t count = 0;
  for (auto const& session : recent_sessions()) {
    if (session->kind != SessionKind::shared || !session->is_there() || session->members.empty()) continue;
    if (!model_can(principal, Action::write, session.get())) continue;
    append(*session, "message 0 " + command.name);
    ++count;
  }
  settle(*made, "told " + std::to_string(count) + " at " + std::to_string(now_us()));
  need_everything(*made);
  submit(principal, command, made);
}

inline void Simulation::call(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  CallSession const command{
      {}, id, "c" + std::to_string(made->number), {}, static_cast<std::int64_t>(below(call_us_max))};
  if (finds(principal, Action::call, session, *made)) {
    if (session->host == nullptr || !session->host->is_open) {
      refuse(*made, Code::not_connected);
    } else if (session->calls.size() >= calls_max) {
      refuse(*made, Code::too_many);
    } else {
      append(*session, "session.call 0 " + command.name + " ", made);
      made->waits = true;
      made->to = session->host;
      made->deadline_us = now_us() + command.timeout_us;
      session->calls.push_back(made);
    }
  }
  submit(principal, command, made);
}

inline void Simulation::change_state() {
  constexpr char const* keys[] = {"a", "b", "c", "d", "e", "f"};
  constexpr char const* values[] = {"1", "2", "null", "{\"x\":1}", "{\"x\":null,\"y\":2}", "[3]"};
  constexpr char const* maps[] = {"{\"a\":1,\"b\":{\"x\":1}}", "{\"c\":null,\"d\":[1]}",
                                  "{\"a\":null,\"b\":{\"x\":null,\"z\":3}}", "{}",
                                  "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}"};
  StateEdit edit;
  edit.verb = one_in(3) ? StateEdit::Verb::remove : one_in(2) ? StateEdit::Verb::merge : StateEdit::Verb::set;
  if (!one_in(3)) edit.key = keys[below(6)];
  if (edit.verb != StateEdit::Verb::remove) edit.value = edit.key ? values[below(6)] : maps[below(5)];
  edit.if_exists = one_in(8);
  auto* const reader = one_in(2) ? any_reader() : nullptr;
  auto* const session = reader != nullptr ? reader->session : any_session();
  if (session != nullptr && one_in(3)) {
    auto const place = edit.key ? session->revisions.find(*edit.key) : session->revisions.end();
    auto const present = edit.key ? (place == session->revisions.end() ? 0 : place->second) : session->revision;
    edit.if_revision = one_in(3) ? present + 1 : present;
  }
  auto const made = ticket();
  ChangeState command{{}, session == nullptr ? "nobody" : session->id, edit};
  if (one_in(2)) command.request_id = "r" + std::to_string(made->number);
  auto const principal = one_in(3) ? any_principal() : local_principal();
  if (reader != nullptr) command.connection = reader->id;
  bool const is_found =
      reader != nullptr ? finds_own(reader, Action::write, *made) : finds(principal, Action::write, session, *made);
  auto const tail =
      std::to_string(command.connection) + " " + (command.request_id.empty() ? "" : " " + command.request_id);
  if (is_found) change(*session, edit, tail, *made);
  submit(principal, std::move(command), made);
}

inline void Simulation::read_state() {
  auto* const reader = one_in(2) ? any_reader() : nullptr;
  auto* const session = reader != nullptr ? reader->session : any_session();
  auto const principal = any_principal();
  GetState command{{}, session == nullptr ? "nobody" : session->id};
  if (one_in(2)) command.key = one_in(2) ? "a" : "b";
  if (reader != nullptr) command.connection = reader->id;
  auto const made = ticket();
  bool const is_found =
      reader != nullptr ? finds_own(reader, Action::read, *made) : finds(principal, Action::read, session, *made);
  if (is_found && command.key && !session->state.contains(*command.key)) {
    refuse(*made, Code::not_found, *session);
  } else if (is_found) {
    auto const revision = command.key ? session->revisions.at(*command.key) : session->revision;
    settle(*made, "state " + std::to_string(revision) + " at " + std::to_string(session->last_seq()), *session);
    auto expected = command.key ? StateMap{{"", session->state.at(*command.key)}} : session->state;
    made->judge = [expected = std::move(expected), is_key = command.key.has_value()](Outcome const& outcome) {
      auto const& text = *std::get<StateView>(outcome).value;
      return to_state(is_key ? "{\"\":" + text + "}" : text) == expected ? "" : "another state: " + text;
    };
  }
  submit(principal, std::move(command), made);
}

inline void Simulation::read_events(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  ReadEvents command{{}, id, {}, 1 + below(30)};
  if (session != nullptr && !one_in(4)) {
    auto const seq =
        session->last_seq() - std::min<std::uint64_t>(session->last_seq(), below(15)) + (one_in(10) ? 3 : 0);
    auto const epoch = one_in(10) ? session->epoch + 1 : session->epoch;
    command.since = one_in(3) ? std::to_string(seq) : to_text(Cursor{epoch, seq});
  }
  if (finds(principal, Action::read, session, *made)) {
    bool const is_used_up =
        principal.grant && !principal.is_inside && std::ranges::any_of(session->tokens, [&](ModelToken const& token) {
          return token.id == principal.grant->token_id && token.single_use;
        });
    is_used_up ? settle(*made, "events", *session) : settle(*made, "events");
    auto const kept = session->is_durable() ? kept_seq(*session) : session->last_seq();
    made->judge = [this, session, command, kept](Outcome const& outcome) {
      return judge_events(std::get<EventPage>(outcome), *session, command, kept);
    };
  }
  submit(principal, std::move(command), made);
}

// What is wrong with a page of a log of which so much was kept when it was read.
inline std::string Simulation::judge_events(EventPage const& page, ModelSession const& session, ReadEvents const& asked,
                                            std::uint64_t kept) const {
  if (page.last_seq != kept) return "a page of another log";
  auto const since = to_cursor(asked.since, session.epoch);
  bool const is_ours = since && since->epoch == session.epoch;
  bool const is_surely_there = is_ours && !has_small_logs_ && since->seq + log_max >= session.last_seq() &&
                               since->seq + 1 >= session.cleaned_seq;
  if (page.gap && is_surely_there && since->seq <= kept) return "a gap where everything is there";
  if (!page.gap && since && !is_ours) return "no gap after a foreign cursor";
  if (page.events.size() > asked.limit) return "a page too long";
  auto next = page.events.empty() ? 0 : page.events.front()->seq;
  bool const continues = since && !page.gap;
  if (continues && !page.events.empty() && next != since->seq + 1) return "a page that begins elsewhere";
  if (continues && page.events.size() < asked.limit && page.cursor.seq < kept) return "a page too short";
  PlainDialect const plain;
  Session const nobody("", session.kind, session.epoch);
  for (auto const& event : page.events) {
    if (event->seq != next++ || event->seq > kept) return "an event out of its place: " + std::to_string(event->seq);
    std::string words;
    plain.encode(nobody, *event, words);
    words = words.substr(words.find(' ') + 1);
    auto const& expected = session.log[event->seq - 1];
    if (expected.call) words = words.substr(0, words.rfind(' ') + 1);
    if (expected.changes_state) words = words.substr(0, words.find('{')) + words.substr(words.rfind('}') + 1);
    if (!agrees(expected.words, words)) return "expected " + expected.words + ", got " + words;
  }
  return {};
}

inline void Simulation::inbound() {
  auto* const reader = any_reader();
  auto const choice = below(24);
  if (choice < 5) return say(reader);
  if (choice < 12) return answer(reader);
  if (choice < 15) return offer(reader);
  if (choice < 18) return call_tool(reader);
  if (choice < 19) return record(reader);
  if (choice < 21) return leave(reader, one_in(4));
  auto const made = ticket();
  settle(*made, "done");
  if (reader != nullptr && reader->is_in) {
    reader->last_seen_us = now_us();
    reader->session->use(now_us());
  }
  submit({}, Touch{reader == nullptr ? 1'000'000 : reader->id}, made);
}

inline void Simulation::say(Reader* reader) {
  auto const made = ticket();
  Say command{reader == nullptr ? 1'000'000 : reader->id, "s" + std::to_string(made->number)};
  command.is_volatile = one_in(3);
  if (finds_own(reader, Action::write, *made)) {
    auto& session = *reader->session;
    auto const words = "message " + std::to_string(reader->id) + " " + command.name;
    if (command.is_volatile) {
      session.fleeting.push_back(words);
      settle(*made, "posted 0 at " + std::to_string(now_us()));
    } else {
      append(session, words);
      settle(*made, "posted " + std::to_string(session.last_seq()) + " at " + std::to_string(now_us()), session);
    }
  }
  submit({}, std::move(command), made);
}

inline void Simulation::answer(Reader* reader) {
  auto const made = ticket();
  bool const is_success = !one_in(3);
  std::string request_id = "nobody's";
  if (!request_ids_.empty())
    request_id = request_ids_[request_ids_.size() - 1 - below(std::min<std::size_t>(request_ids_.size(), 6))];
  for (auto const& each : recent_sessions()) {
    for (auto const& call : each->calls) {
      if (one_in(2)) continue;
      collect(*call->to);
      if (call->request_id.empty()) continue;
      request_id = call->request_id;
      request_ids_.push_back(request_id);
      if (!one_in(4)) reader = call->to;
    }
  }
  if (reader == nullptr || !reader->is_in) {
    refuse(*made, Code::not_connected);
  } else {
    auto& session = *reader->session;
    reader->last_seen_us = now_us();
    session.use(now_us());
    auto const place = std::ranges::find_if(
        session.calls, [&](auto const& each) { return each->request_id == request_id && each->to == reader; });
    settle(*made, place == session.calls.end() ? "false" : "true");
    if (place != session.calls.end()) {
      if (!session.is_durable())
        append(session, "session.result " + std::to_string(reader->id) +
                            (is_success ? " {\"success\":true} " : " {\"success\":false} ") + request_id);
      auto const& tool = (*place)->tool;
      if (is_success)
        settle(**place, (tool.empty() ? "answered " + request_id : tool + " gave") + " yes");
      else
        refuse(**place, Code::failed);
      session.calls.erase(place);
      ++counts_["answered"];
    }
  }
  submit({}, AnswerCall{reader == nullptr ? 1'000'000 : reader->id, request_id, is_success, " yes", "no"}, made);
}

inline void Simulation::offer(Reader* reader) {
  auto const made = ticket();
  MakeOffer command{reader == nullptr ? 1'000'000 : reader->id, {}};
  for (auto const* tool : {"quote", "label"}) {
    if (!one_in(3)) command.offer.tools.emplace_back(tool);
  }
  if (finds_own(reader, Action::write, *made)) {
    reader->tools = command.offer.tools;
    settle(*made, "done");
  }
  submit({}, std::move(command), made);
}

inline void Simulation::call_tool(Reader* reader) {
  auto const made = ticket();
  CallTool const command{reader == nullptr ? 1'000'000 : reader->id, one_in(2) ? "quote" : "label",
                         std::to_string(made->number), static_cast<std::int64_t>(below(call_us_max))};
  if (finds_own(reader, Action::call, *made)) {
    auto& session = *reader->session;
    Reader* provider = nullptr;
    for (auto* each : session.members) {
      bool const offers = std::ranges::find(each->tools, command.name) != each->tools.end();
      if (each != reader && each->is_open && offers) provider = each;
    }
    auto const tool = "tool of " + std::to_string(session.index) + " for " + reader->principal.name;
    if (provider == nullptr) {
      settle(*made, tool + " gave", session);
    } else if (session.calls.size() >= calls_max) {
      refuse(*made, Code::too_many);
    } else {
      made->tool = tool;
      made->waits = true;
      made->to = provider;
      made->deadline_us = now_us() + command.timeout_us;
      session.calls.push_back(made);
      provider->asked.push_back(made);
      session.fleeting.push_back("session.call " + std::to_string(reader->id) + " " + command.name + " " +
                                 command.data + " ~");
      ++counts_["tool called"];
    }
  }
  submit({}, command, made);
}

inline void Simulation::record(Reader* reader) {
  if (reader == nullptr) return;
  auto const made = ticket();
  auto& session = *reader->session;
  RecordResult command{session.id, reader->id, "quote", "{}", "t" + std::to_string(made->number)};
  auto principal = reader->principal;
  principal.is_inside = true;
  if (finds(principal, Action::write, &session, *made)) {
    append(session, "session.result " + std::to_string(reader->id) + " quote {} " + command.request_id);
    settle(*made, "posted " + std::to_string(session.last_seq()) + " at " + std::to_string(now_us()), session);
  }
  submit(principal, std::move(command), made);
}

}  // namespace sojourn
