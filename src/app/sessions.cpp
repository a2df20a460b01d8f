#include "app/sessions.h"

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "app/nearest.h"
#include "app/table.h"
#include "app/words.h"
#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::int64_t tabs_ms_max = 35'000;  // the server itself waits 30 s for the browser
constexpr std::size_t page_sessions_max = 100;
constexpr std::size_t pages_max = 10'000;
constexpr std::array<std::string_view, 4> kinds{"browser", "extension", "shared", "all"};

constexpr std::string_view connect_one =
    "To connect one, load the extension \"Sojourn Browser Control\" in Chrome (chrome://extensions, "
    "Developer mode, Load unpacked); it connects by itself.\n";

// Extensions' sessions have routes of their own, which older servers know too.
bool is_of_extension(std::string_view id) { return id.starts_with("ext_"); }

// What a headless browser's session says of its page.
json::object const* find_browser(json::object const& session) {
  auto const* const browser = session.if_contains("browser");
  return browser != nullptr && browser->is_object() ? &browser->get_object() : nullptr;
}

std::string extension_target(std::string_view id, std::string_view rest = {}) {
  return "/api/websocket/sessions/" + encode_segment(id) + std::string(rest);
}

Error other_version(std::string_view what) {
  return error(Code::failed,
               "the server's answer has no " + std::string(what) + "; are server and command of the same version?");
}

std::string describe_moment(std::string_view iso, Terminal const& terminal) {
  auto const moment = parse_iso(iso);
  return moment ? describe_age(terminal.clock.now().utc_us - *moment) : std::string(iso);
}

// With the moment itself, for those who want it exactly.
std::string describe_moment_twice(std::string_view iso, Terminal const& terminal) {
  return iso.empty() ? "" : std::string(iso) + " (" + describe_moment(iso, terminal) + ")";
}

std::string describe_end(json::object const& session, Terminal const& terminal) {
  if (json::find_string(session, "kind") == "extension") return "with its connection";
  // Whoever looks on does not keep a headless browser.
  bool const is_kept = find_browser(session) == nullptr && find_integer(session, "connections").value_or(0) > 0;
  if (is_kept) return "not while connected";
  auto const iso = json::find_string(session, "expires_at");
  auto const moment = parse_iso(iso);
  return moment ? describe_wait(*moment - terminal.clock.now().utc_us) : std::string(iso);
}

std::string describe_count(json::object const& session, std::string_view key) {
  auto const count = find_integer(session, key);
  return count ? std::to_string(*count) : "";
}

Result<json::array> take_list(json::object& answer, std::string_view key, std::string_view what) {
  auto* const list = answer.if_contains(key);
  if (list == nullptr || !list->is_array()) return other_version(what);
  return std::move(list->get_array());
}

// All pages of the list.
Result<json::array> read_sessions(Target const& target, SessionFilter const& filter, Terminal const& terminal) {
  std::string query = "?kind=" + (filter.kind.empty() ? "all" : encode_segment(filter.kind));
  if (!filter.owner.empty()) query += "&user_id=" + encode_segment(filter.owner);
  json::array sessions;
  for (std::size_t page = 0; page < pages_max; ++page) {
    auto const place = "&limit=" + std::to_string(page_sessions_max) + "&offset=" + std::to_string(sessions.size());
    auto answer = ask(target, terminal, {"GET", "/api/v1/sessions" + query + place, {}});
    if (!answer) return answer.error();
    auto list = take_list(answer->body, "sessions", "list of sessions");
    if (!list) return list.error();
    for (auto& session : *list) sessions.push_back(std::move(session));
    auto const total = find_integer(answer->body, "total_count").value_or(0);
    if (list->empty() || static_cast<std::int64_t>(sessions.size()) >= total) break;
  }
  return sessions;
}

