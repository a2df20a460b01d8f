#include "api/operations.h"

#include <array>

#include "base/json.h"

namespace sojourn {

std::span<Route const> Operations::routes() {
  static constexpr std::array table{
      Route{"GET", "/healthz", handle<&Operations::show_health>},
      Route{"GET", "/readyz", handle<&Operations::show_readiness>},
      Route{"GET", "/api/health", handle<&Operations::show_documented_health>},
  };
  return table;
}

void Operations::show_health(Request const&, Parameters const&, Respond respond) {
  Response response;
  response.body = "{\"status\":\"ok\"}";
  respond(std::move(response));
}

void Operations::show_readiness(Request const&, Parameters const&, Respond respond) {
  bool const is_ready = !draining_ && !hub_.is_stopped();
  json::object body{{"status", is_ready ? "ready" : "not_ready"},
                    {"store", hub_.is_stopped() ? "failed" : "memory"},
                    {"draining", draining_},
                    {"sending", sending_},
                    {"sessions", hub_.session_count()},
                    {"connections", hub_.connection_count()}};
  Response response;
  response.status = is_ready ? 200 : 503;
  response.body = json::to_text(body);
  respond(std::move(response));
}

// The document's own health check; its two shapes together.
void Operations::show_documented_health(Request const& request, Parameters const&, Respond respond) {
  Response response;
  response.body = "{\"status\":\"ok\",\"timestamp\":" + std::to_string(to_ms(request.at.utc_us)) + ",\"success\":true}";
  respond(std::move(response));
}

}  // namespace sojourn
