#include "app/commands.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "app/file.h"
#include "app/table.h"
#include "app/words.h"
#include "base/json.h"
#include "net/client.h"

namespace sojourn {
namespace {

constexpr std::int64_t answer_ms_max = 10'000;
constexpr std::int64_t tabs_ms_max = 35'000;  // the server itself waits 30 s for the browser
constexpr std::size_t record_bytes_max = 64 * 1024;
constexpr std::size_t message_bytes_max = 64 * 1024 * 1024;
constexpr std::string_view start_one = "start one with: sojourn serve";

std::string encode_segment(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (char const c : text) {
    if (plain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    auto const byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4];
    out += "0123456789ABCDEF"[byte & 15U];
  }
  return out;
}

std::string_view get_remedy(Code code) {
  switch (code) {
    case Code::not_found:
      return "; list those that are connected with: sojourn sessions";
    case Code::not_connected:
      return "; its browser is just leaving, see: sojourn sessions";
    case Code::timeout:
      return "; the browser may be busy, try again";
    case Code::too_many:
      return "; try again in a moment";
    case Code::internal:
      return "; the server's log says more";
    default:
      return "";
  }
}

// The server's own words where it has some.
Error to_error(ClientResponse const& response) {
  Code code = to_code(response.status);
  std::string words;
  if (auto const body = json::parse(response.body); body && body->is_object()) {
    words = json::find_string(body->get_object(), "error");
    // The tabs' answers say by these members that the browser, and not the server, failed.
    if (response.status == 500 && body->get_object().contains("success")) code = Code::failed;
  }
  if (response.status == 500 && words.ends_with("timeout")) code = Code::timeout;
  if (words.empty()) words = "it answered " + std::to_string(response.status) + " without an explanation";
  std::string text = "the server says: " + words;
  if (words.find(';') == std::string::npos) text += get_remedy(code);
  return error(code, std::move(text));
}

Result<json::object> ask(Target const& target, Terminal const& terminal, ClientRequest const& request,
                         std::int64_t ms_max) {
  auto const server = find_server(target, terminal.environment);
  if (!server) return server.error();
  auto const response = fetch(server->url, request, ms_max);
  if (!response) {
    auto failure = response.error();
    if (failure.code == Code::unavailable)
      failure.message += " (named by " + server->source + "); " + std::string(start_one);
    if (failure.code == Code::timeout) failure.message += "; is it overloaded, or another program?";
    return failure;
  }
  if (response->status < 200 || response->status > 299) return to_error(*response);
  auto body = json::parse(response->body);
  if (!body || !body->is_object()) {
    return error(Code::failed, "what answers at " + server->url + " is no sojourn server; check " + server->source);
  }
  return std::move(body->get_object());
}

Result<> print(Terminal& terminal, std::string const& text) {
  terminal.out << text;
  if (!terminal.out.flush())
    return error(Code::storage_full, "the answer can't be written to standard output; is its disk full?");
  return {};
}

Result<> print_json(Terminal& terminal, json::object const& answer) {
  return print(terminal, visible_json(json::to_text(answer)) + "\n");
}

std::string describe_moment(std::string_view iso, Terminal const& terminal) {
  auto const moment = parse_iso_ms(iso);
  return moment ? describe_age(terminal.clock.now().utc_us - *moment) : std::string(iso);
}

std::string session_target(std::string const& id, std::string_view rest = {}) {
  return "/api/websocket/sessions/" + encode_segment(id) + std::string(rest);
}

Result<> print_sessions(Terminal& terminal, json::array const& sessions) {
  Table table{{"SESSION", "CONNECTED", "LAST SEEN", "ADDRESS", "BROWSER"}, {}};
  for (auto const& item : sessions) {
    if (!item.is_object()) continue;
    auto const& session = item.get_object();
    table.rows.push_back({std::string(json::find_string(session, "sessionId")),
                          describe_moment(json::find_string(session, "connectedAt"), terminal),
                          describe_moment(json::find_string(session, "lastSeen"), terminal),
                          std::string(json::find_string(session, "ip")),
                          describe_browser(json::find_string(session, "userAgent"))});
  }
  return print(terminal, to_text(table));
}

Result<std::string> take_message(std::string const& message, Terminal& terminal) {
  if (message != "-") return message;
  std::string text;
  std::array<char, 65536> buffer{};
  while (terminal.in && text.size() <= message_bytes_max) {
    terminal.in.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(terminal.in.gcount()));
  }
  if (text.size() > message_bytes_max)
    return error(Code::too_large, "the message on standard input is over 64 MiB; send less");
  return text;
}

Result<> check_message(std::string_view text) {
  constexpr std::string_view form = R"(; write for example '{"type":"navigate","data":{"url":"https://example.com"}}')";
  auto const value = json::parse(text);
  if (!value) return error(Code::invalid, "the message can't be sent: " + value.error().message + std::string(form));
  if (!value->is_object()) return error(Code::invalid, "the message is not a JSON object" + std::string(form));
  auto const* const type = value->get_object().if_contains("type");
  if (type != nullptr && !type->is_string()) {
    return error(Code::invalid, "the message's \"type\" is not text" + std::string(form));
  }
  return {};
}

}  // namespace

