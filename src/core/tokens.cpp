// Session tokens: keys to one session that its owner hands out and takes back. The hub keeps the record of each; what
// is given to people is made of it by the door.
#include <algorithm>

#include "base/id.h"
#include "base/json.h"
#include "core/hub.h"
#include "core/record.h"

namespace sojourn {
namespace {

constexpr std::uint16_t close_policy = 1008;
constexpr std::size_t token_id_digits = 24;

std::string to_data(SessionToken const& token) {
  std::string out = "{\"id\":\"" + token.id + "\",\"scope\":\"" + std::string(to_word(token.scope)) +
                    "\",\"expires_at\":\"" + to_iso_ms(token.expires_us) + "\",\"single_use\":";
  return out += token.single_use ? "true}" : "false}";
}

std::string to_data(std::string const& token_id) { return "{\"id\":\"" + token_id + "\"}"; }

}  // namespace

Hub::Applied Hub::apply(Principal const& principal, MintToken& command, Reply&) {
  auto const found = find(principal, Action::share, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  // Nobody hands out more than they have.
  if (command.scope > principal.scope && !principal.is_admin())
    return {error(Code::forbidden, "a token can't allow more than your own")};
  if (auto const full = refuse_full(&session)) return *full;
  drop_expired_tokens(session);
  if (session.tokens.size() >= static_cast<std::size_t>(world_.limits.tokens))
    return {error(Code::too_many, "the session has " + std::to_string(world_.limits.tokens) +
                                      " tokens ([limits] tokens); revoke some first")};
  auto const now_us = world_.clock.now().utc_us;
  SessionToken token{"tok_" + make_hex(world_.random, token_id_digits), command.scope, now_us + command.lifetime_us,
                     command.single_use};
  session.tokens.push_back(token);
  append(session,
         Event{.at_us = now_us, .type = EventType::token_minted, .data = to_data(token), .user = principal.name},
         {tokens_mark(session)});
  return {Outcome(Minted{std::move(token), session.id, session.owner}), session.batch};
}

Hub::Applied Hub::apply(Principal const& principal, RevokeToken& command, Reply&) {
  auto const found = find(principal, Action::share, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  if (session.find_token(command.token_id) == nullptr)
    return {error(Code::not_found, "Token not found: " + command.token_id), session.batch};
  std::erase_if(session.tokens, [&](SessionToken const& token) { return token.id == command.token_id; });
  append(session,
         Event{.at_us = world_.clock.now().utc_us,
               .type = EventType::token_revoked,
               .data = to_data(command.token_id),
               .user = principal.name},
         {tokens_mark(session)});
  auto const members = session.members;
  for (auto* member : members) {
    auto const& grant = member->principal.grant;
    if (grant && grant->token_id == command.token_id) send_away(*member, close_policy, "token revoked");
  }
  return {Outcome(), session.batch};
}

Hub::Applied Hub::apply(Principal const& principal, ListTokens& command, Reply&) {
  auto const found = find(principal, Action::share, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  drop_expired_tokens(*found.session);
  return {Outcome(found.session->tokens), found.session->batch};
}

// A single-use token is used up by the first thing it is used for; a connection that came in with it stays.
Result<> Hub::use_token(Session& session, Principal const& principal) {
  if (principal.role != Role::guest || principal.is_inside) return {};
  auto const token = std::ranges::find(session.tokens, principal.grant->token_id, &SessionToken::id);
  if (token == session.tokens.end() || !token->single_use) return {};
  if (token->used) return error(Code::unauthenticated, "Invalid or expired token");
  token->used = true;
  append(session,
         Event{.at_us = world_.clock.now().utc_us,
               .type = EventType::token_used,
               .data = to_data(token->id),
               .user = principal.name},
         {tokens_mark(session)});
  return {};
}

void Hub::drop_expired_tokens(Session& session) {
  auto const now_us = world_.clock.now().utc_us;
  std::erase_if(session.tokens, [&](SessionToken const& token) { return token.expires_us <= now_us; });
}

}  // namespace sojourn
