// What somebody does with sessions: opens them, comes, goes, comes back, sends others away. Part of Simulation.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "simulation/simulation.h"

namespace sojourn {

inline void Simulation::act() {
  if (stage_.hub.is_stopped()) return act_in_vain();
  switch (below(30)) {
    case 0:
    case 24:
    case 25:
    case 26:
      return open();
    case 27:
    case 28:
    case 29:
      return use_browser();
    case 1:
      return join(one_in(2));
    case 2:
    case 3:
      return resume();
    case 4:
      return one_in(3) ? post_all() : list();
    case 5:
      return mint();
    case 6:
      return one_in(2) ? revoke() : list_tokens();
    case 7:
      return one_in(2) ? kick() : toggle_reading();
    case 8:
    case 9:
      return change_state();
    case 10:
      return read_state();
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
      return inbound();
    default: {
      auto* const session = any_session();
      auto const principal = session == nullptr || one_in(2) ? any_principal() : local_principal();
      return ask(principal, session, session == nullptr ? "ext_nobody" : session->id);
    }
  }
}

// A stopped hub refuses everything, and yet forgets who leaves.
inline void Simulation::act_in_vain() {
  auto* const reader = any_reader();
  auto const id = reader == nullptr ? "ext_nobody" : reader->session->id;
  auto const connection = reader == nullptr ? 1'000'000 : reader->id;
  auto const made = ticket();
  refuse(*made, Code::unavailable);
  std::vector<Command> const commands{ListSessions{},
                                      GetSession{{}, id},
                                      Touch{connection},
                                      PostMessage{{}, id, "x"},
                                      Leave{connection},
                                      Say{connection, "x"},
                                      GetState{{}, id},
                                      CloseSession{{}, id},
                                      SayGoodbye{connection},
                                      CallFunction{{}, id},
                                      OpenSession{SessionKind::browser}};
  auto const& command = commands[below(commands.size())];
  if (std::holds_alternative<Leave>(command) && reader != nullptr && reader->is_in) {
    collect(*reader);
    remove(*reader, "");
  }
  submit(local_principal(), command, made);
}

inline void Simulation::open() {
  auto const principal = any_principal();
  auto const made = ticket();
  if (!model_can(principal, Action::open, nullptr)) {
    refuse(*made, Code::forbidden);
    return submit(principal, OpenSession{SessionKind::shared}, made);
  }
  if (!one_in(3)) return open_browser(principal, {.client_id = one_in(3) ? "" : "x"}, made);
  OpenSession command{one_in(2) ? SessionKind::shared : SessionKind::extension};
  bool const is_shared = command.kind == SessionKind::shared;
  if (is_shared && one_in(2)) command.wish.client_id = "x";
  auto* session = find_alias(command.kind, principal.name, command.wish.client_id);
  bool const is_found = session != nullptr;
  if (!is_found) {
    if (stage_.hub.session_count() >= sessions_max) return tickets_.pop_back();
    session = &make_session(command.kind, principal);
    session->client_id = command.wish.client_id;
    if (is_shared && one_in(3)) {
      command.wish.state = "{\"a\":1}";
      change(*session, {StateEdit::Verb::set, {}, command.wish.state, {}}, "0 ", *made);
    }
  }
  session->active_us = now_us();
  Reader* reader = nullptr;
  if (!is_shared || (one_in(2) && session->members.size() < members_max)) reader = &make_reader(*session, principal);
  if (reader != nullptr) command.via = stage_.attachment(reader->outlet);
  if (reader != nullptr) reader->is_opener = !is_found;
  if (reader != nullptr) arrive(*reader, *made);
  made->opened = session;
  settle(*made, "opened " + std::to_string(session->index) + (is_found ? " again" : ""), *session);
  ++counts_[is_found ? "found by its client id" : "opened"];
  submit(principal, std::move(command), made);
}

inline void Simulation::join(bool opens) {
  auto* session = any_session();
  auto principal = session == nullptr || one_in(2) ? any_principal() : local_principal();
  // Whoever has a key tries it where it fits.
  if (!guests_.empty() && one_in(4)) {
    principal = guests_.back();
    session = by_id_.at(principal.grant->session_id);
  }
  enter(principal, session, nullptr, opens);
}

// Somebody who was there comes back with what they know.
inline void Simulation::resume() {
  auto* const before = any_reader();
  if (before == nullptr) return join(false);
  enter(one_in(5) ? any_principal() : before->principal, before->session, before, false);
}

inline void Simulation::enter(Principal const& principal, ModelSession* session, Reader const* before, bool opens) {
  if (session != nullptr && session->members.size() >= members_max) return;
  if (stage_.hub.session_count() >= sessions_max || principal.role == Role::guest) opens = false;
  auto const made = ticket();
  JoinSession command{.id = session == nullptr ? "ext_nobody" : session->id};
  command.opens = opens;
  command.kind = opens ? AnyKind(SessionKind::shared) : AnyKind();
  if (opens && session != nullptr && session->kind != SessionKind::shared) session = nullptr;
  auto* joined = finds(principal, Action::read, session, *made) ? session : nullptr;
  bool const is_new = joined == nullptr && opens;
  std::string instead;
  if (is_new) {
    made->needs.clear();
    bool const is_theirs = session != nullptr && (principal.is_admin() || principal.name == session->owner);
    auto const* const reason = is_theirs && session->is_expired            ? "expired"
                               : session != nullptr && session->is_there() ? "not_owner"
                                                                           : "invalid";
    instead = " instead of " + command.id + " (" + reason + ")";
    if (!model_can(principal, Action::open, nullptr)) {
      refuse(*made, Code::forbidden);
      return submit(principal, std::move(command), made);
    }
    joined = &make_session(SessionKind::shared, principal);
  }
  if (joined == nullptr) return submit(principal, std::move(command), made);
  if (before != nullptr && one_in(2)) command.takes_over = before->id;
  if (before != nullptr && command.takes_over != 0 && before->is_in && before != joined->host) {
    auto const token = [](Principal const& one) { return one.grant ? one.grant->token_id : std::string(); };
    auto* const old = readers_[static_cast<std::size_t>(before->number) - 1].get();
    bool const is_same = old->principal.name == principal.name && old->principal.role == principal.role &&
                         token(old->principal) == token(principal);
    if (is_same) collect(*old);
    if (is_same) remove(*old, "taken over by a newer connection");
    counts_["taken over"] += is_same ? 1 : 0;
  }
  auto& reader = make_reader(*joined, principal);
  reader.instead = std::move(instead);
  reader.is_opener = is_new;
  if (before != nullptr) {
    auto const seq = one_in(8) ? before->place + below(3) : before->place;
    reader.since = one_in(10) ? to_text(Cursor{joined->epoch + 1, seq}) : to_text(Cursor{joined->epoch, seq});
    auto const cursor = *to_cursor(reader.since, 0);
    auto const last = joined->last_seq();
    reader.may_resume = cursor.epoch == joined->epoch && seq <= last;
    reader.must_resume =
        reader.may_resume && (has_small_logs_ ? seq == last : seq + log_max >= last) && seq + 1 >= joined->cleaned_seq;
    command.since = reader.since;
    if (one_in(3)) reader.outlet.queued = 1'000'000;
  }
  command.via = stage_.attachment(reader.outlet);
  arrive(reader, *made);
  made->opened = joined;
  settle(*made, "opened " + std::to_string(joined->index) + (is_new ? "" : " again"), *joined);
  ++counts_[is_new ? "let in elsewhere" : "joined"];
  submit(principal, std::move(command), made);
}

inline void Simulation::list() {
  auto const principal = any_principal();
  ListSessions command;
  if (one_in(2)) command.kind = static_cast<SessionKind>(below(session_kinds));
  if (one_in(4)) command.connected = one_in(2);
  command.limit = one_in(2) ? below(4) : SIZE_MAX;
  command.offset = one_in(2) ? below(4) : 0;
  auto const made = ticket();
  if (principal.role == Role::guest) {
    auto const place = by_id_.find(principal.grant->session_id);
    auto* const own = place == by_id_.end() ? nullptr : place->second;
    bool const is_meant = own != nullptr && own->is_there() && (!command.kind || *command.kind == own->kind);
    if (is_meant && model_can(principal, Action::read, own) && !use_token(principal, *own)) {
      refuse(*made, Code::unauthenticated);
      return submit(principal, command, made);
    }
  }
  std::size_t total = 0, shown = 0;
  std::string ids;
  for (auto const kind : {SessionKind::extension, SessionKind::shared, SessionKind::browser}) {
    for (auto const& session : recent_sessions()) {
      if (session->kind != kind || !session->is_there() || !model_can(principal, Action::read, session.get())) continue;
      if (command.kind && *command.kind != kind) continue;
      if (command.connected && *command.connected == session->members.empty()) continue;
      if (total++ < command.offset || shown >= command.limit) continue;
      ++shown;
      ids += " " + std::to_string(session->index);
    }
  }
  settle(*made, "page of " + std::to_string(total) + ids);
  if (command.kind != SessionKind::extension) need_everything(*made);
  ++counts_["listed"];
  submit(principal, command, made);
}

inline void Simulation::close(Principal const& principal, ModelSession* session, std::string const& id) {
  auto const made = ticket();
  if (finds(principal, Action::close, session, *made)) {
    auto const info = session->info();
    for (auto* reader : session->members) collect(*reader);
    end(*session, "deleted");
    settle(*made, info, *session);
  }
  submit(principal, CloseSession{{}, id}, made);
}

inline void Simulation::kick() {
  auto* const reader = any_reader();
  if (reader == nullptr) return;
  auto* const session = reader->session;
  auto const principal = any_principal();
  auto const made = ticket();
  if (finds(principal, Action::share, session, *made)) {
    if (reader->is_in) {
      collect(*reader);
      // The answer waits for what was known before.
      settle(*made, "done", *session);
      remove(*reader, "kicked");
      ++counts_["kicked"];
    } else {
      refuse(*made, Code::not_found);
    }
  }
  submit(principal, KickConnection{{}, session->id, reader->id}, made);
}

inline void Simulation::leave(Reader* reader, bool says_goodbye) {
  auto const made = ticket();
  settle(*made, "done");
  auto const connection = reader == nullptr ? 1'000'000 : reader->id;
  if (reader != nullptr && reader->is_in) {
    collect(*reader);
    if (says_goodbye) {
      reader->last_seen_us = now_us();
      reader->session->use(now_us());
      reader->is_open = false;
      fail_calls(*reader->session, reader, false);
    } else {
      remove(*reader, "");
    }
    ++counts_[says_goodbye ? "said goodbye" : "left by itself"];
  }
  says_goodbye ? submit({}, SayGoodbye{connection}, made) : submit({}, Leave{connection}, made);
}

// A reader ceases to read, or begins again.
inline void Simulation::toggle_reading() {
  auto* const reader = any_reader();
  if (reader == nullptr) return;
  reader->outlet.queued = reader->outlet.queued == 0 ? 1'000'000 : 0;
  reader->is_disturbed = true;
}

inline void Simulation::mint() {
  auto* const session = any_session();
  auto const principal = one_in(3) ? any_principal() : local_principal();
  MintToken command{{}, session == nullptr ? "nobody" : session->id, one_in(2) ? Scope::read : Scope::write};
  command.lifetime_us = static_cast<std::int64_t>(1 + below(3000));
  command.single_use = one_in(3);
  auto const made = ticket();
  if (finds(principal, Action::share, session, *made)) {
    drop_expired_tokens(*session);
    if (session->tokens.size() >= tokens_max) {
      refuse(*made, Code::too_many);
    } else {
      append(*session, "session.token_minted 0 {~");
      auto const expires_us = now_us() + command.lifetime_us;
      auto const mark = ++last_ticket_;  // until its id is known
      session->tokens.push_back({std::to_string(mark), command.scope, expires_us, command.single_use, false});
      settle(*made, "minted", *session);
      made->judge = [this, session, mark](Outcome const& outcome) -> std::string {
        auto const& minted = std::get<Minted>(outcome);
        auto const token = std::ranges::find(session->tokens, std::to_string(mark), &ModelToken::id);
        if (minted.session_id != session->id || minted.owner != session->owner) return "a token of another session";
        if (token != session->tokens.end()) token->id = minted.token.id;
        auto grant = std::make_shared<Grant const>(Grant{session->id, minted.token.id, minted.token.expires_us});
        guests_.push_back({Role::guest, "visitor", minted.token.scope, std::move(grant)});
        ++counts_["minted"];
        return {};
      };
    }
  }
  submit(principal, command, made);
}

inline void Simulation::revoke() {
  if (guests_.empty()) return;
  auto const grant = guests_[guests_.size() - 1 - below(std::min<std::size_t>(guests_.size(), 4))].grant;
  auto* const session = by_id_.at(grant->session_id);
  auto const principal = one_in(3) ? any_principal() : local_principal();
  auto const made = ticket();
  if (finds(principal, Action::share, session, *made)) {
    auto const token = std::ranges::find(session->tokens, grant->token_id, &ModelToken::id);
    if (token == session->tokens.end()) {
      refuse(*made, Code::not_found, *session);
    } else {
      session->tokens.erase(token);
      append(*session, "session.token_revoked 0 {\"id\":\"" + grant->token_id + "\"}");
      settle(*made, "done", *session);
      auto const members = session->members;
      for (auto* reader : members) {
        if (!reader->principal.grant || reader->principal.grant->token_id != grant->token_id) continue;
        collect(*reader);
        remove(*reader, "token revoked");
      }
      ++counts_["revoked"];
    }
  }
  submit(principal, RevokeToken{{}, session->id, grant->token_id}, made);
}

inline void Simulation::list_tokens() {
  auto* const session = any_session();
  auto const principal = any_principal();
  auto const made = ticket();
  if (finds(principal, Action::share, session, *made)) {
    drop_expired_tokens(*session);
    std::string text = "tokens";
    for (auto const& token : session->tokens) {
      text.append(" ").append(to_word(token.scope)).append(" ").append(std::to_string(token.expires_us));
      if (token.used) text += " used";
    }
    settle(*made, text, *session);
  }
  submit(principal, ListTokens{{}, session == nullptr ? "nobody" : session->id}, made);
}

}  // namespace sojourn
