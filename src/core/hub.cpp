// The gate, and the sessions themselves: opened, listed, found, ended.
#include "core/hub.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "base/id.h"
#include "base/json.h"
#include "core/record.h"

namespace sojourn {
namespace {

constexpr std::uint16_t close_normal = 1000;
constexpr std::string_view browser_crashed = "browser_crashed";
constexpr auto never = std::numeric_limits<std::int64_t>::max();
// With more than that a page of sessions ends early.
constexpr std::size_t listed_state_bytes_max = 16 * 1024 * 1024;

Error stopped() { return error(Code::unavailable, "storage failed; the server is stopping"); }

// The name under which its owner finds a session; empty = there is none.
std::string make_alias(SessionKind kind, std::string const& owner, std::string const& client_id,
                       std::string const& thread_id) {
  if (client_id.empty() && thread_id.empty()) return {};
  auto const door = client_id.empty() ? std::string_view("thread") : std::string_view("client");
  return std::string(to_word(kind)).append(1, '\0').append(door).append(1, '\0') + owner + '\0' + client_id + thread_id;
}

// What the log says of the beginning.
std::string to_birth_data(Session const& session) {
  std::string out = "{\"user_id\":";
  json::append_string(out, session.owner);
  out += ",\"client_id\":";
  auto const client_id = session.client_id();
  if (client_id.empty())
    out += "null";
  else
    json::append_string(out, client_id);
  if (auto const thread_id = session.thread_id(); !thread_id.empty()) {
    out += ",\"thread_id\":";
    json::append_string(out, thread_id);
  }
  out += ",\"session_type\":";
  json::append_string(out, session.type());
  out += ",\"timeout_s\":" + std::to_string(session.idle_us / 1'000'000);
  return out.append(",\"metadata\":").append(session.metadata()) += '}';
}

std::string make_id(SessionKind kind, Random& random) {
  if (kind == SessionKind::extension) return make_extension_id(random);
  return kind == SessionKind::browser ? make_browser_id(random) : make_uuid(random);
}

void describe_browser(SessionInfo& info, BrowserSeat const& seat) {
  info.url = seat.url;
  info.title = seat.title;
  info.width = seat.width;
  info.height = seat.height;
  info.calls = seat.calls;
  info.last_call_us = seat.last_call_us;
  info.checkpoint_us = seat.checkpoint_us;
  info.life_us = seat.life_us;
}

Error how_it_ended(bool crashed) {
  return error(Code::ended, crashed ? "Session ended because its browser crashed" : "Session ended");
}

bool has_label(Session const& session, std::string const& label, std::string const& value) {
  auto const metadata = json::parse(session.metadata());
  if (!metadata || !metadata->is_object()) return false;
  auto const* const found = metadata->get_object().if_contains(label);
  if (found == nullptr) return false;
  return found->is_string() ? std::string_view(found->get_string()) == value : json::to_text(*found) == value;
}

// The two clocks are read one after the other, and a microsecond may lie between: what stays the same is told the same.
std::int64_t to_utc_us(std::int64_t steady_us, Moment active, Moment now) {
  constexpr std::int64_t apart_us_max = 10'000;
  auto const then_us = active.utc_us - active.steady_us;
  auto const now_us = now.utc_us - now.steady_us;
  return steady_us + (std::abs(then_us - now_us) < apart_us_max ? then_us : now_us);
}

}  // namespace

std::uint32_t Hub::mint_epoch() {
  std::array<unsigned char, 4> bytes{};
  world_.random.fill(bytes);
  return bytes[0] | (std::uint32_t{bytes[1]} << 8U) | (std::uint32_t{bytes[2]} << 16U) |
         (std::uint32_t{bytes[3]} << 24U);
}

std::string Hub::to_alias(Session const& session) {
  return make_alias(session.kind, session.owner, session.client_id(), session.thread_id());
}

Hub::Hub(World world)
    : world_(std::move(world)),
      memory_limits_(world_.limits),
      tombstones_(static_cast<std::size_t>(world_.limits.tombstones)),
      admission_(world_.browsers.queue_max) {
  memory_limits_.log_bytes = std::min(world_.limits.log_bytes, world_.limits.memory_log_bytes);
  gathering_.batch.number = 1;
  if (world_.browser == nullptr) return;
  world_.browser->listen([this](BrowserNews news) { hear(std::move(news)); },
                         [this](BrowserCheckpoint checkpoint) { keep_checkpoint(std::move(checkpoint)); });
}

void Hub::submit(Principal const& principal, Command command, Reply reply) {
  if (stopped_) {
    // What is gone is gone: nothing may be pushed to its outlet any more.
    if (auto* const leave = std::get_if<Leave>(&command)) apply(principal, *leave, reply);
    if (reply) due_.push_back({std::move(reply), stopped()});
    return;
  }
  auto applied = std::visit([&](auto& c) { return apply(principal, c, reply); }, command);
  if (reply) reply_after(applied.after_batch, std::move(reply), std::move(applied.outcome));
}

Hub::Applied Hub::apply(Principal const& principal, OpenSession& command, Reply& reply) {
  if (!can(principal, Action::open, nullptr)) return {error(Code::forbidden, "not allowed to open a session")};
  auto const owner = command.wish.owner.empty() ? principal.name : command.wish.owner;
  if (owner != principal.name && !principal.is_admin())
    return {error(Code::forbidden, "only an admin opens a session for another user")};
  if (command.kind == SessionKind::browser && world_.browser == nullptr)
    return {error(Code::unavailable, "there are no browser sessions here: this server has no browser")};
  command.wish.owner = owner;
  bool const is_there = find_alias(command.kind, command.wish) != nullptr;
  if (is_there) return let_in(principal, command);
  if (auto const state = plan_state(command.wish); !state) return {state.error()};
  if (auto const full = refuse_full(nullptr); full && command.kind != SessionKind::extension) return *full;
  if (command.kind == SessionKind::browser && !has_place()) return wait_for_place(principal, command, reply);
  return let_in(principal, command);
}

// The whole state that a new session begins with.
Result<StateChange> Hub::plan_state(SessionWish const& wish) const {
  return State().plan({StateEdit::Verb::set, {}, wish.state.empty() ? "{}" : wish.state, {}}, world_.limits);
}

// The session of that client_id, or a new one for which there is a place.
Hub::Applied Hub::let_in(Principal const& principal, OpenSession& command) {
  Session* session = find_alias(command.kind, command.wish);
  bool const resumed = session != nullptr;
  if (!resumed) {
    auto const state = plan_state(command.wish);
    if (!state) return {state.error()};
    if (command.kind == SessionKind::shared) make_room(command.wish.owner);
    session = &open(command.kind, principal, command.wish);
    if (!state->set.empty()) change_state(*session, *state, {.at_us = session->opened_us, .user = principal.name});
  }
  session->active = world_.clock.now();  // to ask for it again keeps it, of whatever kind it is
  save_later(*session);
  if (command.via.outlet != nullptr)
    return arrive(*session, principal, std::move(command.via), Arrival{.is_new = !resumed});
  return {Outcome(Opened{.session = describe(*session), .resumed = resumed}), session->batch};
}

Hub::Applied Hub::apply(Principal const& principal, ListSessions& command, Reply&) {
  if (principal.role != Role::guest && !can(principal, Action::list, nullptr))
    return {error(Code::forbidden, "not allowed to list sessions")};
  SessionPage page;
  bool const filters =
      !command.type.empty() || !command.label.empty() || command.connected.has_value() || principal.role == Role::guest;
  auto const matches = [&](Session const& session) {
    if (!command.type.empty() && session.type() != command.type) return false;
    if (command.connected && *command.connected == session.members.empty()) return false;
    return command.label.empty() || has_label(session, command.label, command.label_value);
  };
  std::size_t state_bytes = 0;
  auto const take = [&](Session const& session) {
    if (state_bytes > listed_state_bytes_max) return;  // the total is right all the same
    page.sessions.push_back(describe(session));
    if (!command.with_state) return;
    state_bytes += session.state.bytes();
    session.state.append(page.sessions.back().state);
  };
  auto const look_through = [&](Shelves::Shelf const& shelf) {
    for (auto const* session : shelf) {
      if (!filters && page.total >= command.offset && page.sessions.size() >= command.limit) {
        return;  // nothing else needs to be looked at to know how many there are
      }
      if (!matches(*session) || !can(principal, Action::read, session)) continue;
      if (page.total++ >= command.offset && page.sessions.size() < command.limit) take(*session);
    }
  };
  std::size_t before = 0;
  for (auto const kind : {SessionKind::extension, SessionKind::shared, SessionKind::browser}) {
    if (command.kind && *command.kind != kind) continue;
    auto const& owner = principal.is_admin() ? command.owner : principal.name;
    if (!principal.is_admin() && !command.owner.empty() && command.owner != principal.name) break;
    Shelves::Shelf only;
    if (principal.role == Role::guest) {
      auto const place = sessions_.find(principal.grant->session_id);
      if (place != sessions_.end() && place->second->kind == kind && !place->second->ended) {
        if (auto const woken = wake(*place->second); !woken) return {woken.error()};
        if (auto const used = use_token(*place->second, principal); !used) return {used.error()};
        only.push_back(place->second.get());
      }
    }
    auto const& shelf = principal.role == Role::guest           ? only
                        : principal.is_admin() && owner.empty() ? shelves_.of(kind)
                                                                : shelves_.of(kind, owner);
    look_through(shelf);
    before += shelf.size();
    if (!filters) page.total = before;
  }
  return {Outcome(std::move(page)), command.kind == SessionKind::extension ? 0 : latest_batch()};
}

Hub::Applied Hub::apply(Principal const& principal, GetSession& command, Reply&) {
  auto const found = find(principal, Action::read, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  return {Outcome(describe(*found.session)), found.session->batch};
}

Hub::Applied Hub::apply(Principal const& principal, CloseSession& command, Reply&) {
  auto const found = find(principal, Action::close, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  auto info = describe(*found.session);
  bool const waits = found.session->is_durable();
  end(*found.session, "deleted");
  return {Outcome(std::move(info)), waits ? gathering_.batch.number : 0};
}

Hub::Found Hub::find(Principal const& principal, Action action, AnyKind kind, std::string const& id) {
  auto found = look_up(principal, action, kind, id);
  auto const& outcome = found.refusal.outcome;
  if (found.session == nullptr && outcome.error().code == Code::not_found)
    world_.log.write(
        Level::warn, "session.not_found",
        {{"session", id}, {"user", principal.name}, {"message", "Session " + id + " not found in backend database"}});
  return found;
}

Hub::Found Hub::look_up(Principal const& principal, Action action, AnyKind kind, std::string const& id) {
  auto const place = sessions_.find(id);
  bool const is_there = place != sessions_.end() && !place->second->ended && (!kind || *kind == place->second->kind);
  if (!is_there || !can(principal, Action::read, place->second.get())) return {nullptr, refuse(principal, kind, id)};
  Session& session = *place->second;
  if (!can(principal, action, &session))
    return {nullptr, {error(Code::forbidden, "this token may only " + std::string(to_word(principal.scope)))}};
  if (auto const woken = wake(session); !woken) return {nullptr, {woken.error()}};
  if (auto const used = use_token(session, principal); !used) return {nullptr, {used.error()}};
  auto const now = world_.clock.now();
  use(session, now);
  return {&session, {Outcome()}, now.utc_us};
}

void Hub::use(Session& session, Moment now) {
  if (!session.is_kept_by_any_use()) return;
  session.active = now;
  save_later(session);
}

// That a session has ended is as much to be committed first as that it began.
Hub::Applied Hub::refuse(Principal const& principal, AnyKind kind, std::string const& id) const {
  auto const place = sessions_.find(id);
  auto const after_batch = place == sessions_.end() || !place->second->ended ? 0 : place->second->batch;
  // A key that was taken back opens nothing any more, and its holder may know.
  bool const lives = place != sessions_.end() && !place->second->ended;
  if (lives && principal.role == Role::guest && principal.grant->session_id == id)
    return {error(Code::unauthenticated, "Invalid or expired token")};
  auto const* const stone = find_stone(principal, kind, id);
  if (stone != nullptr && stone->expired) return {error(Code::expired, "Session expired"), after_batch};
  if (stone != nullptr && stone->kind == SessionKind::browser) return {how_it_ended(stone->crashed), after_batch};
  return {error(Code::not_found, "Session not found"), after_batch};
}

Session& Hub::open(SessionKind kind, Principal const& principal, SessionWish const& wish) {
  auto made = std::make_unique<Session>(mint_id(kind), kind, mint_epoch());
  Session& session = *made;
  sessions_.emplace(session.id, std::move(made));
  auto const now = world_.clock.now();
  session.owner = wish.owner.empty() ? principal.name : wish.owner;
  if (!wish.client_id.empty() || !wish.thread_id.empty() || !wish.type.empty() || !wish.metadata.empty())
    session.traits =
        std::make_unique<SessionTraits>(SessionTraits{wish.client_id, wish.type, wish.metadata, wish.thread_id});
  session.opened_us = session.saved_us = now.utc_us;
  session.active = now;
  if (kind == SessionKind::browser) furnish(session, wish);
  shelves_.put(session);
  if (auto alias = to_alias(session); !alias.empty()) aliases_[std::move(alias)] = &session;
  if (session.is_durable()) {
    auto const usual_us = kind == SessionKind::browser ? world_.browsers.idle_us : world_.idle_us;
    session.idle_us = wish.idle_us == 0 ? usual_us : wish.idle_us;
    session.expiry = expiries_.emplace(look_again_us(session, now.steady_us), &session);
  }
  // What nobody can make again from its log need not begin with its birth.
  if (session.is_durable())
    append(
        session,
        Event{.at_us = now.utc_us, .type = EventType::opened, .data = to_birth_data(session), .user = principal.name},
        {birth_mark(session)});
  world_.log.write(Level::info, "session.created",
                   {{"session", session.id}, {"kind", to_word(kind)}, {"user", session.owner}});
  return session;
}

Session* Hub::find_alias(SessionKind kind, SessionWish const& wish) const {
  auto const alias = make_alias(kind, wish.owner, wish.client_id, wish.thread_id);
  auto const place = alias.empty() ? aliases_.end() : aliases_.find(alias);
  return place == aliases_.end() ? nullptr : place->second;
}

SessionInfo Hub::describe(Session const& session) const {
  auto const now = world_.clock.now();
  SessionInfo info;
  info.id = session.id;
  info.kind = session.kind;
  info.opened_us = session.opened_us;
  info.last_seen_us = session.active.utc_us;
  info.owner = session.owner;
  info.client_id = session.client_id();
  info.thread_id = session.thread_id();
  info.type = session.type();
  info.metadata = session.metadata();
  info.idle_us = session.idle_us;
  if (session.seat) {
    describe_browser(info, *session.seat);
    auto const used_us = session.seat->open_calls.empty() ? session.active.steady_us : now.steady_us;
    auto const idle_end_us = session.idle_us > 0 ? used_us + session.idle_us : never;
    auto const end_us = std::min(idle_end_us, session.seat->ends_us);
    if (end_us != never) info.expires_us = to_utc_us(end_us, session.active, now);
  } else if (session.idle_us > 0) {
    auto const used_us = session.members.empty() ? session.active.steady_us : now.steady_us;
    info.expires_us = to_utc_us(used_us + session.idle_us, session.active, now);
  }
  info.connections = session.members.size();
  if (session.use) info.cases = session.use->count(Use::case_opened);
  info.cursor = {session.journal.epoch(), session.journal.last_seq()};
  info.revision = session.state.revision();
  auto const host = connections_.find(session.host);
  if (session.host == 0 || host == connections_.end()) return info;
  // Until its first word it was seen when it came, which the clock says a little later than it said of the session.
  auto const& connection = host->second;
  bool const has_spoken = connection.last_seen_us != connection.connected_us;
  info.last_seen_us = has_spoken ? std::max(session.opened_us, connection.last_seen_us) : session.opened_us;
  info.user_agent = connection.via.user_agent;
  info.address = connection.via.address;
  info.device = connection.via.device;
  return info;
}

std::string Hub::mint_id(SessionKind kind) {
  for (;;) {
    auto id = make_id(kind, world_.random);
    if (!sessions_.contains(id)) return id;
  }
}

// When it is over if nobody uses it after `since_us`; INT64_MAX = never. Steady clock.
std::int64_t Hub::look_again_us(Session const& session, std::int64_t since_us) const {
  auto const life_us = session.seat ? session.seat->ends_us : never;
  return session.idle_us == 0 ? life_us : std::min(since_us + session.idle_us, life_us);
}

void Hub::end(Session& session, std::string_view reason) {
  shelves_.take(session);
  if (auto const alias = to_alias(session); !alias.empty()) aliases_.erase(alias);
  if (session.is_durable()) expiries_.erase(session.expiry);
  auto const now_us = world_.clock.now().utc_us;
  world_.log.write(Level::info, reason == "expired" ? "session.expired" : "session.deleted",
                   {{"session", session.id}, {"user", session.owner}});
  session.ended = true;
  if (!session.fleeting.empty()) show(session);  // nothing comes after the last word
  auto const closing =
      append(session,
             Event{.at_us = now_us, .type = EventType::closed, .data = "{\"reason\":\"" + std::string(reason) + "\"}"});
  if (session.is_durable())
    keep_end(session, closing, {session.owner, reason == "expired", now_us, session.kind, reason == browser_crashed});
  fail_calls(session, 0, session.batch);
  if (session.seat) {
    auto const why =
        reason == "expired" ? error(Code::expired, "Session expired") : how_it_ended(reason == browser_crashed);
    vacate(session, std::move(session.seat), why, {});
  }
  if (!session.is_durable()) bury(session);
}

void Hub::bury(Session& session) {
  show(session);
  auto const members = session.members;
  for (auto* member : members) {
    // A snapshot that waits, then what came after it.
    for (int i = 0; i < 2 && member->behind; ++i) catch_up(*member, std::numeric_limits<std::size_t>::max());
    send_away(*member, close_normal, "Session closed");
  }
  std::erase(dirty_, &session);
  sessions_.erase(sessions_.find(session.id));
}

}  // namespace sojourn
