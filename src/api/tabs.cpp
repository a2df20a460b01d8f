#include "api/tabs.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "api/extension.h"
#include "api/media.h"

namespace sojourn {
namespace {

constexpr std::array create_fields{TabField{"url", "\"chrome://newtab\""}};
constexpr std::array update_fields{TabField{"url", {}}, TabField{"active", {}}, TabField{"pinned", {}},
                                   TabField{"muted", {}}, TabField{"highlighted", {}}};
constexpr std::array execute_fields{TabField{"code", {}, true}, TabField{"args", {}}};
constexpr std::array click_fields{TabField{"selector", {}, true}};
constexpr std::array type_fields{TabField{"selector", {}, true}, TabField{"text", {}, true}, TabField{"delay", "50"}};
constexpr std::array fill_fields{TabField{"selector", {}, true}, TabField{"text", {}, true}};
constexpr std::array scrape_fields{TabField{"selector", {}, true}, TabField{"fields", {}}};
constexpr std::array scroll_fields{TabField{"direction", "\"down\""}, TabField{"amount", "500"}};
constexpr std::array capture_fields{TabField{"windowId", "-2"}, TabField{"format", "\"png\""},
                                    TabField{"quality", "90"}};

constexpr std::string_view late = "Operation timeout";

constexpr std::array table{
    TabOperation{"POST", "/api/browser/:id/tabs/create", "tabs.createTab", 30, late, create_fields},
    TabOperation{"GET", "/api/browser/:id/tabs", "tabs.query", 30, late, {}},
    TabOperation{"PATCH", "/api/browser/:id/tabs/:tab", "tabs.update", 30, late, update_fields},
    TabOperation{"DELETE", "/api/browser/:id/tabs/:tab", "tabs.closeTab", 10, late, {}},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/reload", "tabs.reload", 10, late, {}},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/back", "tabs.goBack", 10, late, {}},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/forward", "tabs.goForward", 10, late, {}},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/execute", "tabs.executeScript", 30, late, execute_fields},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/click", "tabs.click", 10, late, click_fields},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/type", "tabs.type", 10, late, type_fields},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/fill", "tabs.fill", 10, late, fill_fields},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/scrape", "tabs.scrape", 30, "Scrape timeout", scrape_fields},
    TabOperation{"POST", "/api/browser/:id/tabs/:tab/scroll", "tabs.scroll", 10, late, scroll_fields},
    TabOperation{"POST", "/api/browser/:id/tabs/capture", "tabs.captureVisibleTab", 10, "Capture timeout",
                 capture_fields, true},
};

template <std::size_t Index>
void run_row(void* door, Request const& request, Parameters const& parameters, Respond respond) {
  static_cast<Tabs*>(door)->run(table[Index], request, parameters, respond);
}

template <std::size_t... Index>
constexpr std::array<Route, sizeof...(Index)> make_routes(std::index_sequence<Index...>) {
  return {Route{table[Index].method, table[Index].pattern, run_row<Index>}...};
}

// A body is optional where no field is required; without one it is an empty object.
Result<json::object> read_optional_object(Request const& request) {
  if (request.body.empty()) return json::object{};
  return read_object(request);
}

bool is_missing(json::value const* value, std::string_view name) {
  if (value == nullptr || !value->is_string()) return true;
  return value->get_string().empty() && name != "text";  // an empty text clears a field
}

// The frame's data, or the 400 text.
Result<std::string> make_data(TabOperation const& operation, json::object const& body,
                              std::optional<std::int64_t> tab) {
  json::object data;
  if (tab) data["tabId"] = *tab;
  for (auto const& field : operation.fields) {
    auto const* value = body.if_contains(boost::json::string_view(field.name.data(), field.name.size()));
    if (field.required && is_missing(value, field.name))
      return error(Code::invalid, std::string(field.name) + " is required");
    boost::json::string_view const name(field.name.data(), field.name.size());
    if (value != nullptr)
      data[name] = *value;
    else if (!field.default_json.empty())
      data[name] = *json::parse(field.default_json);
  }
  return json::to_text(data);
}

Response failure_response(std::string_view message, Moment at) {
  Response response;
  response.status = row(Code::internal).http_status;
  response.body = "{\"success\":false,\"error\":";
  json::append_string(response.body, message);
  response.body += ",\"timestamp\":" + std::to_string(to_ms(at.utc_us)) + "}";
  return response;
}

}  // namespace

std::span<Route const> Tabs::routes() {
  static constexpr auto routes = make_routes(std::make_index_sequence<table.size()>());
  return routes;
}

std::span<TabOperation const> Tabs::operations() { return table; }

void Tabs::run(TabOperation const& operation, Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = parameters.at[0];
  std::optional<std::int64_t> tab;
  if (parameters.count > 1) {
    auto const text = parameters.at[1];
    std::int64_t number = 0;
    auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size())
      return refuse_body(hub_, request, id, "tabId must be a number", respond);
    tab = number;
  }
  auto const body = read_optional_object(request);
  if (!body && body.error().code == Code::invalid) return respond(error_response(body.error()));
  if (!body) return refuse_body(hub_, request, id, body.error().message, respond);
  auto data = make_data(operation, *body, tab);
  if (!data) return refuse_body(hub_, request, id, data.error().message, respond);
  CallSession call{SessionKind::extension, std::string(id), std::string(operation.frame_type), std::move(*data),
                   operation.timeout_s * 1'000'000};
  hub_.submit(request.principal, std::move(call),
              [this, &operation, id = std::string(id), respond, started = request.at](Result<Outcome> outcome) {
                respond(shape(operation, id, std::move(outcome), started));
              });
}

Response Tabs::shape(TabOperation const& operation, std::string const& session_id, Result<Outcome> outcome,
                     Moment started) {
  if (!outcome) {
    auto const& failed = outcome.error();
    if (failed.code == Code::timeout)
      return failure_response(operation.timeout_text, {0, started.utc_us + operation.timeout_s * 1'000'000});
    return failed.code == Code::failed ? failure_response(failed.message, started) : error_response(failed);
  }
  auto const& answered = std::get<Answered>(*outcome);
  std::string file_path;
  if (operation.saves_image) {
    auto const result = json::parse(answered.data);
    auto const url =
        result && result->is_object() ? json::find_string(result->get_object(), "dataUrl") : std::string_view{};
    auto const image = read_data_url(url);
    if (!image) return failure_response(image.error().message, {0, answered.at_us});
    auto path = save_screenshot(media_folder_, *image, to_ms(answered.at_us), random_);
    if (!path) return failure_response(path.error().message, {0, answered.at_us});
    file_path = std::move(*path);
  }
  Response response;
  response.body = "{\"success\":true,\"sessionId\":";
  json::append_string(response.body, session_id);
  response.body += ",\"requestId\":\"" + answered.request_id + "\",\"result\":" + answered.data;
  if (!file_path.empty()) {
    response.body += ",\"filePath\":";
    json::append_string(response.body, file_path);
  }
  response.body += ",\"timestamp\":" + std::to_string(to_ms(answered.at_us)) + "}";
  return response;
}

}  // namespace sojourn
