#include "api/agent_browser.h"

#include <array>
#include <optional>
#include <utility>

#include "api/app_answer.h"
#include "api/function_input.h"
#include "api/session_answer.h"
#include "base/id.h"

namespace sojourn {
namespace {

constexpr std::string_view new_session = "new";

struct AppRun {
  FunctionWish wish;
  bool waits = true;
};

Error wrong(std::string_view name, std::string_view what) { return wrong_field("body", name, what); }

// A text that need not be there; null is none.
Result<std::string> take_text(json::object const& body, std::string_view name) {
  auto const* const value = body.if_contains({name.data(), name.size()});
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return wrong(name, "has to be a text");
  return std::string(value->get_string());
}

// "infsh/agent-browser@1.2" too: whose it is and which does not matter here.
bool is_our_app(std::string_view name) {
  name = name.substr(0, name.find('@'));
  return name.substr(name.rfind('/') + 1) == app_name;
}

// The name of the function; without one the app is run.
Result<std::string> take_name(json::object const& body) {
  auto const app = take_text(body, "app");
  if (!app) return app.error();
  if (app->empty()) return wrong("app", "is missing; it is \"agent-browser\"");
  if (!is_our_app(*app))
    return Error{Code::not_found, "App not found: " + *app + "; the only one here is agent-browser"};
  auto name = take_text(body, "function");
  if (!name) return name.error();
  if (name->empty()) return std::string("run");
  if (!to_function(*name))
    return Error{Code::not_found, "Function not found: " + *name + "; there are " + function_names()};
  return name;
}

Result<json::object> take_input(json::object const& body, Function function) {
  auto const* const value = body.if_contains("input");
  if (value != nullptr && !value->is_null() && !value->is_object()) return wrong("input", "has to be an object");
  bool const is_given = value != nullptr && value->is_object();
  auto input = read_input(function, is_given ? value->get_object() : json::object());
  if (input) return input;
  auto failure = input.error();
  if (failure.field.starts_with("body.")) failure.field.replace(0, 5, "body.input.");
  return failure;
}

Result<AppRun> read_run(json::object const& body, Function function) {
  AppRun run;
  auto const session = take_text(body, "session");
  if (!session) return session.error();
  auto const timeout_s = read_session_timeout(body);
  if (!timeout_s) return timeout_s.error();
  if (*timeout_s != 0 && *session != new_session) return timeout_of_old_session();
  if (auto const* const waits = body.if_contains("wait"); waits != nullptr && !waits->is_null()) {
    if (!waits->is_bool()) return wrong("wait", "has to be true or false");
    run.waits = waits->get_bool();
  }
  auto input = take_input(body, function);
  if (!input) return input.error();
  run.wish = {function, *std::move(input), SessionKind::browser, *session, *timeout_s * 1'000'000};
  return run;
}

AppTask failed(AppTask task, Error const& failure) {
  auto const named = task.session_id.empty() ? failure : naming(failure, task.session_id);
  task.error = named.message;
  task.error_code = to_app_code(named);
  return task;
}

// What a session that is gone already left: the video of the close's output.
std::string video_of(std::string const& closed) {
  auto const output = json::parse(closed);
  if (!output || !output->is_object()) return {};
  auto const* const video = output->get_object().if_contains("video");
  return video == nullptr || video->is_null() ? std::string() : json::to_text(*video);
}

}  // namespace

std::span<Route const> AgentBrowser::routes() {
  static constexpr std::array table{
      Route{"POST", "/apps/run", handle<&AgentBrowser::run>, "Call a function of the app agent-browser"},
      Route{"GET", "/apps/tasks/:task", handle<&AgentBrowser::show_task>, "What became of a call with \"wait\": false"},
      Route{"GET", "/apps/sessions", handle<&AgentBrowser::list>, "The browser sessions that live"},
      Route{"GET", "/apps/sessions/:id", handle<&AgentBrowser::show>, "One of them"},
      Route{"POST", "/apps/sessions/:id/keepalive", handle<&AgentBrowser::keep_alive>, "Begin its idle time anew"},
      Route{"DELETE", "/apps/sessions/:id", handle<&AgentBrowser::end>, "End it"},
  };
  return table;
}

void AgentBrowser::run(Request const& request, Parameters const&, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(app_refusal(body.error()));
  auto const name = take_name(*body);
  if (!name) return respond(app_refusal(name.error()));
  auto run = read_run(*body, *to_function(*name));
  if (!run) return respond(app_refusal(run.error()));
  run->wish.request_id = request.envelope.request_id;
  constexpr std::size_t id_digits = 24;
  AppTask task{"task_" + make_hex(world_.random, id_digits), *name};
  task.created_us = request.at.utc_us;
  if (run->wish.session_id != new_session) task.session_id = run->wish.session_id;
  if (run->waits) {
    auto answer = [respond](AppTask const& over, std::optional<Error> const& failure) {
      bool const is_refused = failure && !is_failed_call(*failure);
      respond(is_refused ? app_refusal(*failure, over.session_id) : json_response(to_text(over)));
    };
    return carry_out(request.principal, std::move(run->wish), std::move(task), std::move(answer));
  }
  if (!tasks_.begin(request.principal, task, request.at.utc_us))
    return respond(app_refusal(error(Code::too_many, "too many tasks are under way")));
  auto const principal = request.principal;  // the request is gone once it is answered
  constexpr int accepted = 202;
  respond(json_response(to_text(task), accepted));
  auto keep = [this](AppTask over, std::optional<Error> const&) { tasks_.finish(std::move(over)); };
  carry_out(principal, std::move(run->wish), std::move(task), std::move(keep));
}

void AgentBrowser::carry_out(Principal const& principal, FunctionWish wish, AppTask task, OnEnd done) {
  bool const is_one_shot = wish.session_id.empty();
  auto finish = [this, is_one_shot, task = std::move(task), done = std::move(done)](Result<FunctionAnswer> answer,
                                                                                    std::string closed) mutable {
    task.finished_us = world_.clock.now().utc_us;
    if (!answer) {
      auto const failure = answer.error();
      return done(failed(std::move(task), failure), failure);
    }
    if (!is_one_shot) task.session_id = answer->session.id;
    task.output = std::move(answer->output);
    task.video = video_of(closed);
    done(std::move(task), std::nullopt);
  };
  if (is_one_shot) return run_one_shot(world_.hub, principal, std::move(wish), std::move(finish));
  auto in_session = [finish = std::move(finish)](Result<FunctionAnswer> answer) mutable {
    finish(std::move(answer), {});
  };
  if (wish.session_id == new_session)
    run_in_new_session(world_.hub, principal, std::move(wish), std::move(in_session));
  else
    run_function(world_.hub, principal, std::move(wish), std::move(in_session));
}

void AgentBrowser::list(Request const& request, Parameters const&, Respond respond) {
  world_.hub.submit(request.principal, ListSessions{SessionKind::browser}, [respond](Result<Outcome> outcome) {
    if (!outcome) return respond(app_refusal(outcome.error()));
    auto const& page = std::get<SessionPage>(*outcome);
    std::string out = "{\"sessions\":[";
    for (auto const& info : page.sessions) out += to_app_session(info) + ",";
    if (!page.sessions.empty()) out.pop_back();
    respond(json_response(out + "],\"total_count\":" + std::to_string(page.total) + "}"));
  });
}

void AgentBrowser::show(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  world_.hub.submit(request.principal, GetSession{SessionKind::browser, id}, [respond, id](Result<Outcome> outcome) {
    if (!outcome) return respond(app_refusal(outcome.error(), id));
    respond(json_response(to_app_session(std::get<SessionInfo>(*outcome))));
  });
}

void AgentBrowser::keep_alive(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  world_.hub.submit(request.principal, NoteUse{SessionKind::browser, id, Use::heartbeat},
                    [respond, id](Result<Outcome> outcome) {
                      if (!outcome) return respond(app_refusal(outcome.error(), id));
                      respond(json_response(to_app_session(std::get<UseView>(*outcome).session)));
                    });
}

void AgentBrowser::end(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  world_.hub.submit(request.principal, CloseSession{SessionKind::browser, id},
                    [this, respond, id](Result<Outcome> outcome) {
                      if (!outcome) return respond(app_refusal(outcome.error(), id));
                      auto const ended_us = world_.clock.now().utc_us;
                      respond(json_response(to_app_session(std::get<SessionInfo>(*outcome), ended_us)));
                    });
}

void AgentBrowser::show_task(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const* const task = tasks_.find(request.principal, id, request.at.utc_us);
  if (task == nullptr) return respond(app_refusal(error(Code::not_found, "Task not found: " + id)));
  respond(json_response(to_text(*task)));
}

}  // namespace sojourn
