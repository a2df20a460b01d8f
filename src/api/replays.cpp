#include "api/replays.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/replay_note.h"
#include "api/router.h"
#include "base/crypto.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::string_view field = "idempotency-key";
constexpr std::size_t key_bytes_min = 8;
constexpr std::size_t key_bytes_max = 255;
constexpr std::size_t entry_bytes = 512;  // what an entry costs beside its texts
// A longer answer is remembered while the server runs.
constexpr std::size_t stored_bytes_max = 16 * 1024;

bool is_key(std::string_view text) {
  auto const is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return text.size() >= key_bytes_min && text.size() <= key_bytes_max && std::ranges::all_of(text, is_plain);
}

std::string digest(std::string_view text) { return base64url_encode(sha256(text)); }

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

void Replays::remember(Hub& hub, Moment now, SealKey const& seal_key) {
  hub_ = &hub;
  seal_key_ = seal_key;
  now_ = now;
  for (auto& [key, note] : hub.take_notes()) {
    if (!take_up(key, note, now)) hub.note({key, std::nullopt});
  }
  kept_.sort([](Entry const& a, Entry const& b) { return a.until_us < b.until_us; });
  while (kept_.size() > limits_.answers || kept_bytes_ > limits_.bytes) forget(kept_.begin());
}

// False for one that is of no use any more.
bool Replays::take_up(std::string key, std::string_view text, Moment now) {
  auto note = read_replay_note(text, seal_key_, key);
  if (!note || note->until_us <= now.utc_us) return false;
  Entry entry;
  entry.key = std::move(key);
  entry.body = std::move(note->body);
  entry.until_us = now.steady_us + std::min(note->until_us - now.utc_us, limits_.keep_us);
  entry.is_lost = note->status == 0;
  entry.response.status = note->status;
  entry.response.body = std::move(note->text);
  entry.response.content_type = *words_.insert(std::move(note->content_type)).first;
  for (auto& [name, value] : note->headers)
    entry.response.headers.emplace_back(*words_.insert(std::move(name)).first, std::move(value));
  kept_.push_back(std::move(entry));
  by_key_.emplace(kept_.back().key, std::prev(kept_.end()));
  kept_bytes_ += bytes_of(kept_.back());
  return true;
}

std::optional<Respond> Replays::begin(Request const& request, std::string_view who, Respond respond) {
  auto const count = request.count_headers(field);
  if (request.method != "POST" || count == 0) return respond;
  auto const refuse = [&](Code code, std::string message) {
    respond(refusal(request, error(code, std::move(message))));
    return std::optional<Respond>();
  };
  if (count > 1 || !is_key(request.header(field)))
    return refuse(Code::invalid, "Idempotency-Key has to be one of 8 to 255 characters of A-Z, a-z, 0-9, _ and -");
  if (request.at.steady_us > now_.steady_us) now_ = request.at;
  forget_old();
  Entry entry;
  entry.key = digest(scope_of(request, who));
  entry.body = digest(request.body);
  auto const found = by_key_.find(entry.key);
  if (found == by_key_.end() && hub_ != nullptr && !hub_->can_keep())
    return refuse(
        Code::storage_full,
        "the disk of the data folder is nearly full: that this runs once can't be remembered; try again later");
  if (found == by_key_.end()) return run(std::move(entry), respond);
  auto& known = *found->second;
  if (known.body != entry.body)
    return refuse(Code::unprocessable,
                  "this Idempotency-Key came with another body before; take a new one for a new request");
  if (known.is_lost)
    return refuse(Code::conflict,
                  "the server ended while it answered the first request with this Idempotency-Key, or the answer was "
                  "too long to keep; see whether it was carried out, and take a new key for a new request");
  if (known.ticket != 0) {
    known.waiting.push_back(respond);
  } else {
    respond(as_replay(known.response));
  }
  return {};
}

// The door runs in the same turn: what it changes at once is kept together with the note.
std::optional<Respond> Replays::run(Entry entry, Respond respond) {
  entry.ticket = ++last_ticket_;
  entry.waiting = {respond};
  under_way_.push_back(std::move(entry));
  auto const place = std::prev(under_way_.end());
  by_key_.emplace(place->key, place);
  by_ticket_.emplace(place->ticket, place);
  note(*place);
  return Respond(&Replays::respond, this, place->ticket);
}

void Replays::respond(void* replays, std::uint64_t ticket, Response response) {
  auto& self = *static_cast<Replays*>(replays);
  auto const known = self.by_ticket_.find(ticket);
  if (known == self.by_ticket_.end()) return;
  auto const place = known->second;
  self.by_ticket_.erase(known);
  // Before anybody is told: whoever hears it may send the next request at once.
  auto waiting = std::exchange(place->waiting, {});
  bool const is_repeatable = response.status / 100 == 2 && !response.is_open;
  bool const is_kept = is_repeatable && self.keep(place, response);
  auto tell = [waiting = std::move(waiting), response = std::move(response)](Result<Outcome> const&) {
    for (std::size_t i = 1; i < waiting.size(); ++i) waiting[i](response.is_open ? only_once() : as_replay(response));
    waiting.front()(response);
  };
  if (is_kept && self.hub_ != nullptr) return self.note(*place, std::move(tell));
  if (!is_kept) {
    if (self.hub_ != nullptr) self.hub_->note({place->key, std::nullopt});
    self.by_key_.erase(place->key);
    self.under_way_.erase(place);
  }
  tell(Outcome(true));
}

// Of one under way that it began, of one that is kept its answer.
void Replays::note(Entry const& entry, Reply kept) const {
  if (hub_ == nullptr) return;
  auto const& response = entry.response;
  bool const is_stored = entry.ticket == 0 && response.body.size() <= stored_bytes_max && is_utf8(response.body);
  ReplayNote note{.body = entry.body, .until_us = now_.utc_us + limits_.keep_us};
  if (is_stored) {
    note.status = response.status;
    note.content_type = response.content_type;
    for (auto const& [name, value] : response.headers) note.headers.emplace_back(name, value);
    note.text = response.body;
  }
  hub_->note({entry.key, to_text(note, seal_key_, entry.key)}, std::move(kept));
}

std::size_t Replays::bytes_of(Entry const& entry) {
  std::size_t bytes = entry_bytes + entry.key.size() + entry.body.size() + entry.response.body.size();
  for (auto const& [name, value] : entry.response.headers) bytes += sizeof(name) + sizeof(value) + value.size();
  return bytes;
}

// False for one that is larger than all of them may be.
bool Replays::keep(Place place, Response const& response) {
  place->response = response;
  auto const bytes = bytes_of(*place);
  if (bytes > limits_.bytes) return false;
  place->ticket = 0;
  place->until_us = now_.steady_us + limits_.keep_us;
  kept_.splice(kept_.end(), under_way_, place);
  kept_bytes_ += bytes;
  while (kept_.size() > limits_.answers || kept_bytes_ > limits_.bytes) forget(kept_.begin());
  return true;
}

void Replays::forget(Place place) {
  if (hub_ != nullptr) hub_->note({place->key, std::nullopt});
  kept_bytes_ -= bytes_of(*place);
  by_key_.erase(place->key);
  kept_.erase(place);
}

void Replays::forget_old() {
  while (!kept_.empty() && kept_.front().until_us <= now_.steady_us) forget(kept_.begin());
}

}  // namespace sojourn
