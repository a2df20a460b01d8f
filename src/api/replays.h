// Requests that a client may send twice without harm: a POST with an Idempotency-Key runs once, and whoever sends it
// again within an hour has the first one's answer. It stands between router and door.
// Invariant: at most one run of a key is under way; only 2xx answers are kept, so many and so many bytes of them, and
// none that is open: who waited for that one is refused, as a conflict.
// The hub's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/api.h"

namespace sojourn {

struct ReplayLimits {
  std::int64_t keep_us = std::int64_t{3600} * 1'000'000;  // an answer, counted by the requests' times
  std::size_t answers = 10'000;                           // kept; the oldest go first
  std::size_t bytes = 64 * 1024 * 1024;                   // of kept answers and their keys
};

class Replays {
 public:
  explicit Replays(ReplayLimits const& limits = {}) : limits_(limits) {}
  Replays(Replays const&) = delete;
  Replays& operator=(Replays const&) = delete;

  // Whom the door is to answer: `respond` itself, if the request has no key, or somebody of ours in front of it, who
  // has to be answered once, now or later, even when the client is gone. Nothing = the door is not to run: `respond`
  // has been refused (a malformed key: 400; one that came with another body before: 422), or has the answer of the
  // first request with that key, or gets it when it is there, good or bad, marked as Idempotent-Replayed. `who` tells
  // apart whoever must not see each other's answers. The answers' content types and header names live as long as this
  // does (they are literals).
  std::optional<Respond> begin(Request const& request, std::string_view who, Respond respond);

 private:
  using Ticket = std::uint64_t;
  struct Entry {
    std::string key;  // who, what and the client's key
    std::array<unsigned char, 32> body_hash{};
    Ticket ticket = 0;             // of one under way; 0 = it is kept
    std::vector<Respond> waiting;  // for one under way, the first is its own
    std::int64_t until_us = 0;     // kept so long
    Response response;             // kept
  };
  using Place = std::list<Entry>::iterator;

  std::optional<Respond> run(std::string key, std::array<unsigned char, 32> const& body_hash, Respond respond);
  static void respond(void* replays, std::uint64_t ticket, Response response);
  static std::size_t bytes_of(Entry const& entry);
  bool keep(Place place, Response const& response);
  void forget(Place place);
  void forget_old();

  ReplayLimits limits_;
  std::list<Entry> under_way_;  // as many as requests
  std::list<Entry> kept_;       // the oldest first
  std::unordered_map<std::string_view, Place> by_key_;
  std::unordered_map<Ticket, Place> by_ticket_;
  std::size_t kept_bytes_ = 0;
  std::int64_t now_us_ = 0;  // of the last request
  Ticket last_ticket_ = 0;
};

}  // namespace sojourn
