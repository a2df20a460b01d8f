#include "api/operations.h"

#include <array>

#include "api/openapi.h"
#include "base/json.h"
#include "base/version.h"

namespace sojourn {

std::span<Route const> Operations::routes() {
  static constexpr std::array table{
      Route{"GET", "/healthz", handle<&Operations::show_health>, "Whether the process lives", true},
      Route{"GET", "/readyz", handle<&Operations::show_readiness>, "Whether it can serve, and how", true},
      Route{"GET", "/api/health", handle<&Operations::show_documented_health>, "The documented health check", true},
      Route{"GET", "/", handle<&Operations::show_root>, "What this is, on a listener of sessions or of the monitor",
            true},
      Route{"GET", "/openapi.json", handle<&Operations::describe>, "This description", true},
  };
  return table;
}

void Operations::show_health(Request const&, Parameters const&, Respond respond) {
  Response response;
  response.body = "{\"status\":\"ok\"}";
  respond(std::move(response));
}

void Operations::show_readiness(Request const&, Parameters const&, Respond respond) {
  bool const is_ready = !draining_ && !hub_.is_stopped() && hub_.can_keep();
  json::object body{{"status", is_ready ? "ready" : "not_ready"},
                    {"store", facts_.store},
                    {"storage", hub_.is_stopped() ? "failed"
                                : hub_.can_keep() ? "ok"
                                                  : "full"},
                    {"draining", draining_},
                    {"sending", facts_.sending},
                    {"sessions", hub_.session_count()},
                    {"connections", hub_.connection_count()}};
  Response response;
  response.status = is_ready ? 200 : 503;
  response.body = json::to_text(body);
  respond(std::move(response));
}

void Operations::show_root(Request const& request, Parameters const&, Respond respond) {
  if (request.listener == ListenerDialect::monitor) {
    Response response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = "Sojourn " + std::string(version) + ", the session monitor. Its Socket.IO path is /socket.io/.\n";
    return respond(std::move(response));
  }
  if (request.listener != ListenerDialect::sessions) return respond(error_response(404, "Endpoint not found"));
  respond(json_response("{\"name\":\"sojourn\",\"version\":\"" + std::string(version) +
                        "\",\"api\":\"/api/v1\",\"description\":\"/openapi.json\"}"));
}

void Operations::describe(Request const&, Parameters const&, Respond respond) {
  respond(json_response(to_openapi(router_.doors())));
}

// The document's own health check; its two shapes together.
void Operations::show_documented_health(Request const& request, Parameters const&, Respond respond) {
  Response response;
  response.body = "{\"status\":\"ok\",\"timestamp\":" + std::to_string(to_ms(request.at.utc_us)) + ",\"success\":true}";
  respond(std::move(response));
}

}  // namespace sojourn
