#include "api/replay_note.h"

#include <algorithm>

#include "base/json.h"

namespace sojourn {
namespace {

bool is_pair(json::value const& value) {
  auto const is_text = [](json::value const& each) { return each.is_string(); };
  return value.is_array() && value.get_array().size() == 2 && std::ranges::all_of(value.get_array(), is_text);
}

bool read_answer(json::object const& object, ReplayNote& note) {
  auto const* const status = object.if_contains("status");
  auto const* const headers = object.if_contains("headers");
  if (status == nullptr) return true;
  if (!status->is_int64() || status->get_int64() < 200 || status->get_int64() > 299) return false;
  if (headers == nullptr || !headers->is_array() || !std::ranges::all_of(headers->get_array(), is_pair)) return false;
  note.status = static_cast<int>(status->get_int64());
  note.content_type = json::find_string(object, "type");
  note.text = json::find_string(object, "text");
  for (auto const& pair : headers->get_array())
    note.headers.emplace_back(pair.get_array()[0].get_string(), pair.get_array()[1].get_string());
  return true;
}

}  // namespace

std::string to_text(ReplayNote const& note) {
  json::object object{{"body", note.body}, {"until", note.until_us}};
  if (note.status != 0) {
    json::array headers;
    for (auto const& [name, value] : note.headers) headers.push_back(json::array{name, value});
    object["status"] = note.status;
    object["type"] = note.content_type;
    object["headers"] = std::move(headers);
    object["text"] = note.text;
  }
  return json::to_text(object);
}

Result<ReplayNote> read_replay_note(std::string_view text) {
  auto const parsed = json::parse(text);
  ReplayNote note;
  if (parsed && parsed->is_object()) {
    auto const& object = parsed->get_object();
    auto const* const until = object.if_contains("until");
    note.body = json::find_string(object, "body");
    note.until_us = until != nullptr && until->is_int64() ? until->get_int64() : 0;
    if (!note.body.empty() && note.until_us > 0 && read_answer(object, note)) return note;
  }
  return error(Code::damaged, "what is kept of a request with an Idempotency-Key can't be read");
}

}  // namespace sojourn
