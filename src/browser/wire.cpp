#include "browser/wire.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "browser/dom.h"

namespace sojourn {
namespace {

Error gone() { return error(Code::crashed, "the browser is gone"); }

Result<json::object> to_object(std::string_view text) {
  if (text.empty()) return json::object{};
  constexpr std::size_t depth_max = 512;  // what a page made may be deep
  auto value = json::parse(text, depth_max);
  if (!value) value = json::parse(mend_surrogates(text), depth_max);
  if (!value) return error(Code::failed, "the browser's answer is not JSON");
  if (!value->is_object()) return error(Code::failed, "the browser's answer is not an object");
  return std::move(value->get_object());
}

std::string to_words(std::string_view body) {
  auto const parsed = to_object(body);
  if (!parsed) return "no reason given";
  auto words = std::string(json::find_string(*parsed, "message", "no reason given"));
  if (auto const data = json::find_string(*parsed, "data"); !data.empty()) words.append(": ").append(data);
  return words;
}

}  // namespace

Wire::Wire(Loop& loop, Timers& timers, int write_fd, int read_fd, std::function<void()> on_end)
    : loop_(loop),
      timers_(timers),
      on_end_(std::move(on_end)),
      write_(loop, write_fd, 0, [this](std::uint32_t) { flush(); }),
      read_(loop, read_fd, EPOLLIN, [this](std::uint32_t) { on_readable(); }) {}

Wire::~Wire() {
  *is_alive_ = false;
  has_ended_ = true;
  while (!waiting_.empty()) fail(waiting_.begin()->first, gone());
}

Later<Wire::Answer> Wire::send(std::string const& session, std::string_view method, json::object const& params,
                               std::int64_t timeout_us) {
  return begin(session, method, params, timeout_us).answer;
}

Later<Result<std::string>> Wire::send_for_text(std::string const& session, std::string_view method,
                                               json::object const& params, std::int64_t timeout_us) {
  auto& waiting = begin(session, method, params, timeout_us);
  waiting.wants_text = true;
  return waiting.text;
}

void Wire::listen(std::string const& session, OnEvent on_event) {
  if (on_event)
    listeners_[session] = std::move(on_event);
  else
    listeners_.erase(session);
}

void Wire::forget(std::string const& session) {
  listeners_.erase(session);
  std::vector<std::int64_t> ids;
  for (auto const& [id, waiting] : waiting_)
    if (waiting.session == session) ids.push_back(id);
  for (auto const id : ids) fail(id, error(Code::crashed, "the page is gone"));
}

Wire::Waiting& Wire::begin(std::string const& session, std::string_view method, json::object const& params,
                           std::int64_t timeout_us) {
  auto const id = ++last_id_;
  auto& waiting = waiting_[id];
  waiting.session = session;
  waiting.method = method;
  if (has_ended_) {
    loop_.post([this, id, alive = is_alive_] {
      if (*alive) fail(id, gone());
    });
    return waiting;
  }
  waiting.timer = timers_.set(Clock().now().steady_us + timeout_us, [this, id] { give_up(id); });
  bool const was_empty = out_.empty();
  cdp::append_command(out_, id, method, session, json::to_text(params));
  if (was_empty)
    loop_.post([this, alive = is_alive_] {
      if (*alive) flush();
    });
  return waiting;
}

void Wire::give_up(std::int64_t id) {
  auto const place = waiting_.find(id);
  if (place == waiting_.end()) return;
  place->second.timer = 0;
  fail(id, error(Code::timeout, "the browser did not answer " + place->second.method + " in time"));
}

void Wire::Waiting::give(Result<std::string_view> result) const {
  if (wants_text) {
    if (result)
      text.give(std::string(*result));
    else
      text.give(result.error());
    return;
  }
  if (!result) {
    answer.give(result.error());
    return;
  }
  answer.give(to_object(*result));
}

void Wire::fail(std::int64_t id, Error const& why) {
  auto place = waiting_.extract(id);
  if (place.empty()) return;
  if (place.mapped().timer != 0) timers_.cancel(place.mapped().timer);
  place.mapped().give(why);
}

void Wire::flush() {
  while (!out_.empty() && !has_ended_) {
    auto const sent = write(write_.fd(), out_.data(), out_.size());
    if (sent > 0) {
      out_.erase(0, static_cast<std::size_t>(sent));
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    return end();
  }
  if (!has_ended_) write_.want(out_.empty() ? 0U : std::uint32_t{EPOLLOUT});
}

void Wire::on_readable() {
  auto const buffer = loop_.read_buffer();
  auto const got = read(read_.fd(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return end();
  framer_.take({buffer.data(), static_cast<std::size_t>(got)});
  std::string_view text;
  auto const alive = is_alive_;  // a listener may end all of this
  while (*alive && framer_.next(text)) receive(text);
  if (*alive && framer_.has_failed()) end();
}

void Wire::receive(std::string_view text) {
  auto const message = cdp::read(text);
  if (!message) return;  // nobody can be told
  if (message->id == 0) {
    auto const place = listeners_.find(std::string(message->session));
    if (place == listeners_.end()) return;
    auto const listener = place->second;  // it may stop to listen
    return listener(message->method, message->body);
  }
  auto place = waiting_.extract(message->id);
  if (place.empty()) return;
  auto const& waiting = place.mapped();
  timers_.cancel(waiting.timer);
  if (message->is_error)
    waiting.give(error(Code::failed, waiting.method + ": " + to_words(message->body)));
  else
    waiting.give(message->body);
}

void Wire::end() {
  if (has_ended_) return;
  has_ended_ = true;
  write_.close();
  read_.close();
  auto const alive = is_alive_;
  std::vector<std::int64_t> ids;
  for (auto const& [id, waiting] : waiting_) ids.push_back(id);
  for (auto const id : ids) {
    if (!*alive) return;
    fail(id, gone());
  }
  if (*alive) loop_.post(std::exchange(on_end_, {}));
}

}  // namespace sojourn
