// Sessions that own a page of a browser: what is asked of it, what it tells, and what becomes of both at the end.
#include <algorithm>
#include <limits>

#include "base/json.h"
#include "base/utf8.h"
#include "core/hub.h"
#include "core/record.h"

namespace sojourn {
namespace {

constexpr std::string_view closed_before = R"({"success":true,"video":null,"output_meta":null})";
// A page can make news as fast as it likes: of more in a second the log does not tell.
constexpr std::uint32_t news_a_second_max = 20;
constexpr std::size_t news_bytes_max = 16 * 1024;
constexpr std::size_t title_bytes_max = 1024;
constexpr std::int64_t second_us = 1'000'000;

// An action that fails says so before anything else.
bool is_success(Result<std::string> const& output) { return output && !output->starts_with(R"({"success":false)"); }

bool is_checkpoint(Change const& change) {
  return change.marks.size() == 2 && change.marks.back().name == checkpoint_name;
}

std::string to_called_data(std::string const& note, bool success, std::int64_t us) {
  return "{\"input\":" + (note.empty() ? "{}" : note) + ",\"success\":" + (success ? "true" : "false") +
         ",\"ms\":" + std::to_string(us / 1000) + "}";
}

}  // namespace

Hub::Applied Hub::apply(Principal const& principal, CallFunction& command, Reply& reply) {
  if (command.function == Function::close) {
    if (auto closed = close_again(principal, command)) return std::move(*closed);
  }
  // Who was let in may use it; its end is its owner's, as with DELETE.
  auto const action = command.function == Function::close ? Action::close : Action::call;
  auto const found = find(principal, action, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  if (!session.seat)
    return {error(Code::conflict, "functions are for browser sessions, and this is " +
                                      std::string(session.kind == SessionKind::shared ? "a shared" : "an extension") +
                                      " session")};
  if (command.function == Function::close) return close_browser(principal, session, command, reply);
  if (session.seat->open_calls.size() >= static_cast<std::size_t>(world_.limits.calls)) return too_many_calls();
  auto const number = begin_running(principal, command, reply);
  session.seat->open_calls.push_back(number);
  FunctionCall call{session.id, command.function, std::move(command.input), command.timeout_us};
  world_.browser->call(std::move(call),
                       [this, number](Result<std::string> output) { finish_running(number, std::move(output)); });
  return {Outcome()};
}

// Of one that is over already, which does no harm.
std::optional<Hub::Applied> Hub::close_again(Principal const& principal, CallFunction const& command) const {
  auto const* const stone = find_stone(principal, command.kind, command.id);
  if (stone == nullptr || stone->kind != SessionKind::browser) return std::nullopt;
  FunctionAnswer answer{std::string(closed_before), {}};
  answer.session.id = command.id;
  auto const place = sessions_.find(command.id);
  return Applied{Outcome(std::move(answer)), place == sessions_.end() ? 0 : place->second->batch};
}

std::uint64_t Hub::begin_running(Principal const& principal, CallFunction& command, Reply& reply) {
  auto const number = ++last_running_;
  running_.emplace(number,
                   RunningCall{command.id, command.function, std::move(command.note), std::move(command.request_id),
                               principal.name, world_.clock.now().steady_us, std::exchange(reply, {})});
  return number;
}

// The session may have ended meanwhile: then this was answered, and nobody is told.
void Hub::finish_running(std::uint64_t number, Result<std::string> output) {
  auto node = running_.extract(number);
  if (node.empty()) return;
  auto& call = node.mapped();
  Session& session = *sessions_.find(call.session_id)->second;
  auto& seat = *session.seat;
  auto const now = world_.clock.now();
  bool const is_answer = output.has_value();
  std::erase(seat.open_calls, number);
  ++seat.calls;
  seat.last_call_us = now.utc_us;
  if (is_answer)
    session.active = now;
  else
    look_earlier(session);
  auto const data = to_called_data(call.note, is_success(output), now.steady_us - call.begun_us);
  if (call.reply && is_answer)
    reply_after(0, std::move(call.reply), Outcome(FunctionAnswer{std::move(*output), describe_kept(session)}));
  else if (call.reply)
    reply_after(0, std::move(call.reply), output.error());
  append(session, Event{.at_us = now.utc_us,
                        .type = EventType::called,
                        .name = std::string(to_word(call.function)),
                        .data = data,
                        .request_id = std::move(call.request_id),
                        .user = std::move(call.user)});
}

// As far as it is committed: an answer that does not wait tells of nothing else.
SessionInfo Hub::describe_kept(Session const& session) const {
  auto info = describe(session);
  info.cursor.seq = session.visible_seq;
  info.revision = std::min(info.revision, session.visible_seq);
  return info;
}

// It is over for everybody at once; the answer has the video, which may take a moment.
Hub::Applied Hub::close_browser(Principal const& principal, Session& session, CallFunction& command, Reply& reply) {
  auto info = describe(session);
  auto seat = std::move(session.seat);
  end(session, "closed");
  auto const batch = session.batch;
  auto const number = begin_running(principal, command, reply);
  auto done = [this, number, batch, info = std::move(info)](Result<std::string> output) {
    auto node = running_.extract(number);
    if (node.empty() || !node.mapped().reply) return;
    if (output)
      reply_after(batch, std::move(node.mapped().reply), Outcome(FunctionAnswer{std::move(*output), info}));
    else
      reply_after(batch, std::move(node.mapped().reply), output.error());
  };
  vacate(session, std::move(seat), error(Code::ended, "Session ended"), std::move(done));
  return {Outcome()};
}

void Hub::furnish(Session& session, SessionWish const& wish) {
  auto const now = world_.clock.now();
  session.seat = std::make_unique<BrowserSeat>();
  auto& seat = *session.seat;
  seat.width = wish.browser.width;
  seat.height = wish.browser.height;
  auto const most_us = world_.browsers.life_us;
  seat.life_us = wish.life_us == 0 || (most_us != 0 && wish.life_us > most_us) ? most_us : wish.life_us;
  seat.ends_us = seat.life_us == 0 ? std::numeric_limits<std::int64_t>::max() : now.steady_us + seat.life_us;
  world_.browser->open(session.id, wish.browser);
}

// What still runs in it is answered with why it does not any more, once that is committed.
void Hub::vacate(Session const& session, std::unique_ptr<BrowserSeat> seat, Error const& why, Browser::Done done) {
  for (auto const number : seat->open_calls) {
    auto node = running_.extract(number);
    if (node.mapped().reply) reply_after(session.batch, std::move(node.mapped().reply), why);
  }
  world_.browser->close(session.id, std::move(done));
}

void Hub::hear(BrowserNews news) {
  auto const place = sessions_.find(news.session_id);
  if (stopped_ || place == sessions_.end() || place->second->ended) return;
  Session& session = *place->second;
  auto& seat = *session.seat;
  auto const now = world_.clock.now();
  if (news.data.size() > news_bytes_max) news.data = "{}";
  if (news.name == "navigated") {
    auto const data = json::parse(news.data);
    if (data && data->is_object()) {
      auto const url = json::find_string(data->get_object(), "url");
      // The empty page that a browser may or may not tell of at its start is no news.
      if (seat.url.empty() && url == "about:blank") return;
      seat.url = url;
      seat.title = to_utf8(json::find_string(data->get_object(), "title").substr(0, title_bytes_max));
    }
  }
  auto const second = now.steady_us / second_us;
  if (std::exchange(seat.news_second, second) != second) seat.news_count = 0;
  if (++seat.news_count <= news_a_second_max || news.is_end)
    append(session, Event{.at_us = now.utc_us,
                          .type = EventType::browser,
                          .name = std::move(news.name),
                          .data = std::move(news.data)});
  if (news.is_end) end(session, "browser_crashed");
}

// Nobody waits for it, and it is no use of the session.
void Hub::keep_checkpoint(BrowserCheckpoint checkpoint) {
  auto const place = sessions_.find(checkpoint.session_id);
  if (stopped_ || place == sessions_.end() || place->second->ended || !world_.store.has_room()) return;
  Session& session = *place->second;
  auto const now = world_.clock.now();
  session.seat->checkpoint_us = now.utc_us;
  session.batch = gathering_.batch.number;
  Change change{.session_id = session.id,
                .marks = {seat_mark(session, now), checkpoint_mark(std::move(checkpoint.sealed))},
                .first_seq = session.journal.is_asleep() ? 0 : session.journal.first_seq()};
  // While a commit takes its time the last one counts, and no more than that is held.
  auto& changes = gathering_.batch.changes;
  auto const is_one = [&](Change const& each) { return each.session_id == session.id && is_checkpoint(each); };
  if (auto const earlier = std::ranges::find_if(changes, is_one); earlier != changes.end())
    earlier->marks = std::move(change.marks);
  else
    changes.push_back(std::move(change));
}

// What its owner, or an admin, may know of a session that is over.
Tombstone const* Hub::find_stone(Principal const& principal, AnyKind kind, std::string const& id) const {
  auto const* const stone = tombstones_.find(id, world_.clock.now().utc_us);
  if (stone == nullptr || (kind && *kind != stone->kind)) return nullptr;
  bool const is_owner = principal.role != Role::guest && stone->owner == principal.name;
  return principal.is_admin() || is_owner ? stone : nullptr;
}

}  // namespace sojourn
