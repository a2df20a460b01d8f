#include "api/sessions.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/session_answer.h"
#include "api/session_wish.h"
#include "base/json.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t minute_us = 60 * second_us;
constexpr std::int64_t token_seconds_max = 30 * 24 * 3600;

Error wrong(std::string_view name, std::string_view what) { return wrong_field("body", name, what); }

void append_time(std::string& out, std::string_view name, std::int64_t utc_us) {
  out.append(",\"").append(name).append("\":");
  if (utc_us == 0)
    out += "null";
  else
    out.append("\"").append(to_iso_us(utc_us)).append("\"");
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  json::append_string(out, text);
}

void append_number(std::string& out, std::string_view name, std::uint64_t number) {
  out.append(",\"").append(name).append("\":").append(std::to_string(number));
}

void append_birth(std::string& out, SessionInfo const& info) {
  append_text_member(out, "session_id", info.id);
  append_text(out, "user_id", info.owner);
  if (info.client_id.empty())
    out += ",\"client_id\":null";
  else
    append_text(out, "client_id", info.client_id);
  append_text(out, "kind", to_word(info.kind));
  append_time(out, "created_at", info.opened_us);
  append_time(out, "expires_at", info.expires_us);
  out += ",\"status\":\"active\"";
  append_text(out, "session_type", info.type);
}

// What a browser session has beside what the others have.
void append_browser(std::string& out, SessionInfo const& info) {
  if (info.kind != SessionKind::browser) return;
  out += ",\"timeout_s\":" + std::to_string(info.idle_us / second_us);
  out += ",\"max_life_s\":" + (info.life_us == 0 ? "null" : std::to_string(info.life_us / second_us));
  out += ",\"browser\":{";
  append_text_member(out, "url", info.url);
  append_text(out, "title", info.title);
  out += ",\"width\":" + std::to_string(info.width) + ",\"height\":" + std::to_string(info.height);
  append_number(out, "calls", info.calls);
  append_time(out, "last_call_at", info.last_call_us);
  append_time(out, "checkpoint_at", info.checkpoint_us);
  out += '}';
}

// The owner's members first; ours stand behind them and win.
void append_metadata(std::string& out, SessionInfo const& info) {
  if (info.metadata == "{}") {  // as in most sessions, which need not pay for the others
    out.append("{\"last_activity\":\"").append(to_iso_us(info.last_seen_us));
    out.append("\",\"data_uploads_count\":0,\"case_history_count\":").append(std::to_string(info.cases)) += '}';
    return;
  }
  auto metadata = json::parse(info.metadata);
  auto members = metadata && metadata->is_object() ? std::move(metadata->get_object()) : json::object();
  members["last_activity"] = to_iso_us(info.last_seen_us);
  members["data_uploads_count"] = 0;
  members["case_history_count"] = info.cases;
  json::append(out, members);
}

std::string to_opened(Opened const& opened) {
  std::string out = "{";
  append_birth(out, opened.session);
  append_browser(out, opened.session);
  out += std::string(",\"session_resumed\":") + (opened.resumed ? "true" : "false") +
         ",\"timeout_minutes\":" + std::to_string(opened.session.idle_us / minute_us) + ",\"message\":\"Session " +
         (opened.resumed ? "resumed" : "created") + " successfully\"}";
  return out;
}

std::string to_listed(SessionInfo const& info) {
  std::string out = "{";
  append_birth(out, info);
  append_time(out, "last_activity", info.last_seen_us);
  append_text(out, "usage_type", info.type);
  append_number(out, "connections", info.connections);
  out += ",\"data_uploads_count\":0";
  append_number(out, "case_history_count", info.cases);
  append_browser(out, info);
  return out += '}';
}

std::string to_page(SessionPage const& page, ListSessions const& asked) {
  std::string out = "{\"sessions\":[";
  for (auto const& info : page.sessions) out += to_listed(info) + ",";
  if (!page.sessions.empty()) out.pop_back();
  return out += "],\"total_count\":" + std::to_string(page.total) + ",\"limit\":" + std::to_string(asked.limit) +
                ",\"offset\":" + std::to_string(asked.offset) + "}";
}

std::string to_shown(SessionInfo const& info) {
  constexpr std::size_t usual_bytes = 640;
  std::string out;
  out.reserve(usual_bytes);
  out += "{\"schema_version\":\"3.1.0\",";
  append_birth(out, info);
  append_time(out, "last_activity", info.last_seen_us);
  append_number(out, "timeout_minutes", static_cast<std::uint64_t>(info.idle_us / minute_us));
  append_number(out, "connections", info.connections);
  append_text(out, "cursor", to_text(info.cursor));
  append_number(out, "revision", info.revision);
  append_browser(out, info);
  out += ",\"metadata\":";
  append_metadata(out, info);
  return out += ",\"session_resumed\":false}";
}