// Where browsers' sessions come from is told by their own list only. Without an answer there is less to show.
void add_browsers(Target const& target, Terminal const& terminal, json::array& sessions) {
  auto const is_extension = [](json::value const& item) {
    return item.is_object() && json::find_string(item.get_object(), "kind") == "extension";
  };
  if (std::none_of(sessions.begin(), sessions.end(), is_extension)) return;
  auto answer = ask(target, terminal, {"GET", "/api/websocket/sessions", {}});
  if (!answer) return;
  auto const list = take_list(answer->body, "sessions", "");
  if (!list) return;
  std::map<std::string_view, json::object const*> known;
  for (auto const& item : *list) {
    if (item.is_object()) known[json::find_string(item.get_object(), "sessionId")] = &item.get_object();
  }
  for (auto& item : sessions) {
    if (!is_extension(item)) continue;
    auto& session = item.get_object();
    auto const found = known.find(json::find_string(session, "session_id"));
    if (found == known.end()) continue;
    session["address"] = json::find_string(*found->second, "ip");
    session["user_agent"] = json::find_string(*found->second, "userAgent");
  }
}

// "Example Domain (https://example.com/)"
std::string describe_page(json::object const& session) {
  auto const* const browser = find_browser(session);
  if (browser == nullptr) return {};
  std::string text(json::find_string(*browser, "title"));
  auto const url = json::find_string(*browser, "url");
  if (text.empty() || url.empty()) return text + std::string(url);
  return text.append(" (").append(url).append(")");
}

// Columns that only sessions of one kind have something to say in.
struct Column {
  std::string title;
  std::string (*describe)(json::object const& session);
};

std::vector<Column> choose_columns(json::array const& sessions) {
  auto const has = [&](std::string_view key) {
    return std::any_of(sessions.begin(), sessions.end(), [key](json::value const& item) {
      return item.is_object() && item.get_object().contains({key.data(), key.size()});
    });
  };
  std::vector<Column> columns;
  if (has("address")) {
    columns.push_back({"ADDRESS", [](json::object const& s) { return std::string(json::find_string(s, "address")); }});
    columns.push_back({"BROWSER", [](json::object const& s) {
                         return s.contains("user_agent") ? describe_browser(json::find_string(s, "user_agent")) : "";
                       }});
  }
  if (has("browser")) columns.push_back({"PAGE", describe_page});
  return columns;
}

std::string to_table(json::array const& sessions, Terminal const& terminal) {
  Table table{{"SESSION", "KIND", "OWNER", "CONNECTIONS", "LAST ACTIVE", "ENDS"}, {}};
  auto const more = choose_columns(sessions);
  for (auto const& column : more) table.titles.push_back(column.title);
  for (auto const& item : sessions) {
    if (!item.is_object()) continue;
    auto const& session = item.get_object();
    auto& row = table.rows.emplace_back();
    for (auto const* const key : {"session_id", "kind", "user_id"}) row.emplace_back(json::find_string(session, key));
    row.push_back(describe_count(session, "connections"));
    row.push_back(describe_moment(json::find_string(session, "last_activity"), terminal));
    row.push_back(describe_end(session, terminal));
    for (auto const& column : more) row.push_back(column.describe(session));
  }
  return to_text(table);
}

std::string describe_none(SessionFilter const& filter) {
  if (!filter.owner.empty()) return "There is no such session of " + visible(filter.owner) + ".\n";
  if (filter.kind == "extension") return "No browser is connected.\n" + std::string(connect_one);
  if (filter.kind == "shared") return "There is no shared session.\n";
  if (filter.kind == "browser") return "There is no session of a headless browser; open one with: sojourn open URL\n";
  return "There is no session, and no browser is connected.\n" + std::string(connect_one);
}

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string to_text(Lines const& lines) {
  std::string text;
  for (auto const& [name, value] : lines) {
    if (!value.empty()) text += name + std::string(13 - name.size(), ' ') + visible(value) + "\n";
  }
  return text;
}

