#include "api/router.h"

#include <array>

#include "api/app_answer.h"
#include "base/id.h"
#include "base/text.h"

namespace sojourn {
namespace {

Response preflight_response() {
  Response response;
  response.status = 204;
  response.content_type = {};
  response.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
                      {"Access-Control-Allow-Headers",
                       "Content-Type, Authorization, If-Match, Idempotency-Key, Last-Event-ID, Prefer, X-Request-ID"},
                      {"Access-Control-Max-Age", "600"}};
  return response;
}

// Who must not see whose answers.
std::string to_name(Principal const& principal) {
  return std::string(to_word(principal.scope)) + '\0' + to_key(principal);
}

// Whose errors have a "detail": the doors of shared sessions, the native API, and a listener that is theirs.
bool has_details(Request const& request) {
  constexpr std::array<std::string_view, 7> prefixes{"/api/v1",     "/apps",         "/sessions", "/ws/session",
                                                     "/test-token", "/send-message", "/token"};
  auto const path = request.path;
  for (auto const prefix : prefixes) {
    if (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/')) return true;
  }
  return request.listener == ListenerDialect::sessions && !path.starts_with("/api/");
}

// Whose errors have an "error", but tell an unknown path from a wrong method: the doors of the session monitor, and a
// listener that is theirs.
bool is_monitor(Request const& request) {
  constexpr std::array<std::string_view, 4> prefixes{"/havefun", "/ping", "/debug", "/socket.io"};
  auto const path = request.path;
  for (auto const prefix : prefixes) {
    if (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/')) return true;
  }
  return request.listener == ListenerDialect::monitor && !path.starts_with("/api/");
}

std::string_view without_slash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

Response refusal(Request const& request, Error const& error) {
  if (request.path.starts_with("/apps/")) return app_refusal(error);
  if (!has_details(request)) return error_response(error);
  auto response = detail_response(error);
  // The documented doors have nothing beside the detail.
  if (!request.path.starts_with("/api/")) response.body = detail_response(response.status, error.message).body;
  return response;
}

bool matches(std::string_view pattern, std::string_view path, Parameters& parameters) {
  parameters.count = 0;
  if (path.ends_with('/') != pattern.ends_with('/')) return false;
  while (!pattern.empty() && !path.empty()) {
    auto const wanted = take_until(pattern, '/');
    auto const given = take_until(path, '/');
    if (wanted.starts_with(':')) {
      if (given.empty() || parameters.count == Parameters::count_max) return false;
      parameters.at[parameters.count++] = given;
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

void Router::add(void* door, std::span<Route const> routes, std::span<Entrance const> entrances) {
  doors_.push_back({door, routes, entrances});
}

Envelope Router::make_envelope(Request const& request) {
  auto const request_id = request.header("x-request-id");
  auto const correlation_id = request.header("x-correlation-id");
  Envelope envelope;
  envelope.request_id = is_request_id(request_id) ? std::string(request_id) : make_uuid(random_);
  envelope.correlation_id = is_request_id(correlation_id) ? std::string(correlation_id) : envelope.request_id;
  return envelope;
}

Result<> Router::admit(Request& request) {
  request.envelope = make_envelope(request);
  auto origin = access_.admit(request);
  if (!origin) {
    log_.write(
        Level::warn, "request.refused",
        {{"request_id", request.envelope.request_id}, {"path", request.path}, {"reason", origin.error().message}});
    return origin.error();
  }
  request.envelope.allow_origin = std::move(*origin);
  return {};
}

// Whether there is a principal; else the request carries why not.
bool Router::identify(Request& request) const {
  auto principal = identity_.identify(request);
  if (principal) {
    request.principal = std::move(*principal);
    return true;
  }
  request.refusal = principal.error();
  log_.write(Level::info, "request.unauthenticated",
             {{"request_id", request.envelope.request_id},
              {"path", request.path},
              {"reason", request.refusal->message},
              {"address", request.remote_address}});
  return false;
}

void Router::handle(Request& request, Respond respond) {
  if (auto const admitted = admit(request); !admitted) {
    auto refused = refusal(request, admitted.error());
    refused.is_last = true;
    return respond(std::move(refused));
  }
  auto const path = without_slash(request.path);
  auto const method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  Parameters parameters;
  for (auto const& door : doors_) {
    for (auto const& route : door.routes) {
      if (route.method != method || !matches(route.pattern, path, parameters)) continue;
      if (!route.is_public && !identify(request)) return respond(refusal(request, *request.refusal));
      if (method != "POST" || route.is_public) return route.handler(door.door, request, parameters, respond);
      auto const kept = replays_.begin(request, to_name(request.principal), respond);
      if (kept) route.handler(door.door, request, parameters, *kept);
      return;
    }
  }
  if (request.method == "OPTIONS") return respond(preflight_response());
  refuse_path(request, path, respond);
}

void Router::refuse_path(Request const& request, std::string_view path, Respond respond) const {
  bool const is_detailed = has_details(request);
  if (!is_detailed && !is_monitor(request))
    return respond(error_response(row(Code::not_found).http_status, "Endpoint not found"));
  std::string allowed;
  Parameters parameters;
  for (auto const& door : doors_) {
    for (auto const& route : door.routes) {
      if (matches(route.pattern, path, parameters)) allowed.append(allowed.empty() ? "" : ", ").append(route.method);
    }
  }
  if (allowed.empty() && is_detailed && is_websocket_path(path)) {
    auto response = detail_response(426, "this is the path of a WebSocket; connect to it with ws:// or wss://");
    response.headers.emplace_back("Upgrade", "websocket");
    return respond(std::move(response));
  }
  if (allowed.empty())
    return respond(is_detailed ? detail_response(404, "Not Found") : error_response(404, "Not Found"));
  auto response = is_detailed ? detail_response(405, "Method Not Allowed") : error_response(405, "Method Not Allowed");
  response.headers.emplace_back("Allow", std::move(allowed));
  respond(std::move(response));
}

bool Router::is_websocket_path(std::string_view path) const {
  Parameters parameters;
  for (auto const& door : doors_) {
    for (auto const& entrance : door.entrances) {
      if (entrance.carrier == Carrier::websocket && matches(entrance.pattern, path, parameters)) return true;
    }
  }
  return false;
}

Entrance const* Router::find_entrance(Request const& request, Carrier carrier, Parameters& parameters,
                                      void** found) const {
  // The documented upgrade paths are those and no others.
  auto const path = request.path.starts_with("/api/") ? without_slash(request.path) : request.path;
  for (auto const& door : doors_) {
    for (auto const& entrance : door.entrances) {
      if (entrance.carrier != carrier || !matches(entrance.pattern, path, parameters)) continue;
      if (entrance.is_meant != nullptr && !entrance.is_meant(request)) continue;
      *found = door.door;
      return &entrance;
    }
  }
  return nullptr;
}

Router::EngineDoor Router::find_engines(Request const& request) const {
  auto const path = without_slash(request.path);
  for (auto const& door : doors_) {
    for (auto const& entrance : door.entrances) {
      if (entrance.carrier == Carrier::engine && entrance.pattern == path) return {door.door, entrance.engine};
    }
  }
  return {};
}

Result<> Router::enter(Request& request) {
  if (auto const admitted = admit(request); !admitted) return admitted.error();
  identify(request);
  return {};
}

bool Router::is_event_stream(Request const& request) const {
  void* door = nullptr;
  Parameters parameters;
  return wants_event_stream(request) && !wants_websocket(request) &&
         find_entrance(request, Carrier::event_stream, parameters, &door) != nullptr;
}

void Router::join(Request& request, Attachment via, Welcome welcome) {
  if (auto const admitted = admit(request); !admitted) return welcome(admitted.error());
  void* door = nullptr;
  Parameters parameters;
  auto const carrier = wants_websocket(request) ? Carrier::websocket : Carrier::event_stream;
  auto const* const entrance = find_entrance(request, carrier, parameters, &door);
  if (entrance == nullptr) return welcome(error(Code::invalid, "no WebSocket is served at this path"));
  if (!identify(request) && !entrance->judges_tokens) return welcome(*request.refusal);
  entrance->joiner(door, request, parameters, std::move(via), welcome);
}

}  // namespace sojourn
