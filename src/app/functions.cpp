#include "app/functions.h"

#include <array>
#include <utility>

#include "api/functions.h"
#include "app/file.h"
#include "app/launch.h"
#include "app/nearest.h"
#include "app/sessions.h"
#include "app/state.h"

namespace sojourn {
namespace {

constexpr std::string_view app_name = "agent-browser";
constexpr std::string_view new_session = "new";
constexpr std::size_t input_bytes_max = std::size_t{64} * 1024 * 1024;
// The server keeps deadlines of its own, which are shorter: its words are better than ours.
constexpr std::int64_t call_ms_max = 600'000;

bool opens(FunctionQuestion const& question) { return question.session.empty() || question.session == new_session; }

bool is_gone(Code code) { return code == Code::not_found || code == Code::expired || code == Code::ended; }

Error no_session(std::string const& id, std::string_view why, Terminal const& terminal) {
  std::string text = "session not found: " + id;
  if (!why.empty()) text.append(" (").append(why).append(")");
  bool const is_guest = terminal.program != "sojourn";
  text += "; open a new one with: " + terminal.program;
  text += is_guest ? R"( app run agent-browser --function open --session new --input '{"url":"..."}')" : " open URL";
  return error(Code::not_found, std::move(text));
}

Error explain_call(Error failure, FunctionQuestion const& question, Target const& target, Terminal const& terminal) {
  if (opens(question)) return failure;
  auto const& id = question.session;
  if (is_gone(failure.code)) {
    return no_session(id,
                      failure.code == Code::expired ? "expired"
                      : failure.code == Code::ended ? "ended"
                                                    : "",
                      terminal);
  }
  // A session does not outlive its server. Of one that was named we can't know.
  bool const is_unheard = failure.code == Code::unavailable && !names_server(target, terminal.environment);
  if (is_unheard && !has_server(target, terminal.environment)) return no_session(id, "no server is running", terminal);
  return failure;
}

ClientRequest to_request(FunctionQuestion const& question) {
  auto place = session_target(question.session, "/functions/" + std::string(to_word(question.function)));
  if (!question.timeout_s.empty()) place += "?session_timeout=" + encode_segment(question.timeout_s);
  return {"POST", std::move(place), json::to_text(question.input)};
}

ClientRequest to_one_shot(FunctionQuestion question) {
  json::object body{{"app", app_name},
                    {"function", to_word(question.function)},
                    {"input", std::move(question.input)},
                    {"wait", true}};
  return {"POST", "/apps/run", json::to_text(body)};
}

// What became of a session that is gone already.
Result<json::object> take_output(json::object task) {
  auto* const output = task.if_contains("output");
  if (json::find_string(task, "status") != "completed" || output == nullptr || !output->is_object()) {
    auto const words = json::find_string(task, "error", "the call failed without an explanation");
    return error(to_code(json::find_string(task, "error_code")), "the server says: " + std::string(words));
  }
  auto taken = std::move(output->get_object());
  auto* const video = task.if_contains("video");
  if (video != nullptr && !video->is_null()) taken["video"] = std::move(*video);
  taken["session_id"] = nullptr;  // there is none to go on in
  return taken;
}

Result<std::string> take_input(std::string const& given, Terminal& terminal) {
  if (given.empty()) return std::string("{}");
  if (given.starts_with('@')) {
    auto text = read_file(given.substr(1), input_bytes_max);
    // What is not found is what a session that is gone says.
    if (!text && text.error().code == Code::not_found) return error(Code::invalid, text.error().message);
    return text;
  }
  return take_text(given, terminal);
}

Result<json::object> parse_input(std::string const& given, Terminal& terminal) {
  constexpr std::string_view form = R"(; write for example --input '{"url":"https://example.com"}')";
  auto const text = take_input(given, terminal);
  if (!text) return text.error();
  auto value = json::parse(*text);
  if (!value) return error(Code::invalid, "--input can't be taken: " + value.error().message + std::string(form));
  if (!value->is_object()) return error(Code::invalid, "--input is not a JSON object" + std::string(form));
  return std::move(value->get_object());
}

// agent-browser, infsh/agent-browser, agent-browser@latest.
bool is_our_app(std::string_view name) {
  name = name.substr(0, name.find('@'));
  return name.substr(name.rfind('/') + 1) == app_name;
}

Result<Function> find_function(std::string const& name) {
  if (auto const function = to_function(name)) return *function;
  std::array<std::string_view, functions> names{};
  for (std::size_t i = 0; i < names.size(); ++i) names.at(i) = to_word(static_cast<Function>(i));
  return error(Code::usage, "--function: there is no function \"" + name + "\"; " + suggest(name, names));
}

}  // namespace

Result<json::object> call_function(Target const& target, FunctionQuestion question, Terminal& terminal) {
  if (opens(question)) {
    if (auto ready = ensure_server(target, terminal); !ready) return ready.error();
  }
  bool const is_one_shot = question.session.empty();
  auto request = is_one_shot ? to_one_shot(question) : to_request(question);
  auto answer = ask(target, terminal, std::move(request), call_ms_max);
  if (!answer) return explain_call(answer.error(), question, target, terminal);
  if (is_one_shot) return take_output(std::move(answer->body));
  return std::move(answer->body);
}

Result<> run_app(Target const& target, AppCommand const& command, Terminal& terminal) {
  if (!is_our_app(command.app)) {
    return error(Code::usage, "there is no app \"" + command.app + "\"; the only one is " + std::string(app_name));
  }
  auto const function = find_function(command.function);
  if (!function) return function.error();
  auto input = parse_input(command.input, terminal);
  if (!input) return input.error();
  auto const output =
      call_function(target, {*function, command.session, std::move(*input), command.timeout_s}, terminal);
  if (!output) return output.error();
  bool const is_for_people = terminal.columns != 0 && !target.json;
  return is_for_people ? print(terminal, to_pretty(*output)) : print_json(terminal, *output);
}

}  // namespace sojourn