Result<FoundServer> find_server(Target const& target, Environment const& environment) {
  FoundServer found{target.server, "--server"};
  if (found.url.empty()) {
    auto const variable = environment.find("SOJOURN_SERVER");
    if (variable != environment.end()) found = {variable->second, "SOJOURN_SERVER"};
  }
  if (!found.url.empty()) {
    if (auto const address = parse_server_url(found.url); !address) {
      return error(address.error().code, found.source + ": " + address.error().message);
    }
    return found;
  }
  auto const folder = find_data_folder(target.data, environment);
  if (!folder) return folder.error();
  found.source = *folder + "/server.json";
  auto const text = read_file(found.source, record_bytes_max);
  if (!text && text.error().code == Code::not_found) {
    return error(Code::unavailable, "no server is running (looked in " + found.source + "); " + std::string(start_one));
  }
  if (!text) return error(Code::unavailable, text.error().message + "; name the server with --server URL");
  auto const record = json::parse(*text);
  if (record && record->is_object()) found.url = json::find_string(record->get_object(), "address");
  if (!parse_server_url(found.url)) {
    return error(Code::unavailable, found.source + " is damaged; start the server again, or name it with --server URL");
  }
  return found;
}

Code to_code(int http_status) {
  // Several codes share 400, 500 and 503; these speak for a server that says no more.
  if (http_status == 408) return Code::timeout;
  if (http_status == 500) return Code::internal;
  for (auto const& entry : error_table()) {
    if (entry.http_status == http_status) return entry.code;
  }
  if (http_status >= 500) return Code::internal;
  return Code::failed;
}

Result<> list_sessions(Target const& target, Terminal& terminal) {
  auto const answer = ask(target, terminal, {"GET", "/api/websocket/sessions", {}}, answer_ms_max);
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, *answer);
  auto const* const sessions = answer->if_contains("sessions");
  if (sessions == nullptr || !sessions->is_array())
    return error(Code::failed,
                 "the server's answer has no list of sessions; are server and command of the same version?");
  if (!sessions->get_array().empty()) return print_sessions(terminal, sessions->get_array());
  return print(terminal,
               "No browser is connected.\n"
               "To connect one, load the extension \"Sojourn Browser Control\" in Chrome (chrome://extensions, "
               "Developer mode, Load unpacked); it connects by itself.\n");
}

Result<> show_session(Target const& target, std::string const& id, Terminal& terminal) {
  auto const answer = ask(target, terminal, {"GET", session_target(id), {}}, answer_ms_max);
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, *answer);
  auto const agent = json::find_string(*answer, "userAgent");
  auto const moment = [&](std::string_view key) {
    auto const iso = json::find_string(*answer, key);
    return std::string(iso) + " (" + describe_moment(iso, terminal) + ")";
  };
  std::array<std::pair<std::string, std::string>, 5> const lines{{
      {"Session", std::string(json::find_string(*answer, "sessionId"))},
      {"Connected", moment("connectedAt")},
      {"Last seen", moment("lastSeen")},
      {"Browser", describe_browser(agent)},
      {"User agent", std::string(agent)},
  }};
  std::string text;
  for (auto const& [name, value] : lines) {
    text += name + std::string(12 - name.size(), ' ') + visible(value) + "\n";
  }
  return print(terminal, text);
}

Result<> list_tabs(Target const& target, std::string const& id, Terminal& terminal) {
  auto const answer = ask(target, terminal, {"GET", "/api/browser/" + encode_segment(id) + "/tabs", {}}, tabs_ms_max);
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, *answer);
  auto const* const tabs = answer->if_contains("result");
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

Result<> close_session(Target const& target, std::string const& id, Terminal& terminal) {
  auto const answer = ask(target, terminal, {"DELETE", session_target(id), {}}, answer_ms_max);
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, *answer);
  return print(terminal, "Closed " + visible(id) + "\n");
}

Result<> send_message(Target const& target, std::string const& id, std::string const& message, Terminal& terminal) {
  auto const text = take_message(message, terminal);
  if (!text) return text.error();
  if (auto const checked = check_message(*text); !checked) return checked;
  auto const answer = ask(target, terminal, {"POST", session_target(id, "/message"), *text}, answer_ms_max);
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, *answer);
  return print(terminal, "Sent to " + visible(id) + "\n");
}

}  // namespace sojourn
