#include "api/tools.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::int64_t answer_us_max = 10'000'000;
constexpr std::size_t name_bytes_max = 128;
constexpr std::string_view quotes_tool = "get_shipping_quotes";

// The price of an option, or nothing that can be compared.
double cost_of(json::value const& option) {
  if (!option.is_object()) return std::numeric_limits<double>::infinity();
  for (auto const* name : {"cost", "price"}) {
    auto const* const member = option.get_object().if_contains(name);
    if (member != nullptr && member->is_number()) return member->to_number<double>();
  }
  return std::numeric_limits<double>::infinity();
}

// The number that "3 days" begins with.
double days_of(json::value const& option) {
  auto const eta = option.is_object() ? json::find_string(option.get_object(), "eta") : std::string_view();
  double days = std::numeric_limits<double>::infinity();
  std::from_chars(eta.data(), eta.data() + eta.size(), days);
  return days;
}

template <typename Measure> json::value find_least(json::array const& options, Measure measure) {
  json::value const* least = nullptr;
  for (auto const& option : options) {
    if (least == nullptr || measure(option) < measure(*least)) least = &option;
  }
  return least == nullptr ? json::value() : *least;
}

void mirror(json::object& fields, std::string_view from, std::string_view to) {
  auto const* const value = fields.if_contains(from);
  if (value == nullptr || fields.contains(to)) return;
  json::value const copy = *value;
  fields[to] = copy;
}

std::string to_timeout_text(std::string_view tool) {
  return "timeout calling " + std::string(tool == quotes_tool ? "rates" : tool) + " endpoint";
}

// {"tool_name","tool_call_id","parameters","session_id"}
std::string to_question(ToolCall const& call) {
  std::string out = "{\"tool_name\":";
  json::append_string(out, call.name);
  out += ",\"tool_call_id\":";
  json::append_string(out, call.id);
  out += ",\"parameters\":" + json::to_text(call.parameters) + ",\"session_id\":";
  json::append_string(out, call.session_id);
  return out += '}';
}

std::string to_record(std::string_view result, bool is_error) {
  return "{\"result\":" + std::string(result) + ",\"is_error\":" + (is_error ? "true}" : "false}");
}

}  // namespace

json::value find_cheapest(json::array const& options) { return find_least(options, cost_of); }
json::value find_fastest(json::array const& options) { return find_least(options, days_of); }

std::string to_update_data(std::string_view result) {
  auto parsed = json::parse(result);
  if (!parsed) return "null";
  auto value = std::move(*parsed);
  if (value.is_array()) {
    auto best = find_cheapest(value.get_array());
    if (!best.is_object()) best = json::object();
    best.get_object()["all_options"] = std::move(value);
    value = std::move(best);
  }
  if (value.is_object()) {
    mirror(value.get_object(), "price", "cost");
    mirror(value.get_object(), "cost", "price");
  }
  return json::to_text(value);
}

void Tools::call(ToolCall call, Done done) {
  if (call.name.size() > name_bytes_max || call.id.size() > name_bytes_max) {
    call.name.resize(std::min(call.name.size(), name_bytes_max));
    call.id.resize(std::min(call.id.size(), name_bytes_max));
    call.name = to_utf8(call.name);
    call.id = to_utf8(call.id);
    return fail(call, error(Code::too_large, "tool_name and tool_call_id have at most 128 bytes"), std::move(done));
  }
  CallTool command{call.connection, call.name, json::to_text(call.parameters), answer_us_max};
  hub_.submit({}, std::move(command),
              [this, call = std::move(call), done = std::move(done)](Result<Outcome> outcome) mutable {
                if (!outcome) return fail(call, outcome.error(), std::move(done));
                auto& [data, session_id, by, failure] = std::get<ToolAnswer>(*outcome);
                call.session_id = std::move(session_id);
                call.by = std::move(by);
                if (failure) return fail(call, *failure, std::move(done));
                if (data.empty()) return call_endpoint(std::move(call), std::move(done));
                auto const answer = json::parse(data);
                if (!answer) return fail(call, error(Code::failed, "the tool's answer is nested too deep"), done);
                auto const& fields = answer->get_object();
                auto update = json::find_string(fields, "update");
                finish(call,
                       {call.name, call.id, json::to_text(fields.at("result")), fields.at("is_error").as_bool(),
                        update.empty() ? find_update(call.name) : std::string(update)},
                       std::move(done));
              });
}

void Tools::call_endpoint(ToolCall call, Done done) {
  auto const tool = table_.find(call.name);
  if (tool == table_.end() || tool->second.url.empty())
    return fail(call, error(Code::unavailable, "Unsupported tool: " + call.name), std::move(done));
  Call question;
  question.url = tool->second.url;
  question.body = to_question(call);
  question.timeout_us = answer_us_max;
  caller_.call(
      std::move(question), {}, [this, call = std::move(call), done = std::move(done)](Result<CallResult> answer) {
        if (!answer) return fail(call, answer.error(), done);
        auto const body = json::parse(answer->body);
        bool const is_good = answer->status >= 200 && answer->status < 300;
        if (is_good && body)
          return finish(call, {call.name, call.id, json::to_text(*body), false, find_update(call.name)}, done);
        auto reason =
            body && body->is_object() ? std::string(json::find_string(body->get_object(), "error")) : std::string();
        if (reason.empty())
          reason = is_good ? "the tool's answer is not JSON"
                           : "the tool answered with status " + std::to_string(answer->status);
        fail(call, error(Code::failed, std::move(reason)), done);
      });
}

void Tools::fail(ToolCall const& call, Error const& reason, Done done) {
  std::string result = "{\"error\":";
  json::append_string(result, reason.code == Code::timeout ? to_timeout_text(call.name) : reason.message);
  result += ",\"original_request\":" + json::to_text(call.original) + "}";
  finish(call, {call.name, call.id, std::move(result), true, {}}, std::move(done));
}

void Tools::finish(ToolCall const& call, ToolResult result, Done done) {
  if (result.is_error) result.update.clear();
  result.session_id = call.session_id;
  result.by = call.by;
  RecordResult record{call.session_id, call.connection, call.name, to_record(result.result, result.is_error), call.id};
  hub_.submit(call.by, std::move(record),
              [done = std::move(done), result = std::move(result)](Result<Outcome> const&) { done(result); });
}

void Tools::take_result(ConnectionId connection, json::object const& message, std::function<void(bool)> told) {
  AnswerCall answer{connection, std::string(json::find_string(message, "tool_call_id")), true, {}, {}};
  auto const* const result = message.if_contains("result");
  auto const* const failure = message.if_contains("error");
  auto const* const is_error = message.if_contains("is_error");
  bool const failed = is_error != nullptr ? is_error->is_bool() && is_error->get_bool() : failure != nullptr;
  json::object fields;
  if (result != nullptr)
    fields["result"] = *result;
  else
    fields["result"] = failure == nullptr ? json::value() : json::value(json::object{{"error", *failure}});
  fields["is_error"] = failed;
  fields["update"] = json::find_string(message, "update");
  answer.data = json::to_text(fields);
  hub_.submit({}, std::move(answer),
              [told = std::move(told)](Result<Outcome> const& outcome) { told(outcome && std::get<bool>(*outcome)); });
}

std::string Tools::find_update(std::string_view name) const {
  auto const tool = table_.find(name);
  if (tool != table_.end() && !tool->second.update.empty()) return tool->second.update;
  if (name == quotes_tool) return "quote_ready";
  return name == "create_label" ? "label_created" : "";
}

}  // namespace sojourn
