#include "app/state.h"

#include <charconv>
#include <utility>

#include "app/sessions.h"
#include "app/table.h"

namespace sojourn {
namespace {

void append_line(std::string& out, std::size_t depth) { out += "\n" + std::string(depth * 2, ' '); }

void append_pretty(std::string& out, json::value const& value, std::size_t depth) {
  bool const is_object = value.is_object() && !value.get_object().empty();
  bool const is_array = value.is_array() && !value.get_array().empty();
  if (!is_object && !is_array) return json::append(out, value);
  out += is_object ? '{' : '[';
  bool is_first = true;
  auto const begin = [&] {
    if (!std::exchange(is_first, false)) out += ',';
    append_line(out, depth + 1);
  };
  if (is_object) {
    for (auto const& [key, member] : value.get_object()) {
      begin();
      json::append_string(out, key);
      out += ": ";
      append_pretty(out, member, depth + 1);
    }
  } else {
    for (auto const& item : value.get_array()) {
      begin();
      append_pretty(out, item, depth + 1);
    }
  }
  append_line(out, depth);
  out += is_object ? '}' : ']';
}

// Line breaks are the printer's own: those of the values are escaped already.
std::string to_visible_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    out += visible_json(line) + "\n";
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

Result<> check(StateCommand const& command) {
  int const changes = int{command.value.has_value()} + int{command.patch.has_value()} + int{command.is_deleting};
  if (changes > 1) return error(Code::usage, "state: give one of VALUE, --patch and --delete");
  if (command.key && command.key->empty()) return error(Code::usage, "state: KEY is empty; leave it out for all keys");
  if (changes == 0 && command.if_revision) {
    return error(Code::usage, "state: --if-revision guards a change; give VALUE, --patch or --delete with it");
  }
  return {};
}

std::string to_place(StateCommand const& command) {
  auto const rest = command.key ? "/state/" + encode_segment(*command.key) : std::string("/state");
  return session_target(command.id, rest);
}

// "yes" for yes: mostly somebody meant the text.
std::string quote_for_shell(std::string_view text) {
  std::string quoted;
  json::append_string(quoted, text);
  return quoted.find('\'') == std::string::npos ? "'" + quoted + "'" : quoted;
}

Result<std::string> take_json(std::string const& given, std::string_view what, Terminal& terminal) {
  auto text = take_text(given, terminal);
  if (!text) return text;
  auto const value = json::parse(*text);
  if (value) return text;
  std::string message = std::string(what) + " can't be taken: " + value.error().message;
  if (given != "-" && !given.starts_with('{') && !given.starts_with('[') && !given.starts_with('"')) {
    message += "; for a text write it in both quotes: " + quote_for_shell(given);
  } else {
    message += "; write for example '{\"carrier\":\"UPS\",\"cost\":12.99}'";
  }
  return error(Code::invalid, std::move(message));
}

Result<ClientRequest> to_request(StateCommand const& command, Terminal& terminal) {
  ClientRequest request{command.is_deleting ? "DELETE" : "GET", to_place(command), {}};
  if (command.value || command.patch) {
    request.method = command.value ? "PUT" : "PATCH";
    auto body =
        command.value ? take_json(*command.value, "VALUE", terminal) : take_json(*command.patch, "the patch", terminal);
    if (!body) return body.error();
    request.body = std::move(*body);
  }
  if (command.if_revision) request.headers.emplace_back("If-Match", "\"" + std::to_string(*command.if_revision) + "\"");
  return request;
}

// Of the body, or else the ETag's "12".
std::optional<std::int64_t> find_revision(ServerAnswer const& answer) {
  if (auto const revision = find_integer(answer.body, "revision")) return revision;
  std::string_view digits = answer.etag;
  if (digits.starts_with('"')) digits.remove_prefix(1);
  std::int64_t revision = 0;
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), revision);
  if (ec != std::errc() || end == digits.data()) return std::nullopt;
  return revision;
}

Result<> show(StateCommand const& command, ServerAnswer const& answer, Terminal& terminal) {
  auto const* const value = answer.body.if_contains(command.key ? "value" : "state");
  if (value == nullptr) {
    return error(Code::failed, "the server's answer has no state; are server and command of the same version?");
  }
  return print(terminal, to_pretty(*value));
}

std::string describe_change(StateCommand const& command) {
  auto const what = command.key ? visible(*command.key) : std::string("the state");
  return std::string(command.is_deleting ? "Deleted "
                     : command.patch     ? "Patched "
                                         : "Set ") +
         what + " of " + visible(command.id);
}

}  // namespace

Result<> run_state(Target const& target, StateCommand const& command, Terminal& terminal) {
  if (auto const checked = check(command); !checked) return checked;
  auto const request = to_request(command, terminal);
  if (!request) return request.error();
  auto answer = ask(target, terminal, *request);
  if (!answer) return answer.error();
  bool const is_reading = request->method == "GET";
  if (is_reading && !target.json) return show(command, *answer, terminal);
  auto const revision = find_revision(*answer);
  if (target.json) {
    if (revision) answer->body["revision"] = *revision;
    return print_json(terminal, answer->body);
  }
  auto const suffix = revision ? " (revision " + std::to_string(*revision) + ")" : std::string();
  return print(terminal, describe_change(command) + suffix + "\n");
}

std::string to_pretty(json::value const& value) {
  std::string text;
  append_pretty(text, value, 0);
  return to_visible_lines(text);
}

}  // namespace sojourn