Result<AnyKind> parse_kind(std::string const& word) {
  if (word.empty() || word == "shared") return AnyKind(SessionKind::shared);
  if (word == "extension") return AnyKind(SessionKind::extension);
  if (word == "browser") return AnyKind(SessionKind::browser);
  if (word == "all") return AnyKind();
  return wrong_field("query", "kind", "has to be shared, extension, browser or all");
}

Result<ListSessions> parse_filters(Request const& request) {
  ListSessions command;
  auto const kind = parse_kind(request.parameter("kind"));
  if (!kind) return kind.error();
  auto const limit = parse_number("limit", request.parameter("limit"), 50, {1, 100});
  if (!limit) return limit.error();
  auto const offset = parse_number("offset", request.parameter("offset"), 0, {0, INT64_MAX});
  if (!offset) return offset.error();
  command.kind = *kind;
  command.limit = static_cast<std::size_t>(*limit);
  command.offset = static_cast<std::size_t>(*offset);
  command.owner = request.parameter("user_id");
  command.type = request.parameter("session_type");
  if (command.type.empty()) command.type = request.parameter("usage_type");
  auto const label = request.parameter("label");
  auto const colon = label.find(':');
  if (!label.empty() && colon == std::string::npos) return wrong_field("query", "label", "has to be NAME:VALUE");
  command.label = label.substr(0, colon);
  if (colon != std::string::npos) command.label_value = label.substr(colon + 1);
  auto const connected = request.parameter("connected");
  if (!connected.empty() && connected != "true" && connected != "false")
    return wrong_field("query", "connected", "has to be true or false");
  if (!connected.empty()) command.connected = connected == "true";
  return command;
}

std::string to_connection(ConnectionInfo const& info) {
  return "{\"connection_id\":\"" + to_text(info.id) + "\",\"user\":" + json_text(info.user) +
         ",\"transport\":" + json_text(info.transport) + ",\"connected_at\":" + json_time(info.connected_us) +
         ",\"last_seen\":" + json_time(info.last_seen_us) + ",\"user_agent\":" + json_text(info.user_agent) +
         ",\"address\":" + json_text(info.address) + "}";
}

std::string to_token(SessionToken const& token) {
  return "{\"id\":" + json_text(token.id) + ",\"scope\":\"" + std::string(to_word(token.scope)) +
         "\",\"expires_at\":" + json_time(token.expires_us) +
         ",\"single_use\":" + (token.single_use ? "true" : "false") + ",\"used\":" + (token.used ? "true}" : "false}");
}

struct TokenWish {
  MintToken command;
  std::string user;
};

Result<TokenWish> parse_token_wish(json::object const& body) {
  TokenWish wish;
  auto const scope = body.contains("scope") ? to_scope(json::find_string(body, "scope")) : Scope::read;
  if (!scope || *scope == Scope::admin) return wrong("scope", "has to be read, write or control");
  wish.command.scope = *scope;
  std::int64_t seconds = 3600;
  if (auto const* const given = body.if_contains("expires_in_s")) {
    if (!given->is_int64() || given->get_int64() < 1 || given->get_int64() > token_seconds_max)
      return wrong("expires_in_s", "has to be a whole number from 1 to " + std::to_string(token_seconds_max));
    seconds = given->get_int64();
  }
  wish.command.lifetime_us = seconds * 1'000'000;
  if (auto const* const single = body.if_contains("single_use")) {
    if (!single->is_bool()) return wrong("single_use", "has to be true or false");
    wish.command.single_use = single->get_bool();
  }
  if (auto const* const user = body.if_contains("user")) {
    if (!user->is_string() || !is_user_name(user->get_string())) return wrong("user", "has to be a name");
    wish.user = std::string(user->get_string());
  }
  return wish;
}

}  // namespace

Result<std::int64_t> parse_number(std::string_view name, std::string const& text, std::int64_t otherwise,
                                  std::pair<std::int64_t, std::int64_t> bounds) {
  if (text.empty()) return otherwise;
  std::int64_t number = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, ec] = std::from_chars(text.data(), end, number);
  if (ec == std::errc() && stop == end && number >= bounds.first && number <= bounds.second) return number;
  return wrong_field("query", name,
                     "has to be a whole number from " + std::to_string(bounds.first) +
                         (bounds.second == INT64_MAX ? " on" : " to " + std::to_string(bounds.second)));
}

