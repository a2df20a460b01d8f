#include "api/replay_note.h"

#include <algorithm>
#include <span>

#include "base/crypto.h"
#include "base/json.h"

namespace sojourn {
namespace {

std::string to_answer(ReplayNote const& note) {
  json::array headers;
  for (auto const& [name, value] : note.headers) headers.push_back(json::array{name, value});
  return json::to_text(json::object{
      {"status", note.status}, {"type", note.content_type}, {"headers", std::move(headers)}, {"text", note.text}});
}

bool is_pair(json::value const& value) {
  auto const is_text = [](json::value const& each) { return each.is_string(); };
  return value.is_array() && value.get_array().size() == 2 && std::ranges::all_of(value.get_array(), is_text);
}

void read_answer(std::string_view text, ReplayNote& note) {
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return;
  auto const& object = parsed->get_object();
  auto const* const status = object.if_contains("status");
  auto const* const headers = object.if_contains("headers");
  if (status == nullptr || !status->is_int64() || status->get_int64() < 200 || status->get_int64() > 299) return;
  if (headers == nullptr || !headers->is_array() || !std::ranges::all_of(headers->get_array(), is_pair)) return;
  note.status = static_cast<int>(status->get_int64());
  note.content_type = json::find_string(object, "type");
  note.text = json::find_string(object, "text");
  for (auto const& pair : headers->get_array())
    note.headers.emplace_back(pair.get_array()[0].get_string(), pair.get_array()[1].get_string());
}

}  // namespace

std::string to_text(ReplayNote const& note, SealKey const& seal_key, std::string_view name) {
  json::object object{{"body", note.body}, {"until", note.until_us}};
  if (note.status != 0) {
    auto const sealed = seal(seal_key, name, to_answer(note));
    object["answer"] =
        base64url_encode(std::span(reinterpret_cast<unsigned char const*>(sealed.data()), sealed.size()));
  }
  return json::to_text(object);
}

Result<ReplayNote> read_replay_note(std::string_view text, SealKey const& seal_key, std::string_view name) {
  auto const damaged = error(Code::damaged, "what is kept of a request with an Idempotency-Key can't be read");
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return damaged;
  auto const& object = parsed->get_object();
  auto const* const until = object.if_contains("until");
  ReplayNote note;
  note.body = json::find_string(object, "body");
  note.until_us = until != nullptr && until->is_int64() ? until->get_int64() : 0;
  if (note.body.empty() || note.until_us <= 0) return damaged;
  std::string sealed;
  if (!base64url_decode(json::find_string(object, "answer"), sealed)) return note;
  if (auto const answer = unseal(seal_key, name, sealed)) read_answer(*answer, note);
  return note;
}

}  // namespace sojourn
