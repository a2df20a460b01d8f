#include "api/states.h"

#include <array>
#include <charconv>

#include "api/session_answer.h"
#include "base/json.h"
#include "base/text.h"

namespace sojourn {
namespace {

std::optional<std::string> key_of(Parameters const& parameters) {
  if (parameters.count < 2) return std::nullopt;
  return decode_segment(parameters.at[1]);
}

std::string to_etag(std::uint64_t revision) { return "\"" + std::to_string(revision) + "\""; }

Response with_revision(Response response, std::uint64_t revision) {
  response.headers.emplace_back("ETag", to_etag(revision));
  return response;
}

// If-Match (RFC 9110, section 13.1.1) of one revision, or of anything that is there.
Result<> read_condition(Request const& request, StateEdit& edit) {
  auto text = trimmed(request.header("if-match"));
  if (text.empty()) return {};
  if (text == "*") {
    edit.if_exists = true;
    return {};
  }
  if (text.starts_with('"') && text.ends_with('"') && text.size() > 2) text = text.substr(1, text.size() - 2);
  std::uint64_t revision = 0;
  auto const [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (ec != std::errc() || stop != text.data() + text.size())
    return error(Code::invalid, "If-Match has to be a revision such as \"7\", or *");
  edit.if_revision = revision;
  return {};
}

}  // namespace

std::span<Route const> States::routes() {
  static constexpr std::array table{
      Route{"GET", "/api/v1/sessions/:id/state", handle<&States::show>, "The whole state and its revision"},
      Route{"PUT", "/api/v1/sessions/:id/state", handle<&States::set>, "Replace the whole state"},
      Route{"PATCH", "/api/v1/sessions/:id/state", handle<&States::merge>, "Merge into the state"},
      Route{"DELETE", "/api/v1/sessions/:id/state", handle<&States::remove>, "Remove all keys"},
      Route{"GET", "/api/v1/sessions/:id/state/:key", handle<&States::show>, "One value and its revision"},
      Route{"PUT", "/api/v1/sessions/:id/state/:key", handle<&States::set>, "Set a key to the body"},
      Route{"PATCH", "/api/v1/sessions/:id/state/:key", handle<&States::merge>, "Merge into a value"},
      Route{"DELETE", "/api/v1/sessions/:id/state/:key", handle<&States::remove>, "Remove a key"},
      // The same as the documented session tracking has them.
      Route{"GET", "/sessions/:id/state", handle<&States::show>, "The whole state and its revision"},
      Route{"GET", "/sessions/:id/state/:key", handle<&States::show>, "One value and its revision"},
      Route{"PUT", "/sessions/:id/state/:key", handle<&States::set>, "Set a key to the body"},
      Route{"DELETE", "/sessions/:id/state/:key", handle<&States::remove>, "Remove a key"},
  };
  return table;
}

void States::show(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const key = key_of(parameters);
  hub_.submit(request.principal, GetState{{}, id, key},
              answer_with<StateView>(respond, id, [is_whole = !key.has_value()](StateView const& view) {
                std::string const name = is_whole ? "{\"state\":" : "{\"value\":";
                auto body = name + *view.value + ",\"revision\":" + std::to_string(view.revision) + "}";
                return with_revision(json_response(std::move(body)), view.revision);
              }));
}

void States::set(Request const& request, Parameters const& parameters, Respond respond) {
  auto const value = json::parse(request.body);
  if (!value) return respond(detail_response(value.error()));
  change(request, parameters, {StateEdit::Verb::set, key_of(parameters), json::to_text(*value), {}}, respond);
}

void States::merge(Request const& request, Parameters const& parameters, Respond respond) {
  auto const patch = json::parse(request.body);
  if (!patch) return respond(detail_response(patch.error()));
  change(request, parameters, {StateEdit::Verb::merge, key_of(parameters), json::to_text(*patch), {}}, respond);
}

void States::remove(Request const& request, Parameters const& parameters, Respond respond) {
  change(request, parameters, {StateEdit::Verb::remove, key_of(parameters), {}, {}}, respond);
}

void States::change(Request const& request, Parameters const& parameters, StateEdit edit, Respond respond) {
  if (auto const read = read_condition(request, edit); !read) return respond(detail_response(read.error()));
  auto const id = decode_segment(parameters.at[0]);
  auto const key = edit.key;
  hub_.submit(request.principal, ChangeState{{}, id, std::move(edit)},
              answer_with<Changed>(respond, id, [key](Changed const& changed) {
                std::string body = "{";
                if (key) {
                  append_text_member(body, "key", *key);
                  body += ',';
                }
                body += "\"revision\":" + std::to_string(changed.revision) + ",\"cursor\":\"" +
                        to_text(changed.cursor) + "\"}";
                return with_revision(json_response(std::move(body)), changed.revision);
              }));
}

}  // namespace sojourn
