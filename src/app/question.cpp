#include "app/question.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "app/file.h"

namespace sojourn {
namespace {

constexpr std::size_t record_bytes_max = 64 * 1024;
constexpr std::size_t text_bytes_max = 64 * 1024 * 1024;
constexpr std::string_view start_one = "start one with: sojourn serve";

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

// What a running server leaves in its data folder for us.
struct Record {
  std::string address;
  std::string token;  // empty when there is none, or nobody to give it to
};

// The port of a server that is gone may be anybody's by now.
bool is_alive(json::object const& record) {
  auto const pid = find_integer(record, "pid");
  return pid && *pid > 0 && *pid <= INT32_MAX && ::kill(static_cast<pid_t>(*pid), 0) == 0;
}

Result<Record> read_record(std::string const& path) {
  auto const text = read_file(path, record_bytes_max);
  if (!text && text.error().code == Code::not_found) {
    return error(Code::unavailable, "no server is running (looked in " + path + "); " + std::string(start_one));
  }
  if (!text) return error(Code::unavailable, text.error().message + "; name the server with --server URL");
  Record record;
  if (auto const value = json::parse(*text); value && value->is_object()) {
    auto const& object = value->get_object();
    record.address = json::find_string(object, "address");
    if (is_token(json::find_string(object, "token")) && is_alive(object)) {
      record.token = json::find_string(object, "token");
    }
  }
  if (!parse_server_url(record.address)) {
    return error(Code::unavailable, path + " is damaged; start the server again, or name it with --server URL");
  }
  return record;
}

// localhost and 127.0.0.1 are not the same: another program may have the port on [::1].
bool is_same(std::string const& left, std::string const& right) {
  auto const one = parse_server_url(left);
  auto const other = parse_server_url(right);
  return one && other && one->host == other->host && one->port == other->port;
}

Result<FoundServer> find_address(Target const& target, Environment const& environment) {
  FoundServer found{target.server, "--server", {}};
  if (found.url.empty()) found = {find_variable(environment, "SOJOURN_SERVER"), "SOJOURN_SERVER", {}};
  auto const folder = find_data_folder(target.data, environment);
  if (!found.url.empty()) {
    if (auto const address = parse_server_url(found.url); !address) {
      return error(address.error().code, found.source + ": " + address.error().message);
    }
    auto const record = folder ? read_record(*folder + "/server.json") : Result<Record>(folder.error());
    if (record && is_same(record->address, found.url)) found.token = record->token;
    return found;
  }
  if (!folder) return folder.error();
  found.source = *folder + "/server.json";
  auto record = read_record(found.source);
  if (!record) return record.error();
  found.url = std::move(record->address);
  found.token = std::move(record->token);
  return found;
}

std::string get_remedy(Code code, std::string_view words) {
  switch (code) {
    case Code::not_found:
      if (words.starts_with("State key")) return "; list those that there are with: sojourn state ID";
      [[fallthrough]];
    case Code::expired:
    case Code::ended:
      return "; list those that there are with: sojourn sessions";
    case Code::unauthenticated:
      return "; give a token in SOJOURN_TOKEN, this makes one: sojourn token --user NAME";
    case Code::not_connected:
      return "; its browser is just leaving, see: sojourn sessions";
    case Code::precondition_failed:
      return "; read it again";
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

std::optional<Code> find_code(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (word.starts_with("session_")) word.erase(0, std::strlen("session_"));
  for (auto const& entry : error_table()) {
    if (entry.word == word) return entry.code;
  }
  return std::nullopt;
}

// Doors call it differently.
// A list of what is wrong begins with what matters most.
std::string_view find_words(json::object const& body) {
  auto const* const list = body.if_contains("detail");
  if (list != nullptr && list->is_array() && !list->get_array().empty() && list->get_array()[0].is_object())
    return json::find_string(list->get_array()[0].get_object(), "msg");
  for (auto const* const name : {"detail", "error", "message"}) {
    if (auto const words = json::find_string(body, name); !words.empty()) return words;
  }
  return {};
}

}  // namespace

bool names_server(Target const& target, Environment const& environment) {
  return !target.server.empty() || !find_variable(environment, "SOJOURN_SERVER").empty();
}

Result<FoundServer> find_server(Target const& target, Environment const& environment) {
  auto found = find_address(target, environment);
  if (!found) return found;
  if (auto const token = find_variable(environment, "SOJOURN_TOKEN"); !token.empty()) {
    if (!is_token(token))
      return error(Code::usage, "SOJOURN_TOKEN is no token; make one with: sojourn token --user NAME");
    found->token = token;
  }
  return found;
}

Code to_code(int http_status) {
  // Several codes share 400, 500 and 503; these speak for a server that says no more.
  if (http_status == 408) return Code::timeout;
  if (http_status == 410) return Code::expired;
  if (http_status == 500) return Code::internal;
  for (auto const& entry : error_table()) {
    if (entry.http_status == http_status) return entry.code;
  }
  if (http_status >= 500) return Code::internal;
  return Code::failed;
}

Code to_code(std::string_view word) { return find_code(word).value_or(Code::failed); }

Error to_error(ClientResponse const& refusal) {
  Code code = to_code(refusal.status);
  std::string words;
  if (auto const body = json::parse(refusal.body); body && body->is_object()) {
    auto const* const inner = body->get_object().if_contains("error");
    auto const& object = inner != nullptr && inner->is_object() ? inner->get_object() : body->get_object();
    words = find_words(object);
    code = find_code(json::find_string(object, "code")).value_or(code);
    // The tabs' answers say by these members that the browser, and not the server, failed.
    if (refusal.status == 500 && object.contains("success")) code = Code::failed;
    auto const revision = find_integer(object, "revision");
    if (revision && !words.empty()) words += " (the revision is " + std::to_string(*revision) + ")";
  }
  if (refusal.status == 500 && words.ends_with("timeout")) code = Code::timeout;
  if (words.empty()) words = "it answered " + std::to_string(refusal.status) + " without an explanation";
  std::string text = "the server says: " + words;
  if (words.find(';') == std::string::npos) text += get_remedy(code, words);
  return error(code, std::move(text));
}

Error explain(Error failure, FoundServer const& server) {
  if (failure.code == Code::unavailable) {
    failure.message += " (named by " + server.source + "); " + std::string(start_one);
  }
  if (failure.code == Code::timeout) failure.message += "; is it overloaded, or another program?";
  return failure;
}

Error no_sojourn(FoundServer const& server) {
  return error(Code::failed, "what answers at " + server.url + " is no sojourn server; check " + server.source);
}

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

Result<ServerAnswer> ask(Target const& target, Terminal const& terminal, ClientRequest request, std::int64_t ms_max) {
  auto const server = find_server(target, terminal.environment);
  if (!server) return server.error();
  if (!server->token.empty()) request.headers.emplace_back("Authorization", "Bearer " + server->token);
  auto const response = fetch(server->url, request, ms_max);
  if (!response) return explain(response.error(), *server);
  if (response->status < 200 || response->status > 299) return to_error(*response);
  ServerAnswer answer{{}, std::string(response->find_header("ETag"))};
  if (response->status == 204) return answer;
  auto body = json::parse(response->body);
  if (!body || !body->is_object()) return no_sojourn(*server);
  answer.body = std::move(body->get_object());
  return answer;
}

std::optional<std::int64_t> find_integer(json::object const& object, std::string_view key) {
  auto const* const member = object.if_contains(key);
  if (member == nullptr || !member->is_int64()) return std::nullopt;
  return member->get_int64();
}

Result<std::string> take_text(std::string const& text, Terminal& terminal) {
  if (text != "-") return text;
  std::string taken;
  std::array<char, 65536> buffer{};
  while (terminal.in && taken.size() <= text_bytes_max) {
    terminal.in.read(buffer.data(), buffer.size());
    taken.append(buffer.data(), static_cast<std::size_t>(terminal.in.gcount()));
  }
  if (taken.size() > text_bytes_max) {
    return error(Code::too_large, "what standard input holds is over 64 MiB; send less");
  }
  return taken;
}

}  // namespace sojourn
