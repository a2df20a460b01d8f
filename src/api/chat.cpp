#include "api/chat.h"

#include <algorithm>
#include <array>
#include <optional>

#include "api/query_answer.h"
#include "base/json.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::int64_t thread_idle_us = std::int64_t{24 * 3600} * 1'000'000;
constexpr std::size_t query_bytes_max = 256 * 1024;
constexpr std::size_t name_bytes_max = 1024;
constexpr std::size_t held_bytes_max = 64 * 1024;
constexpr std::string_view default_user = "thefusionlab";
constexpr std::string_view default_thread = "chat_thread";

struct Text {
  std::string_view name;
  std::string_view otherwise;
  std::size_t bytes_max = name_bytes_max;
};

// Absent and null are as good as the default.
Result<std::string> take_text(json::object const& body, Text const& text) {
  auto const* const value = body.if_contains(text.name);
  if (value == nullptr || value->is_null()) return std::string(text.otherwise);
  if (!value->is_string()) return error(Code::invalid, std::string(text.name) + " has to be a text");
  if (value->get_string().size() > text.bytes_max)
    return error(Code::too_large, std::string(text.name) + " has at most " + std::to_string(text.bytes_max) + " bytes");
  return std::string(value->get_string());
}

Result<bool> take_truth(json::object const& body, std::string_view name) {
  auto const* const value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_bool()) return error(Code::invalid, std::string(name) + " has to be true or false");
  return value->get_bool();
}

std::string to_block(std::string_view name, std::string_view text) {
  std::string out = "data: {\"" + std::string(name) + "\":";
  json::append_string(out, text);
  return out += "}\n\n";
}

// The next line of `rest`; nothing when it is only begun.
std::optional<std::string_view> take_line(std::string_view& rest) {
  if (rest.find('\n') == rest.npos) return std::nullopt;
  auto line = take_until(rest, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Sessions have such ids; threads have any names.
bool is_uuid(std::string_view text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, shape, [](char c, char wanted) {
    bool const is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    return wanted == '-' ? c == '-' : is_digit;
  });
}

bool is_blank(std::string_view line) { return trimmed(line).empty(); }

// For what follows on a command: a single-use token was used up by that.
Principal inside(Principal principal) {
  principal.is_inside = true;
  return principal;
}

Response open_stream(std::string beginning) {
  Response response;
  response.content_type = "text/event-stream";
  response.body = std::move(beginning);
  response.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  response.is_open = true;
  return response;
}

// Analysis is what the documented clients know by this name; what came later goes by its type.
std::string to_event_name(json::object const& remark) {
  auto const type = json::find_string(remark, "type");
  return type == "analysis" ? "analysis_update" : std::string(type);
}

// Whether `more` goes on where `held` has ended.
bool goes_on(json::object const& held, json::object const& more) {
  return held.at("type") == more.at("type") && held.at("content").is_string() && more.at("content").is_string() &&
         !held.contains("error") && !more.contains("error");
}

}  // namespace

std::string Chat::Lines::feed(std::string_view text) {
  begun_ += text;
  std::string out;
  std::string_view rest = begun_;
  while (auto const line = take_line(rest)) {
    if (is_blank(*line)) continue;
    out += to_block("message", *line);
    given_.emplace_back(*line);
  }
  begun_.erase(0, begun_.size() - rest.size());
  return out;
}

std::string Chat::Lines::finish(std::string_view answer) const {
  std::string out;
  auto const whole = std::string(answer) + "\n";
  std::string_view rest = whole;
  auto given = given_.begin();
  while (auto const line = take_line(rest)) {
    if (is_blank(*line)) continue;
    bool const is_given = given != given_.end() && *given == *line;
    given = is_given ? given + 1 : given_.end();
    if (!is_given) out += to_block("message", *line);
  }
  return out;
}

