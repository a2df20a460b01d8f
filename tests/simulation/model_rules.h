// The rules of the model, one after the other as a person would tell them. Part of Simulation.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "simulation/simulation.h"

namespace sojourn {

inline Principal Simulation::any_principal() {
  switch (below(9)) {
    case 0:
      return {Role::user, "bob", Scope::write, {}};
    case 1:
      return {Role::user, "alice", Scope::read, {}};
    case 2:
      return {Role::admin, "root", Scope::admin, {}};
    case 3:
      return local_principal();
    case 4:
    case 5:
      if (!guests_.empty()) return guests_[guests_.size() - 1 - below(std::min<std::size_t>(guests_.size(), 4))];
      [[fallthrough]];
    default:
      return {Role::user, "alice", Scope::write, {}};
  }
}

// Whether a command of `principal` finds the session; if not, the ticket knows.
inline bool Simulation::finds(Principal const& principal, Action action, ModelSession* session, Ticket& ticket) {
  if (session == nullptr || !session->is_there() || !model_can(principal, Action::read, session)) {
    bool const is_guest = principal.role == Role::guest;
    bool const is_theirs =
        session != nullptr && (principal.is_admin() || (!is_guest && principal.name == session->owner));
    bool const had_key =
        is_guest && session != nullptr && session->is_there() && principal.grant->session_id == session->id;
    bool const is_known = is_theirs && !session->is_there();
    refuse(ticket, had_key                              ? Code::unauthenticated
                   : is_known && session->is_expired    ? Code::expired
                   : is_known && session->has_browser() ? Code::ended
                                                        : Code::not_found);
    if (session != nullptr && session->is_ended) ticket.needs.emplace_back(session, session->last_seq());
    return false;
  }
  if (!model_can(principal, action, session)) {
    refuse(ticket, Code::forbidden);
    return false;
  }
  if (!use_token(principal, *session)) {
    refuse(ticket, Code::unauthenticated);
    return false;
  }
  session->use(now_us());
  return true;
}

inline bool Simulation::use_token(Principal const& principal, ModelSession& session) {
  if (principal.role != Role::guest || principal.is_inside) return true;
  auto const token = std::ranges::find(session.tokens, principal.grant->token_id, &ModelToken::id);
  if (!token->single_use) return true;
  if (token->used) return false;
  token->used = true;
  append(session, "session.token_used 0 {\"id\":\"" + token->id + "\"}");
  ++counts_["token used"];
  return true;
}

// The same for what comes in on a connection.
inline bool Simulation::finds_own(Reader* reader, Action action, Ticket& ticket) {
  if (reader == nullptr || !reader->is_in) {
    refuse(ticket, Code::not_connected);
    return false;
  }
  auto& session = *reader->session;
  reader->last_seen_us = now_us();
  session.use(now_us());
  if (session.is_ended) {
    refuse(ticket, Code::not_found, session);
    return false;
  }
  if (model_can(reader->principal, action, &session)) return true;
  refuse(ticket, Code::forbidden);
  return false;
}

inline ModelSession& Simulation::make_session(SessionKind kind, Principal const& principal) {
  sessions_.push_back(std::make_unique<ModelSession>());
  auto& session = *sessions_.back();
  session.index = static_cast<int>(sessions_.size()) - 1;
  session.kind = kind;
  session.owner = principal.name;
  session.opened_us = session.active_us = now_us();
  if (session.is_durable()) session.idle_us = idle_us_max;
  session.ends_us = now_us() + life_us_max;
  if (session.is_durable()) append(session, "session.opened 0 {~");
  return session;
}

inline Reader& Simulation::make_reader(ModelSession& session, Principal const& principal) {
  readers_.push_back(std::make_unique<Reader>());
  auto& reader = *readers_.back();
  reader.number = static_cast<int>(readers_.size());
  reader.session = &session;
  reader.principal = principal;
  return reader;
}

inline void Simulation::arrive(Reader& reader, Ticket& ticket) {
  auto& session = *reader.session;
  reader.id = ++last_connection_;
  reader.last_seen_us = now_us();
  reader.greeted_at = session.last_seq();
  reader.is_live = !reader.may_resume;
  if (reader.principal.role == Role::guest) reader.ends_us = reader.principal.grant->expires_us;
  ticket.newcomer = &reader;
  session.members.push_back(&reader);
  if (!session.is_durable() && session.host == nullptr) session.host = &reader;
  announce(session, reader, "joined");
  reader.fleeting = session.fleeting.size();
}

inline void Simulation::announce(ModelSession& session, Reader const& reader, std::string const& word) {
  auto const others = session.members.size() - (word == "joined" ? 1U : 0U);
  if (others == 0 || session.members.size() > presence_max) return;
  auto const id = std::to_string(reader.id);
  session.fleeting.push_back("session." + word + " " + id + " {\"connection_id\":\"c" + id + "\",\"user\":\"" +
                             reader.principal.name + "\"}");
}

inline void Simulation::fail_calls(ModelSession& session, Reader const* to, bool is_told_later) {
  std::erase_if(session.calls, [&](TicketRef const& call) {
    if (to != nullptr && call->to != to) return false;
    refuse(*call, Code::not_connected);
    if (is_told_later) call->needs.emplace_back(&session, session.last_seq());
    return true;
  });
}

// Takes a reader out of its session; an extension session goes with its host.
inline void Simulation::remove(Reader& reader, std::string reason) {
  auto& session = *reader.session;
  std::erase(session.members, &reader);
  fail_calls(session, &reader, false);
  session.use(now_us());
  reader.is_in = false;
  reader.close_reason = std::move(reason);
  leaving_.push_back(&reader);
  if (session.is_there()) announce(session, reader, "left");
  if (session.host == &reader && session.is_there()) end(session, "left");
}

inline void Simulation::end(ModelSession& session, std::string const& reason) {
  session.is_expired = reason == "expired";
  append(session, "session.closed 0 {\"reason\":\"" + reason + "\"}");
  session.is_ended = true;
  fail_calls(session, nullptr, session.is_durable());
  fail_functions(session, session.is_expired ? Code::expired : Code::ended);
  if (!session.is_durable()) bury(session);
  ++counts_[reason];
}

inline void Simulation::bury(ModelSession& session) {
  session.is_ended = true;  // nobody hears who goes
  auto const members = session.members;
  for (auto* reader : members) remove(*reader, "Session closed");
  session.is_ended = false;
  session.is_buried = true;
}

inline void Simulation::drop_expired_tokens(ModelSession& session) {
  std::erase_if(session.tokens, [&](ModelToken const& token) { return token.expires_us <= now_us(); });
}

// What an edit makes of the state; if it is refused, the ticket knows.
inline bool Simulation::plan(ModelSession& session, StateEdit const& edit, Ticket& ticket, StateMap& result) {
  auto const& before = session.state;
  bool const is_there = edit.key && before.contains(*edit.key);
  auto const revision = !edit.key ? session.revision : is_there ? session.revisions.at(*edit.key) : 0;
  if ((edit.if_revision && *edit.if_revision != revision) || (edit.if_exists && edit.key && !is_there)) {
    refuse(ticket, Code::precondition_failed, session);
    return false;
  }
  result = before;
  auto const value = edit.value.empty() ? json::value() : *json::parse(edit.value);
  if (edit.key && edit.verb == StateEdit::Verb::remove) {
    if (!is_there) {
      refuse(ticket, Code::not_found, session);
      return false;
    }
    result.erase(*edit.key);
  } else if (edit.key) {
    result[*edit.key] =
        edit.verb == StateEdit::Verb::set ? value : merge_patch(is_there ? before.at(*edit.key) : json::value(), value);
  } else if (edit.verb == StateEdit::Verb::remove) {
    result.clear();
  } else if (edit.verb == StateEdit::Verb::set) {
    result = to_state(value.as_object());
  } else {
    for (auto const& [name, part] : value.as_object()) {
      std::string const key(name);
      if (part.is_null())
        result.erase(key);
      else
        result[key] = merge_patch(before.contains(key) ? before.at(key) : json::value(), part);
    }
  }
  if (result.size() <= keys_max || result.size() <= before.size()) return true;
  refuse(ticket, Code::too_large, session);
  return false;
}

inline void Simulation::change(ModelSession& session, StateEdit const& edit, std::string const& tail, Ticket& ticket) {
  StateMap result;
  if (!plan(session, edit, ticket, result)) return;
  append(session, "session.state " + tail);
  session.log.back().changes_state = true;
  auto const seq = session.last_seq();
  // A key has a new revision when it was named, whether its value is another or not.
  auto const parsed = edit.value.empty() ? json::value() : *json::parse(edit.value);
  for (auto const& [key, value] : result) {
    bool const is_named = edit.key ? *edit.key == key : parsed.is_object() && parsed.get_object().contains(key);
    if (is_named) session.revisions[key] = seq;
  }
  session.state = std::move(result);
  session.revision = seq;
  session.history[seq] = session.state;
  settle(ticket, "changed " + std::to_string(seq) + " at " + std::to_string(now_us()), session);
  ++counts_["changed"];
}

}  // namespace sojourn
