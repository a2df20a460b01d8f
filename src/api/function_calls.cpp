#include "api/function_calls.h"

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "api/function_input.h"
#include "api/function_schema.h"
#include "api/session_answer.h"
#include "api/sessions.h"
#include "base/crypto.h"

namespace sojourn {
namespace {

constexpr std::int64_t session_timeout_s_max = 3600;
constexpr std::string_view timeout_name = "session_timeout";
constexpr std::string_view new_session = "new";

CallFunction to_command(FunctionWish wish) {
  CallFunction command{wish.kind, std::move(wish.session_id), wish.function};
  command.note = note_of(wish.function, wish.input);
  command.timeout_us = timeout_us_of(wish.function, wish.input);
  command.input = std::move(wish.input);
  command.request_id = std::move(wish.request_id);
  return command;
}

CallFunction to_close(std::string const& session_id) {
  FunctionWish wish{Function::close, {}, SessionKind::browser, session_id};
  return to_command(std::move(wish));
}

FunctionAnswer take_answer(Outcome&& outcome) { return std::get<FunctionAnswer>(std::move(outcome)); }

template <Function function>
void call_function(void* door, Request const& request, Parameters const& parameters, Respond respond) {
  static_cast<FunctionCalls*>(door)->call(function, request, parameters, respond);
}

// In the query or in the body, from which it is taken.
Result<std::int64_t> take_session_timeout(Request const& request, json::object& body) {
  auto const in_body = read_session_timeout(body);
  body.erase({timeout_name.data(), timeout_name.size()});
  if (!in_body || *in_body != 0) return in_body;
  return parse_number(timeout_name, request.parameter(timeout_name), 0, {1, session_timeout_s_max});
}

// The whole of the request but the session's kind.
Result<FunctionWish> read_wish(Function function, Request const& request, std::string session_id) {
  auto body = parse_object(request);
  if (!body) return body.error();
  auto const timeout_s = take_session_timeout(request, *body);
  if (!timeout_s) return timeout_s.error();
  if (*timeout_s != 0 && session_id != new_session) return timeout_of_old_session();
  auto input = read_input(function, *body);
  if (!input) return input.error();
  FunctionWish wish{function, *std::move(input)};
  wish.session_id = std::move(session_id);
  wish.idle_us = *timeout_s * 1'000'000;
  wish.request_id = request.envelope.request_id;
  return wish;
}

// A session that ends takes its files with it: its screenshot is handed over whole.
void embed_screenshot(std::string& output) {
  auto parsed = json::parse(output);
  if (!parsed || !parsed->is_object()) return;
  auto* const screenshot = parsed->get_object().if_contains("screenshot");
  if (screenshot == nullptr || !screenshot->is_object()) return;
  auto& file = screenshot->get_object();
  std::ifstream in(std::string(json::find_string(file, "path")), std::ios::binary);
  std::string const bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in) return;
  file["uri"] = "data:" + std::string(json::find_string(file, "content_type")) + ";base64," +
                base64_encode({reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size()});
  file["path"] = nullptr;
  output = json::to_text(*parsed);
}

}  // namespace

void run_function(Hub& hub, Principal const& principal, FunctionWish wish, OnFunctionAnswer done) {
  hub.submit(principal, to_command(std::move(wish)), [done = std::move(done)](Result<Outcome> outcome) {
    if (!outcome) return done(outcome.error());
    done(take_answer(*std::move(outcome)));
  });
}

void run_in_new_session(Hub& hub, Principal const& principal, FunctionWish wish, OnFunctionAnswer done) {
  if (wish.function != Function::open) return done(error(Code::conflict, "Browser not started. Call 'open' first."));
  OpenSession opening{SessionKind::browser};
  opening.wish.idle_us = wish.idle_us;
  opening.wish.browser = to_wish(wish.input);
  hub.submit(principal, std::move(opening),
             [&hub, principal, wish = std::move(wish), done = std::move(done)](Result<Outcome> outcome) mutable {
               if (!outcome) return done(outcome.error());
               auto const id = wish.session_id = std::get<Opened>(*outcome).session.id;
               wish.kind = SessionKind::browser;
               auto tell = [&hub, principal, id, done = std::move(done)](Result<FunctionAnswer> answer) {
                 if (!answer) hub.submit(principal, to_close(id));
                 done(std::move(answer));
               };
               run_function(hub, principal, std::move(wish), std::move(tell));
             });
}