std::span<Route const> Chat::routes() {
  static constexpr std::array table{
      Route{"POST", "/havefun", handle<&Chat::ask>, "Ask in a thread; the answer as an event stream"},
      Route{"OPTIONS", "/havefun", handle<&Chat::preflight>, "What pages may send there", true},
      Route{"POST", "/ping", handle<&Chat::pong>, "Pong", true},
  };
  return table;
}

// What the documented server says; whose pages may read it is another header's to say.
void Chat::preflight(Request const&, Parameters const&, Respond respond) {
  Response response;
  response.content_type = {};
  response.headers = {{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
                      {"Access-Control-Allow-Headers", "Content-Type, Authorization"},
                      {"Access-Control-Max-Age", "86400"}};
  respond(std::move(response));
}

void Chat::pong(Request const&, Parameters const&, Respond respond) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "Pong";
  respond(std::move(response));
}

Result<Chat::Wish> Chat::parse_wish(Request const& request) {
  if (request.body.empty()) return error(Code::invalid, "the body has to be a JSON object");
  auto const body = parse_object(request);
  if (!body) return error(Code::invalid, body.error().message);
  auto query = take_text(*body, {"user_input", "", query_bytes_max});
  if (!query) return query.error();
  auto const user = take_text(*body, {"user_id", default_user});
  if (!user) return user.error();
  auto thread = take_text(*body, {"thread_id", default_thread});
  if (!thread) return thread.error();
  auto const graph = take_text(*body, {"graph_version_id", ""});
  if (!graph) return graph.error();
  auto const to_sockets = take_truth(*body, "use_websocket");
  if (!to_sockets) return to_sockets.error();
  bool const is_own = request.principal.is_admin() || *user == default_user || *user == request.principal.name;
  if (!is_own) return error(Code::forbidden, "user_id is another than the token's");
  json::object context{{"user_id", *user}, {"thread_id", *thread}, {"graph_version_id", *graph}};
  auto data = json::to_text(json::object{{"query", *query}, {"context", context}, {"priority", "normal"}});
  if (thread->empty()) *thread = default_thread;
  return Wish{std::move(*thread), std::move(*query), std::move(data), *to_sockets};
}

void Chat::ask(Request const& request, Parameters const&, Respond respond) {
  auto wish = parse_wish(request);
  if (!wish) return respond(error_response(wish.error()));
  if (running_.size() >= running_max)
    return respond(
        error_response(error(Code::too_many, "too many answers are on their way; try again when some are whole")));
  Reader reader{request.principal, respond, request.pieces};
  // A thread may be named by the id of its session, like any session that one may write to.
  if (!is_uuid(wish->thread_id)) return open_thread(std::move(reader), std::move(*wish));
  GetSession command{SessionKind::shared, wish->thread_id};
  world_.hub.submit(request.principal, std::move(command),
                    [this, reader = std::move(reader), wish = std::move(*wish)](Result<Outcome> const& outcome) {
                      if (!outcome) return open_thread(reader, wish);
                      auto by = reader;
                      by.principal = inside(std::move(by.principal));
                      begin(std::move(by), wish, wish.thread_id);
                    });
}

void Chat::open_thread(Reader reader, Wish wish) {
  OpenSession command{.kind = SessionKind::shared};
  command.wish.thread_id = wish.thread_id;
  command.wish.type = "thread";
  command.wish.idle_us = thread_idle_us;
  auto const principal = reader.principal;
  reader.principal = inside(std::move(reader.principal));
  world_.hub.submit(principal, std::move(command),
                    [this, reader = std::move(reader), wish = std::move(wish)](Result<Outcome> const& outcome) {
                      if (!outcome) return reader.respond(error_response(outcome.error()));
                      begin(reader, wish, std::get<Opened>(*outcome).session.id);
                    });
}

