#include "api/monitor_debug.h"

#include <algorithm>
#include <array>
#include <set>

#include "api/monitor_event.h"
#include "base/crypto.h"

namespace sojourn {
namespace {

Response not_shown() { return error_response(404, "Endpoint not found"); }

std::string to_list(std::vector<MonitorSocket const*> sockets) {
  std::ranges::sort(sockets, {}, [](auto const* socket) { return socket->facts().connected_us; });
  std::string out = "[";
  for (auto const* socket : sockets) out.append(out.size() > 1 ? ",{" : "{").append(to_facts(*socket)).append("}");
  return out += ']';
}

}  // namespace

std::span<Route const> MonitorDebug::routes() {
  static constexpr std::array table{
      Route{"GET", "/debug/thread-sessions", handle<&MonitorDebug::list_thread>, "Who follows a thread"},
      Route{"GET", "/debug/websocket-sessions", handle<&MonitorDebug::list_sockets>, "Every Socket.IO client", true},
      Route{"GET", "/debug/all-sessions", handle<&MonitorDebug::list_all>, "How many follow, and what waits for them"},
  };
  return table;
}

void MonitorDebug::list_thread(Request const& request, Parameters const&, Respond respond) {
  if (!parts_.is_shown) return respond(not_shown());
  auto const thread_id = request.parameter("thread_id");
  if (thread_id.empty()) return respond(error_response(400, "thread_id parameter is required"));
  auto sockets = parts_.monitor.sockets();
  std::erase_if(sockets, [&](auto const* socket) {
    bool const is_visible = request.principal.is_admin() || is_same(socket->principal(), request.principal);
    return !is_visible || !socket->is_registered() || socket->facts().thread_id != thread_id;
  });
  std::string out = "{\"thread_id\":";
  json::append_string(out, thread_id);
  out += ",\"active_session_count\":" + std::to_string(sockets.size()) + ",\"active_sessions\":";
  respond(json_response(out + to_list(std::move(sockets)) + "}"));
}

// The key, or an admin's token.
bool MonitorDebug::may_see_sockets(Request const& request) const {
  if (!parts_.key.empty() && equal_in_constant_time(request.parameter("api_key"), parts_.key)) return true;
  if (find_token(request).empty()) return false;
  auto const principal = parts_.identity.identify(request);
  return principal && principal->is_admin();
}

void MonitorDebug::list_sockets(Request const& request, Parameters const&, Respond respond) {
  if (!parts_.is_shown) return respond(not_shown());
  if (!may_see_sockets(request)) return respond(error_response(401, "Unauthorized"));
  auto sockets = parts_.monitor.sockets();
  auto const count = std::to_string(sockets.size());
  respond(json_response("{\"total_sessions\":" + count + ",\"sessions\":" + to_list(std::move(sockets)) + "}"));
}

void MonitorDebug::list_all(Request const& request, Parameters const&, Respond respond) {
  if (!parts_.is_shown) return respond(not_shown());
  parts_.hub.submit(request.principal, ListMissed{}, [this, respond](Result<Outcome> const& outcome) {
    if (!outcome) return respond(error_response(outcome.error()));
    auto const& missed = std::get<std::vector<MissedCount>>(*outcome);
    std::set<std::string_view> threads;
    auto const sockets = parts_.monitor.sockets();
    for (auto const* socket : sockets) {
      if (socket->is_registered()) threads.insert(socket->facts().thread_id);
    }
    std::string names;
    std::string counts;
    for (auto const& [thread_id, count] : missed) {
      std::string name;
      json::append_string(name, thread_id);
      names.append(names.empty() ? "" : ",").append(name);
      counts.append(counts.empty() ? "" : ",").append(name).append(":").append(std::to_string(count));
    }
    std::string active;
    for (auto const thread_id : threads) {
      if (!active.empty()) active += ',';
      json::append_string(active, thread_id);
    }
    respond(json_response("{\"socketio_sessions\":{\"total\":" + std::to_string(sockets.size()) +
                          ",\"active_threads\":[" + active +
                          "]},\"undelivered_messages\":{\"total_threads\":" + std::to_string(missed.size()) +
                          ",\"threads\":[" + names + "],\"counts\":{" + counts + "}}}"));
  });
}

std::string to_facts(MonitorSocket const& socket) {
  auto const& facts = socket.facts();
  std::string out = "\"session_id\":\"" + socket.sid() + "\",\"thread_id\":";
  if (socket.is_registered())
    json::append_string(out, facts.thread_id);
  else
    out += "null";
  out += ",\"user_id\":";
  json::append_string(out, facts.user_id.empty() ? socket.principal().name : facts.user_id);
  out += std::string(",\"status\":\"") + (socket.is_registered() ? "ready" : "connected") + "\",\"transport\":\"";
  out += std::string(socket.transport()) + "\",\"connected_at\":\"" + to_plain_iso(facts.connected_us) +
         "\",\"last_activity\":\"" + to_plain_iso(facts.active_us) + "\"";
  if (!facts.client_info.empty()) out += ",\"client_info\":" + facts.client_info;
  if (!socket.is_registered()) out += ",\"pre_registered\":true";
  return out;
}

}  // namespace sojourn
