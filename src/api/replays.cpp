#include "api/replays.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/router.h"
#include "base/crypto.h"

namespace sojourn {
namespace {

constexpr std::string_view field = "idempotency-key";
constexpr std::size_t key_bytes_min = 8;
constexpr std::size_t key_bytes_max = 255;
constexpr std::size_t entry_bytes = 512;  // what an entry costs beside its texts

bool is_key(std::string_view text) {
  auto const is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return text.size() >= key_bytes_min && text.size() <= key_bytes_max && std::ranges::all_of(text, is_plain);
}

// Only `who` may have a zero byte in it, so no two requests have the same by accident.
std::string scope_of(Request const& request, std::string_view who) {
  std::string scope;
  for (auto const part : {request.header(field), request.path, request.query, who}) scope.append(part) += '\0';
  scope += static_cast<char>('0' + static_cast<int>(request.listener));  // a path may be another door's there
  return scope;
}

Response as_replay(Response response) {
  response.headers.emplace_back("Idempotent-Replayed", "true");
  response.is_last = false;  // that was said to the first one's connection
  return response;
}

// For whoever waits for an answer that goes to its own client in pieces.
Response only_once() {
  return error_response(error(Code::conflict, "the first request with this Idempotency-Key is being answered still"));
}

}  // namespace

std::optional<Respond> Replays::begin(Request const& request, std::string_view who, Respond respond) {
  auto const count = request.count_headers(field);
  if (request.method != "POST" || count == 0) return respond;
  auto const refuse = [&](Code code, std::string message) {
    respond(refusal(request, error(code, std::move(message))));
    return std::optional<Respond>();
  };
  if (count > 1 || !is_key(request.header(field)))
    return refuse(Code::invalid, "Idempotency-Key has to be one of 8 to 255 characters of A-Z, a-z, 0-9, _ and -");
  now_us_ = std::max(now_us_, request.at.steady_us);
  forget_old();
  auto key = scope_of(request, who);
  auto const body_hash = sha256(request.body);
  auto const known = by_key_.find(key);
  if (known == by_key_.end()) return run(std::move(key), body_hash, respond);
  auto& entry = *known->second;
  if (entry.body_hash != body_hash)
    return refuse(Code::unprocessable,
                  "this Idempotency-Key came with another body before; take a new one for a new request");
  if (entry.ticket != 0) {
    entry.waiting.push_back(respond);
  } else {
    respond(as_replay(entry.response));
  }
  return {};
}

std::optional<Respond> Replays::run(std::string key, std::array<unsigned char, 32> const& body_hash, Respond respond) {
  auto const ticket = ++last_ticket_;
  under_way_.push_back({std::move(key), body_hash, ticket, {respond}, 0, {}});
  auto const place = std::prev(under_way_.end());
  by_key_.emplace(place->key, place);
  by_ticket_.emplace(ticket, place);
  return Respond(&Replays::respond, this, ticket);
}

void Replays::respond(void* replays, std::uint64_t ticket, Response response) {
  auto& self = *static_cast<Replays*>(replays);
  auto const known = self.by_ticket_.find(ticket);
  if (known == self.by_ticket_.end()) return;
  auto const place = known->second;
  self.by_ticket_.erase(known);
  // Before anybody is told: whoever hears it may send the next request at once.
  auto const waiting = std::exchange(place->waiting, {});
  bool const is_repeatable = response.status / 100 == 2 && !response.is_open;
  if (!is_repeatable || !self.keep(place, response)) {
    self.by_key_.erase(place->key);
    self.under_way_.erase(place);
  }
  for (std::size_t i = 1; i < waiting.size(); ++i) waiting[i](response.is_open ? only_once() : as_replay(response));
  waiting.front()(std::move(response));
}

std::size_t Replays::bytes_of(Entry const& entry) {
  std::size_t bytes = entry_bytes + entry.key.size() + entry.response.body.size();
  for (auto const& [name, value] : entry.response.headers) bytes += sizeof(name) + sizeof(value) + value.size();
  return bytes;
}

// False for one that is larger than all of them may be.
bool Replays::keep(Place place, Response const& response) {
  place->response = response;
  auto const bytes = bytes_of(*place);
  if (bytes > limits_.bytes) return false;
  place->ticket = 0;
  place->until_us = now_us_ + limits_.keep_us;
  kept_.splice(kept_.end(), under_way_, place);
  kept_bytes_ += bytes;
  while (kept_.size() > limits_.answers || kept_bytes_ > limits_.bytes) forget(kept_.begin());
  return true;
}

void Replays::forget(Place place) {
  kept_bytes_ -= bytes_of(*place);
  by_key_.erase(place->key);
  kept_.erase(place);
}

void Replays::forget_old() {
  while (!kept_.empty() && kept_.front().until_us <= now_us_) forget(kept_.begin());
}

}  // namespace sojourn
