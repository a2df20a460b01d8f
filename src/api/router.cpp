#include "api/router.h"

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
                       "Content-Type, Authorization, If-Match, Idempotency-Key, Last-Event-ID, X-Request-ID"},
                      {"Access-Control-Max-Age", "600"}};
  return response;
}

}  // namespace

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
  request.principal = local_principal();
  return {};
}

void Router::handle(Request& request, Respond respond) {
  if (auto const admitted = admit(request); !admitted) {
    auto refusal = error_response(admitted.error());
    refusal.is_last = true;
    return respond(std::move(refusal));
  }
  if (request.method == "OPTIONS") return respond(preflight_response());
  auto path = request.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  auto const method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  Parameters parameters;
  for (auto const& door : doors_) {
    for (auto const& route : door.routes) {
      if (route.method == method && matches(route.pattern, path, parameters))
        return route.handler(door.door, request, parameters, respond);
    }
  }
  respond(error_response(row(Code::not_found).http_status, "Endpoint not found"));
}

void Router::join(Request& request, Attachment via, Welcome welcome) {
  if (auto const admitted = admit(request); !admitted) return welcome(admitted.error());
  for (auto const& door : doors_) {
    for (auto const& entrance : door.entrances) {
      if (entrance.path != request.path) continue;
      if (entrance.every_listener || entrance.listener == request.listener)
        return entrance.joiner(door.door, request, std::move(via), welcome);
    }
  }
  welcome(error(Code::invalid, "no WebSocket is served at this path"));
}

}  // namespace sojourn