void Chat::begin(Reader reader, Wish wish, std::string session_id) {
  auto id = make_query_id(session_id, world_.random);
  while (world_.responder.is_running(id)) id = make_query_id(session_id, world_.random);
  Responder::Question question{session_id, id, wish.query, wish.data};
  question.listener.on_text = [this, id](std::string_view text) {
    auto& running = running_.at(id);
    say(running, running.lines.feed(text));
  };
  question.listener.on_remark = [this, id](json::object const& remark) { take_remark(id, remark); };
  question.listener.on_answer = [this, id](Result<json::object> const& answer) { finish(id, answer); };
  auto const principal = reader.principal;
  running_.emplace(
      id, Running{std::move(reader.principal), std::move(wish), std::move(session_id), reader.respond, reader.pieces});
  tick(id);
  world_.responder.ask(principal, std::move(question), [this, id](Result<> const& result) {
    if (!result) finish(id, result.error());
  });
}

// The thread is in use while the answer is on its way.
void Chat::tick(std::string const& id) {
  auto const place = running_.find(id);
  if (place == running_.end()) return;
  if (world_.touch) world_.touch(place->second.by, place->second.wish.thread_id);
  world_.later(touch_us, [this, id] { tick(id); });
}

void Chat::say(Running& running, std::string blocks) {
  if (blocks.empty()) return;
  if (std::exchange(running.is_open, true))
    running.pieces({std::move(blocks)});
  else
    running.respond(open_stream(std::move(blocks)));
}

void Chat::take_remark(std::string const& id, json::object const& remark) {
  auto& running = running_.at(id);
  if (json::find_string(remark, "type") == "analysis") running.remarked += json::find_string(remark, "content");
  if (running.wish.to_sockets) return hold(id, remark);
  say(running, "data: " + json::to_text(remark) + "\n\n");
}

// A responder says its analysis word by word; the thread's log need not have an event of each.
void Chat::hold(std::string const& id, json::object const& remark) {
  auto& running = running_.at(id);
  if (!running.held.empty() && goes_on(running.held, remark)) {
    running.held["content"].get_string() += remark.at("content").get_string();
    running.held["complete"] = remark.at("complete");
  } else {
    tell_held(running);
    running.held = remark;
  }
  auto const now_us = world_.clock.now().steady_us;
  auto const* const text = running.held["content"].if_string();
  bool const is_enough = text == nullptr || text->size() > held_bytes_max || running.held["complete"].get_bool();
  if (is_enough || now_us >= running.tell_us) return tell_held(running);
  if (std::exchange(running.waits_to_tell, true)) return;
  world_.later(running.tell_us - now_us, [this, id] {
    auto const place = running_.find(id);
    if (place == running_.end()) return;
    place->second.waits_to_tell = false;
    tell_held(place->second);
  });
}

void Chat::tell_held(Running& running) {
  if (running.held.empty()) return;
  running.tell_us = world_.clock.now().steady_us + remark_us_min;
  tell(running, std::exchange(running.held, {}));
}

// Whoever follows the thread hears it now, or else when somebody does.
void Chat::tell(Running& running, json::object const& remark) {
  running.has_told = true;
  PostMessage command{SessionKind::shared, running.session_id, to_event_name(remark), json::to_text(remark)};
  world_.hub.submit(running.by, std::move(command), [](Result<Outcome> const&) {});
}

void Chat::finish(std::string const& id, Result<json::object> const& answer) {
  auto running = std::move(running_.extract(id).mapped());
  tell_held(running);
  if (answer) {
    auto const text = json::find_string(*answer, "answer");
    // Who said nothing but analysis has been heard already.
    say(running, text == running.remarked ? std::string() : running.lines.finish(text));
    if (!running.is_open) running.respond(open_stream({}));
    running.pieces({{}, true});
    return;
  }
  bool const has_begun = running.is_open || running.has_told;
  if (has_begun && running.wish.to_sockets)
    tell(running, {{"type", "analysis"}, {"content", answer.error().message}, {"complete", true}, {"error", true}});
  if (!running.is_open) return running.respond(error_response(answer.error()));
  running.pieces({to_block("error", answer.error().message), true});
}

}  // namespace sojourn
