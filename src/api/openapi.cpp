#include "api/openapi.h"

#include "api/function_schema.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"

namespace sojourn {
namespace {

// "/a/:id" as "/a/{id}"; the names go to `names`.
std::string to_template(std::string_view pattern, json::array& names) {
  if (pattern == "/") return "/";
  std::string out;
  bool is_first = true;
  while (!pattern.empty()) {
    auto const part = take_until(pattern, '/');
    if (!is_first) out += '/';
    is_first = false;
    if (!part.starts_with(':')) {
      out += part;
      continue;
    }
    out.append("{").append(part.substr(1)).append("}");
    names.push_back(json::object{
        {"name", part.substr(1)}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
  }
  return out;
}

// The part of the path that says what it is about.
std::string_view to_tag(std::string_view path) {
  if (path.find("/functions") != path.npos) return "browser functions";
  for (auto const& [prefix, tag] : {std::pair<std::string_view, std::string_view>{"/api/v1", "sessions"},
                                    {"/apps", "browser functions"},
                                    {"/api/websocket", "extension sessions"},
                                    {"/api/browser", "extension sessions"},
                                    {"/ws/extension", "extension sessions"}}) {
    if (path.starts_with(prefix)) return tag;
  }
  if (path == "/havefun" || path == "/ping" || path.starts_with("/socket.io")) return "session monitor";
  bool const is_tracking = path.starts_with("/sessions") || path.starts_with("/ws") || path == "/token" ||
                           path == "/test-token" || path == "/send-message";
  return is_tracking ? "session tracking" : "operations";
}

json::object answer(std::string_view description, bool is_error) {
  json::object out{{"description", description}};
  if (is_error)
    out["content"] = json::object{
        {"application/json", json::object{{"schema", json::object{{"$ref", "#/components/schemas/Error"}}}}}};
  return out;
}

void add(json::object& paths, std::string_view method, std::string_view pattern, json::object operation) {
  json::array names;
  auto const path = to_template(pattern, names);
  operation["tags"] = json::array{json::value(to_tag(path))};
  if (!names.empty()) operation["parameters"] = std::move(names);
  if (!paths.contains(path)) paths[path] = json::object();
  auto& item = paths[path].as_object();
  auto const name = lower_case(method);
  if (!item.contains(name)) {
    item[name] = std::move(operation);
    return;
  }
  // A path may both answer and stream: one GET then tells of both.
  auto& answers = item[name].at("responses").as_object();
  for (auto const& [status, answer] : operation.at("responses").as_object()) {
    if (!answers.contains(status)) answers[status] = answer;
  }
}

constexpr std::string_view schemas = "#/components/schemas/";

json::object as_json(json::value schema) {
  json::object content;
  if (!schema.is_null()) content["schema"] = std::move(schema);
  return {{"application/json", std::move(content)}};
}

json::object describe(Route const& route) {
  json::object answers{{"2XX", answer("Done", false)},
                       {"4XX", answer("Refused: the body says why", true)},
                       {"5XX", answer("It could not be done: the body says why", true)}};
  json::value input;
  if (route.function) {
    input = input_schema(*route.function);
    answers["2XX"].as_object()["content"] = as_json(output_schema(*route.function, schemas));
  }
  json::object out{{"summary", route.summary.empty() ? route.pattern : route.summary},
                   {"responses", std::move(answers)}};
  if (route.is_public) out["security"] = json::array();
  if (route.method == "POST" || route.method == "PUT" || route.method == "PATCH")
    out["requestBody"] = json::object{{"content", as_json(std::move(input))}};
  return out;
}

json::object describe(Entrance const& entrance) {
  bool const is_stream = entrance.carrier == Carrier::event_stream;
  json::object answers;
  answers[is_stream ? "200" : "101"] = answer(is_stream ? "text/event-stream" : "A WebSocket", false);
  answers["4XX"] = answer("Refused: the body says why", true);
  return {{"summary", entrance.summary}, {"responses", std::move(answers)}};
}

}  // namespace

std::string to_openapi(std::span<Router::Door const> doors) {
  json::object paths;
  for (auto const& door : doors) {
    for (auto const& route : door.routes) add(paths, route.method, route.pattern, describe(route));
    for (auto const& entrance : door.entrances) add(paths, "GET", entrance.pattern, describe(entrance));
  }
  json::object const error_schema{
      {"type", "object"},
      {"properties", json::object{{"detail", json::object{{"type", json::array{"string", "array"}}}},
                                  {"error_code", json::object{{"type", "string"}}},
                                  {"error", json::object{{"type", json::array{"string", "object"}}}},
                                  {"code", json::object{{"type", "string"}}}}}};
  auto components = shared_schemas(schemas);
  components["Error"] = error_schema;
  json::object const bearer{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}};
  json::object const whole{{"openapi", "3.1.0"},
                           {"info", json::object{{"title", "Sojourn"}, {"version", version}}},
                           {"paths", std::move(paths)},
                           {"components", json::object{{"schemas", std::move(components)},
                                                       {"securitySchemes", json::object{{"bearer", bearer}}}}},
                           {"security", json::array{json::object{{"bearer", json::array()}}, json::object()}}};
  return json::to_text(whole);
}

}  // namespace sojourn