Lines describe_extension_session(json::object const& session, Terminal const& terminal) {
  auto const agent = json::find_string(session, "userAgent");
  return {{"Session", std::string(json::find_string(session, "sessionId"))},
          {"Kind", "extension"},
          {"Connected", describe_moment_twice(json::find_string(session, "connectedAt"), terminal)},
          {"Last seen", describe_moment_twice(json::find_string(session, "lastSeen"), terminal)},
          {"Browser", describe_browser(agent)},
          {"User agent", std::string(agent)}};
}

// Without what the server counts itself.
json::object find_own_metadata(json::object const& session) {
  auto const* const all = session.if_contains("metadata");
  if (all == nullptr || !all->is_object()) return {};
  auto own = all->get_object();
  for (auto const* const name : {"last_activity", "data_uploads_count", "case_history_count"}) own.erase(name);
  return own;
}

Lines describe_session(json::object const& session, Terminal const& terminal) {
  Lines lines;
  auto const add = [&](std::string name, std::string_view key) {
    lines.emplace_back(std::move(name), std::string(json::find_string(session, key)));
  };
  add("Session", "session_id");
  add("Kind", "kind");
  add("Owner", "user_id");
  add("Client", "client_id");
  add("Type", "session_type");
  add("Status", "status");
  lines.emplace_back("Created", describe_moment_twice(json::find_string(session, "created_at"), terminal));
  lines.emplace_back("Last active", describe_moment_twice(json::find_string(session, "last_activity"), terminal));
  lines.emplace_back("Ends", describe_end(session, terminal));
  if (auto const* const browser = find_browser(session)) {
    lines.emplace_back("Page", std::string(json::find_string(*browser, "title")));
    lines.emplace_back("Address", std::string(json::find_string(*browser, "url")));
    lines.emplace_back("Calls", describe_count(*browser, "calls"));
  }
  add("Cursor", "cursor");
  lines.emplace_back("Revision", describe_count(session, "revision"));
  lines.emplace_back("Connections", describe_count(session, "connections"));
  if (auto const own = find_own_metadata(session); !own.empty()) lines.emplace_back("Metadata", json::to_text(own));
  return lines;
}

// Who is connected, for people. Without an answer there is less to show.
std::string describe_connections(Target const& target, std::string const& id, Terminal const& terminal) {
  auto answer = ask(target, terminal, {"GET", session_target(id, "/connections"), {}});
  if (!answer) return {};
  auto const list = take_list(answer->body, "connections", "");
  if (!list || list->empty()) return {};
  Table table{{"CONNECTION", "USER", "TRANSPORT", "CONNECTED", "LAST SEEN", "ADDRESS", "CLIENT"}, {}};
  for (auto const& item : *list) {
    if (!item.is_object()) continue;
    auto const& one = item.get_object();
    table.rows.push_back({std::string(json::find_string(one, "connection_id")),
                          std::string(json::find_string(one, "user")), std::string(json::find_string(one, "transport")),
                          describe_moment(json::find_string(one, "connected_at"), terminal),
                          describe_moment(json::find_string(one, "last_seen"), terminal),
                          std::string(json::find_string(one, "address")),
                          describe_browser(json::find_string(one, "user_agent"))});
  }
  return "\n" + to_text(table);
}

Result<> check_message(std::string_view text, bool needs_type) {
  constexpr std::string_view form = R"(; write for example '{"type":"navigate","data":{"url":"https://example.com"}}')";
  auto const value = json::parse(text);
  if (!value) return error(Code::invalid, "the message can't be sent: " + value.error().message + std::string(form));
  if (!value->is_object()) return error(Code::invalid, "the message is not a JSON object" + std::string(form));
  auto const* const type = value->get_object().if_contains("type");
  if (type == nullptr && needs_type) return error(Code::invalid, "the message has no \"type\"" + std::string(form));
  if (type != nullptr && !type->is_string()) {
    return error(Code::invalid, "the message's \"type\" is not text" + std::string(form));
  }
  return {};
}

}  // namespace