std::span<Route const> Sessions::routes() {
  static constexpr std::array table{
      Route{"POST", "/api/v1/sessions", handle<&Sessions::open>, "Open a session, or find that of client_id again"},
      Route{"GET", "/api/v1/sessions", handle<&Sessions::list>, "Sessions by kind, user, type, label, connected"},
      Route{"GET", "/api/v1/sessions/:id", handle<&Sessions::show>, "One session"},
      Route{"DELETE", "/api/v1/sessions/:id", handle<&Sessions::close>, "End it for everybody"},
      Route{"GET", "/api/v1/sessions/:id/connections", handle<&Sessions::list_connections>, "Who is in it"},
      Route{"DELETE", "/api/v1/sessions/:id/connections/:connection", handle<&Sessions::kick>, "Send one away"},
      Route{"POST", "/api/v1/sessions/:id/tokens", handle<&Sessions::mint_token>, "A token for this session alone"},
      Route{"GET", "/api/v1/sessions/:id/tokens", handle<&Sessions::list_tokens>, "Its tokens that live"},
      Route{"DELETE", "/api/v1/sessions/:id/tokens/:token", handle<&Sessions::revoke_token>,
            "Take a token back and close what came in with it"},
  };
  return table;
}

void Sessions::open(Request const& request, Parameters const&, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto command = parse_open(*body);
  if (!command) return respond(detail_response(command.error()));
  auto& owner = command->wish.owner = request.parameter("user_id");
  if (!owner.empty() && !is_user_name(owner))
    return respond(detail_response(wrong_field("query", "user_id", "has to be a name")));
  hub_.submit(request.principal, std::move(*command), answer_with<Opened>(respond, {}, [](Opened const& opened) {
                auto response = json_response(to_opened(opened), 201);
                response.headers.emplace_back("Location", "/api/v1/sessions/" + opened.session.id);
                return response;
              }));
}

void Sessions::list(Request const& request, Parameters const&, Respond respond) {
  auto const command = parse_filters(request);
  if (!command) return respond(detail_response(command.error()));
  bool const is_foreign =
      !request.principal.is_admin() && !command->owner.empty() && command->owner != request.principal.name;
  if (is_foreign)
    return respond(detail_response(error(Code::forbidden, "only an admin lists another user's sessions")));
  hub_.submit(request.principal, *command,
              answer_with<SessionPage>(respond, {}, [asked = *command](SessionPage const& page) {
                auto response = json_response(to_page(page, asked));
                response.headers.emplace_back("X-Total-Count", std::to_string(page.total));
                return response;
              }));
}

void Sessions::show(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, GetSession{{}, id}, answer_with<SessionInfo>(respond, id, [](SessionInfo const& info) {
                return json_response(to_shown(info));
              }));
}

void Sessions::close(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, CloseSession{{}, id},
              answer_with<SessionInfo>(respond, id, [](SessionInfo const&) { return empty_response(); }));
}

void Sessions::list_connections(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  using List = std::vector<ConnectionInfo>;
  hub_.submit(request.principal, ListConnections{{}, id}, answer_with<List>(respond, id, [](List const& list) {
                std::string out = "{\"connections\":[";
                for (auto const& info : list) out += to_connection(info) + ",";
                if (!list.empty()) out.pop_back();
                return json_response(out + "],\"count\":" + std::to_string(list.size()) + "}");
              }));
}

void Sessions::kick(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const connection = to_connection_id(parameters.at[1]);
  hub_.submit(request.principal, KickConnection{{}, id, connection},
              answer_with<std::monostate>(respond, id, [](std::monostate) { return empty_response(); }));
}

void Sessions::mint_token(Request const& request, Parameters const& parameters, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto wish = parse_token_wish(*body);
  if (!wish) return respond(detail_response(wish.error()));
  auto const id = wish->command.id = decode_segment(parameters.at[0]);
  auto const mint = [&identity = identity_, user = wish->user, now_us = request.at.utc_us](Minted const& minted) {
    auto const& token = minted.token;
    Claims const claims{user.empty() ? minted.owner : user, token.expires_us / 1'000'000, token.scope,
                        minted.session_id, token.id};
    auto record = to_token(token);
    record.replace(0, 1, "{\"token\":" + json_text(identity.keys().mint(claims, now_us)) + ",");
    return json_response(std::move(record), 201);
  };
  hub_.submit(request.principal, std::move(wish->command), answer_with<Minted>(respond, id, mint));
}

void Sessions::list_tokens(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  using List = std::vector<SessionToken>;
  hub_.submit(request.principal, ListTokens{{}, id}, answer_with<List>(respond, id, [](List const& list) {
                std::string out = "{\"tokens\":[";
                for (auto const& token : list) out += to_token(token) + ",";
                if (!list.empty()) out.pop_back();
                return json_response(out + "]}");
              }));
}

void Sessions::revoke_token(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, RevokeToken{{}, id, decode_segment(parameters.at[1])},
              answer_with<std::monostate>(respond, id, [](std::monostate) { return empty_response(); }));
}

}  // namespace sojourn
