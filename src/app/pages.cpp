#include "app/pages.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "app/action.h"
#include "app/table.h"

namespace sojourn {
namespace {

constexpr std::int64_t file_ms_max = 60'000;

json::object const* find_object(json::object const& object, std::string_view key) {
  auto const* const member = object.if_contains(key);
  return member != nullptr && member->is_object() ? &member->get_object() : nullptr;
}

bool is_true(json::object const& object, std::string_view key) {
  auto const* const member = object.if_contains(key);
  return member != nullptr && member->is_bool() && member->get_bool();
}

void add_line(std::string& text, std::string_view name, std::string_view value) {
  if (!value.empty()) text.append(name).append(12 - name.size(), ' ').append(visible(value)).append("\n");
}

// Line breaks of a text are the only thing that a terminal gets from it.
std::string visible_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    out += visible(line) + "\n";
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

// Where a file lies on this machine, or else where it can be fetched.
std::string find_place(json::object const& output, std::string_view key) {
  auto const* const file = find_object(output, key);
  if (file == nullptr) return std::string(json::find_string(output, key));
  auto const path = json::find_string(*file, "path");
  return std::string(path.empty() ? json::find_string(*file, "uri") : path);
}

std::string list_elements(json::object const& snapshot, std::string_view key, std::string_view mark) {
  auto const* const list = snapshot.if_contains(key);
  if (list == nullptr || !list->is_array()) return {};
  std::string text;
  for (auto const& item : list->get_array()) {
    std::string_view const line = item.is_object()   ? json::find_string(item.get_object(), "desc")
                                  : item.is_string() ? std::string_view(item.get_string())
                                                     : std::string_view();
    text.append(mark).append(visible(line)).append("\n");
  }
  return text;
}

// What changed, or else all there is.
std::string describe_elements(json::object const& snapshot) {
  if (auto const* const diff = find_object(snapshot, "diff")) {
    auto const text = list_elements(*diff, "removed", "- ") + list_elements(*diff, "changed", "~ ") +
                      list_elements(*diff, "added", "+ ");
    return text.empty() ? "(nothing changed)\n" : text;
  }
  auto text = visible_lines(json::find_string(snapshot, "elements_text"));
  if (is_true(snapshot, "truncated")) text += "(there is more)\n";
  return text;
}

std::string describe_page(json::object const& snapshot) {
  std::string text;
  add_line(text, "Page", json::find_string(snapshot, "title"));
  add_line(text, "Address", json::find_string(snapshot, "url"));
  add_line(text, "Screenshot", find_place(snapshot, "screenshot"));
  auto const elements = describe_elements(snapshot);
  return text + (elements.empty() ? "" : "\n" + elements);
}

std::string describe_dialogs(json::object const& output) {
  auto const* const list = output.if_contains("dialogs");
  if (list == nullptr || !list->is_array()) return {};
  std::string text;
  for (auto const& item : list->get_array()) {
    if (!item.is_object()) continue;
    auto const& dialog = item.get_object();
    add_line(text, "Dialog",
             std::string(json::find_string(dialog, "type")) + " \"" +
                 std::string(json::find_string(dialog, "message")) + "\" was " +
                 std::string(json::find_string(dialog, "action")));
  }
  return text;
}

// With what may be done to the page's first element.
std::string describe_next(json::object const& output) {
  std::string const id = visible(json::find_string(output, "session_id"));
  std::string act;
  auto const* const elements = output.if_contains("elements");
  if (elements != nullptr && elements->is_array() && !elements->get_array().empty() &&
      elements->get_array()[0].is_object()) {
    auto const& first = elements->get_array()[0].get_object();
    auto const tag = json::find_string(first, "tag");
    auto const type = json::find_string(first, "input_type");
    bool const is_field = tag == "textarea" || (tag == "input" && type != "checkbox" && type != "radio" &&
                                                type != "submit" && type != "button" && type != "file");
    auto const ref = visible(json::find_string(first, "ref"));
    act = "  sojourn interact " + id + (is_field ? " fill " + ref + " \"some text\"" : " click " + ref) + "\n";
  }
  return "\nGo on with\n" + act + "  sojourn snapshot " + id + "\n  sojourn close " + id + "\n";
}

Result<json::object> call(Target const& target, Function function, PageCommand command, Terminal& terminal) {
  return call_function(target, {function, std::move(command.session), std::move(command.input), command.timeout_s},
                       terminal);
}

// Of an action that was answered but not done; a program gets the answer besides.
Error to_failure(json::object const& output, std::string_view words, std::string_view what) {
  auto const word = json::find_string(output, "code");
  auto code = word.empty() && words.starts_with("Timeout ") ? Code::timeout : to_code(word);
  if (code == Code::not_found) code = Code::invalid;  // an element that was named; of sessions others speak
  if (words.ends_with('.')) words.remove_suffix(1);
  std::string text = std::string(what) + ": " + std::string(words.empty() ? "it failed without a reason" : words);
  auto const id = json::find_string(output, "session_id");
  if (!id.empty()) text += "; see the page with: sojourn snapshot " + std::string(id);
  return error(code, std::move(text));
}

// @e1 <button> "Sign in" (was "Sign up")
std::string describe_element(json::object const& output) {
  auto const* const element = find_object(output, "element");
  if (element == nullptr) return {};
  auto const tag = json::find_string(*element, "tag");
  auto const name = json::find_string(*element, "name");
  std::string text(json::find_string(*element, "ref"));
  if (!tag.empty()) text += (text.empty() ? "<" : " <") + std::string(tag) + ">";
  if (!name.empty()) text += " \"" + std::string(name) + "\"";
  auto const was = json::find_string(*element, "was");
  return was.empty() ? text : text + " (was \"" + std::string(was) + "\")";
}

std::string describe_deed(json::object const& output) {
  std::string text;
  add_line(text, "Done",
           std::string(json::find_string(output, "action")) +
               (describe_element(output).empty() ? "" : " " + describe_element(output)));
  if (auto const words = json::find_string(output, "message"); !words.empty()) add_line(text, "Note", words);
  text += describe_dialogs(output);
  auto const* const snapshot = find_object(output, "snapshot");
  add_line(text, "Screenshot", find_place(output, "screenshot"));
  return snapshot == nullptr ? text : text + describe_page(*snapshot);
}

// The file's bytes from whichever server has it.
Result<std::string> fetch_file(Target const& target, std::string_view uri, Terminal const& terminal) {
  auto const server = find_server(target, terminal.environment);
  if (!server) return server.error();
  auto const host = uri.find("://");
  auto const path = host == std::string_view::npos ? 0 : uri.find('/', host + 3);
  if (path == std::string_view::npos || uri.empty()) {
    return error(Code::failed, "the server's answer names no file; are server and command of the same version?");
  }
  ClientRequest request{"GET", std::string(uri.substr(path)), {}};
  request.accept = "*/*";
  if (!server->token.empty()) request.headers.emplace_back("Authorization", "Bearer " + server->token);
  auto response = fetch(server->url, request, file_ms_max);
  if (!response) return explain(response.error(), *server);
  if (response->status != 200) return to_error(*response);
  return std::move(response->body);
}

Result<> write_file(std::string const& path, std::string const& bytes) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush()) return {};
  return error(Code::cannot_create,
               "can't write " + path + (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
}

// The format that a file's name asks for.
void choose_format(json::object& input, std::string const& file) {
  if (input.contains("format")) return;
  if (file.ends_with(".jpg") || file.ends_with(".jpeg")) input["format"] = "jpeg";
}

}  // namespace

Result<> open_page(Target const& target, PageCommand command, Terminal& terminal) {
  command.input["url"] = command.url;
  if (command.session.empty()) command.session = "new";
  auto const output = call(target, Function::open, std::move(command), terminal);
  if (!output) return output.error();
  if (target.json) return print_json(terminal, *output);
  std::string text;
  add_line(text, "Session", json::find_string(*output, "session_id"));
  return print(terminal, text + describe_dialogs(*output) + describe_page(*output) + describe_next(*output));
}

Result<> show_page(Target const& target, PageCommand command, Terminal& terminal) {
  auto const output = call(target, Function::snapshot, std::move(command), terminal);
  if (!output) return output.error();
  return target.json ? print_json(terminal, *output) : print(terminal, describe_page(*output));
}

Result<> act_on_page(Target const& target, PageCommand command, Terminal& terminal) {
  auto input = to_interact_input(command.words, terminal);
  if (!input) return input.error();
  for (auto& [name, value] : *input) command.input[name] = std::move(value);
  auto const output = call(target, Function::interact, std::move(command), terminal);
  if (!output) return output.error();
  bool const is_done = is_true(*output, "success");
  if (target.json) {
    if (auto printed = print_json(terminal, *output); !printed) return printed;
  }
  if (!is_done) {
    return to_failure(*output, json::find_string(*output, "message"), json::find_string(*output, "action"));
  }
  return target.json ? Result<>() : print(terminal, describe_deed(*output));
}

Result<> capture_page(Target const& target, PageCommand command, Terminal& terminal) {
  auto const file = std::exchange(command.file, {});
  choose_format(command.input, file);
  auto const output = call(target, Function::screenshot, std::move(command), terminal);
  if (!output) return output.error();
  if (!file.empty()) {
    auto const* const screenshot = find_object(*output, "screenshot");
    auto const uri = screenshot == nullptr ? std::string_view() : json::find_string(*screenshot, "uri");
    auto const bytes = fetch_file(target, uri, terminal);
    if (!bytes) return bytes.error();
    if (auto written = write_file(file, *bytes); !written) return written;
  }
  if (target.json) return print_json(terminal, *output);
  return print(terminal, visible(file.empty() ? find_place(*output, "screenshot") : file) + "\n");
}

Result<> run_in_page(Target const& target, PageCommand command, Terminal& terminal) {
  auto code = take_text(command.code, terminal);
  if (!code) return code.error();
  command.input["code"] = std::move(*code);
  auto const output = call(target, Function::execute, std::move(command), terminal);
  if (!output) return output.error();
  if (target.json) {
    if (auto printed = print_json(terminal, *output); !printed) return printed;
  }
  if (auto const words = json::find_string(*output, "error"); !words.empty()) {
    return to_failure(*output, words, "execute");
  }
  if (target.json) return {};
  auto const result = json::find_string(*output, "result");
  // For a file or a program as it is.
  return print(terminal, terminal.columns == 0 ? std::string(result) + "\n" : visible_lines(result));
}

Result<> close_page(Target const& target, std::string const& id, Terminal& terminal) {
  auto const output = call_function(target, {Function::close, id}, terminal);
  if (!output) return output.error();
  if (target.json) return print_json(terminal, *output);
  std::string text = "Closed " + visible(id) + "\n";
  add_line(text, "Video", find_place(*output, "video"));
  return print(terminal, text);
}

}  // namespace sojourn