void run_one_shot(Hub& hub, Principal const& principal, FunctionWish wish, OnOneShot done) {
  auto close = [&hub, principal, done = std::move(done)](Result<FunctionAnswer> answer) mutable {
    if (!answer) return done(std::move(answer), {});
    embed_screenshot(answer->output);
    auto const id = answer->session.id;
    hub.submit(principal, to_close(id), [answer = *std::move(answer), done](Result<Outcome> outcome) {
      done(answer, outcome ? take_answer(*std::move(outcome)).output : std::string());
    });
  };
  run_in_new_session(hub, principal, std::move(wish), std::move(close));
}

std::string with_session_id(std::string output, std::string_view session_id) {
  bool const is_empty = output == "{}";
  output.pop_back();
  if (!is_empty) output += ',';
  append_text_member(output, "session_id", session_id);
  return output + '}';
}

Result<std::int64_t> read_session_timeout(json::object const& body) {
  auto const* const value = body.if_contains({timeout_name.data(), timeout_name.size()});
  if (value == nullptr || value->is_null()) return 0;
  bool const is_good = value->is_int64() && value->get_int64() >= 1 && value->get_int64() <= session_timeout_s_max;
  if (is_good) return value->get_int64();
  return wrong_field("body", timeout_name, "has to be a whole number of seconds from 1 to 3600");
}

Error timeout_of_old_session() {
  return wrong_field("body", timeout_name, "is for a new session; this one has its own already");
}

std::span<Route const> FunctionCalls::routes() {
  static std::array const table{
      Route{"GET", "/api/v1/functions", handle<&FunctionCalls::list>, "The browser functions, with their schemas"},
      Route{"POST", "/api/v1/sessions/:id/functions/open", call_function<Function::open>, row(Function::open).summary,
            false, Function::open},
      Route{"POST", "/api/v1/sessions/:id/functions/snapshot", call_function<Function::snapshot>,
            row(Function::snapshot).summary, false, Function::snapshot},
      Route{"POST", "/api/v1/sessions/:id/functions/interact", call_function<Function::interact>,
            row(Function::interact).summary, false, Function::interact},
      Route{"POST", "/api/v1/sessions/:id/functions/screenshot", call_function<Function::screenshot>,
            row(Function::screenshot).summary, false, Function::screenshot},
      Route{"POST", "/api/v1/sessions/:id/functions/execute", call_function<Function::execute>,
            row(Function::execute).summary, false, Function::execute},
      Route{"POST", "/api/v1/sessions/:id/functions/close", call_function<Function::close>,
            row(Function::close).summary, false, Function::close},
      Route{"POST", "/api/v1/sessions/:id/functions/:function", handle<&FunctionCalls::call_by_name>,
            "A browser function by any of its names"},
  };
  return table;
}

void FunctionCalls::list(Request const&, Parameters const&, Respond respond) {
  respond(json_response(json::to_text(to_catalog())));
}

void FunctionCalls::call(Function function, Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto wish = read_wish(function, request, id);
  if (!wish) return respond(detail_response(wish.error()));
  auto answer = [respond, id](Result<FunctionAnswer> result) {
    if (!result) return respond(session_refusal(result.error(), id));
    auto const session_id = result->session.id;
    respond(json_response(with_session_id(std::move(result->output), session_id)));
  };
  if (id == new_session)
    run_in_new_session(hub_, request.principal, *std::move(wish), std::move(answer));
  else
    run_function(hub_, request.principal, *std::move(wish), std::move(answer));
}

void FunctionCalls::call_by_name(Request const& request, Parameters const& parameters, Respond respond) {
  auto const name = decode_segment(parameters.at[1]);
  auto const function = to_function(name);
  if (!function)
    return respond(
        detail_response(error(Code::not_found, "Function not found: " + name + "; there are " + function_names())));
  call(*function, request, parameters, respond);
}

}  // namespace sojourn