std::string session_target(std::string_view id, std::string_view rest) {
  return "/api/v1/sessions/" + encode_segment(id) + std::string(rest);
}

Result<> list_sessions(Target const& target, SessionFilter const& filter, Terminal& terminal) {
  if (!filter.kind.empty() && std::find(kinds.begin(), kinds.end(), filter.kind) == kinds.end()) {
    return error(Code::usage,
                 "--kind: there is no kind \"" + filter.kind + "\" of session; " + suggest(filter.kind, kinds));
  }
  auto sessions = read_sessions(target, filter, terminal);
  if (!sessions) return sessions.error();
  add_browsers(target, terminal, *sessions);
  if (target.json) {
    auto const count = sessions->size();
    return print_json(terminal, json::object{{"sessions", std::move(*sessions)}, {"total_count", count}});
  }
  if (sessions->empty()) return print(terminal, describe_none(filter));
  return print(terminal, to_table(*sessions, terminal));
}

Result<> show_session(Target const& target, std::string const& id, Terminal& terminal) {
  bool const is_extension = is_of_extension(id);
  auto const answer = ask(target, terminal, {"GET", is_extension ? extension_target(id) : session_target(id), {}});
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, answer->body);
  if (is_extension) return print(terminal, to_text(describe_extension_session(answer->body, terminal)));
  return print(terminal,
               to_text(describe_session(answer->body, terminal)) + describe_connections(target, id, terminal));
}

Result<> close_session(Target const& target, std::string const& id, Terminal& terminal) {
  auto const answer =
      ask(target, terminal, {"DELETE", is_of_extension(id) ? extension_target(id) : session_target(id), {}});
  if (!answer) return answer.error();
  if (!target.json) return print(terminal, "Closed " + visible(id) + "\n");
  if (!answer->body.empty()) return print_json(terminal, answer->body);
  return print_json(terminal, json::object{{"session_id", id}, {"status", "closed"}});
}

Result<> send_message(Target const& target, std::string const& id, std::string const& message, Terminal& terminal) {
  bool const is_extension = is_of_extension(id);
  auto const text = take_text(message, terminal);
  if (!text) return text.error();
  if (auto const checked = check_message(*text, !is_extension); !checked) return checked;
  auto const place = is_extension ? extension_target(id, "/message") : session_target(id, "/events");
  auto const answer = ask(target, terminal, {"POST", place, *text});
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, answer->body);
  auto const cursor = json::find_string(answer->body, "cursor");
  return print(terminal, "Sent to " + visible(id) + (cursor.empty() ? "" : " (" + visible(cursor) + ")") + "\n");
}

Result<> list_tabs(Target const& target, std::string const& id, Terminal& terminal) {
  auto answer = ask(target, terminal, {"GET", "/api/browser/" + encode_segment(id) + "/tabs", {}}, tabs_ms_max);
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, answer->body);
  auto const* const tabs = answer->body.if_contains("result");
  if (tabs == nullptr || !tabs->is_array())
    return error(Code::failed, "the browser's answer has no list of tabs; update its extension");
  if (tabs->get_array().empty()) return print(terminal, "The browser has no tabs.\n");
  Table table{{"TAB", "ACTIVE", "TITLE", "URL"}, {}};
  for (auto const& item : tabs->get_array()) {
    if (!item.is_object()) continue;
    auto const& tab = item.get_object();
    auto const* const number = tab.if_contains("id");
    auto const* const active = tab.if_contains("active");
    table.rows.push_back({number == nullptr ? "" : json::to_text(*number),
                          active != nullptr && active->is_bool() && active->get_bool() ? "yes" : "",
                          std::string(json::find_string(tab, "title")), std::string(json::find_string(tab, "url"))});
  }
  return print(terminal, to_text(table));
}

}  // namespace sojourn
