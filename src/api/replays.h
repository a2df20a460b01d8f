// Requests that a client may send twice without harm: a POST with an Idempotency-Key runs once, and whoever sends it
// again within an hour has the first one's answer. It stands between router and door.
// With a hub to remember in, that holds over a restart: that a run began is kept in the batch of what it does, and its
// answer before anybody is told. Of a run that the server did not live to answer only the beginning is known then.
// Invariant: at most one run of a key is under way; only 2xx answers are kept, so many and so many bytes of them, and
// none that is open: who waited for that one is refused, as a conflict.
// The hub's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "base/seal.h"
#include "core/hub.h"

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

  // Takes up what the hub's store has of runs before, and keeps those to come there, their answers sealed. Once, before
  // the first request.
  void remember(Hub& hub, Moment now, SealKey const& seal_key);

  // Whom the door is to answer: `respond` itself, if the request has no key, or somebody of ours in front of it, who
  // has to be answered once, now or later, even when the client is gone. Nothing = the door is not to run: `respond`
  // has been refused (a malformed key: 400; one that came with another body before: 422; one that there is no room to
  // remember: 507), or has the answer of the
  // first request with that key, or gets it when it is there, good or bad, marked as Idempotent-Replayed, or hears that
  // it was lost (409). `who` tells apart whoever must not see each other's answers. The answers' content types and
  // header names live as long as this does.
  std::optional<Respond> begin(Request const& request, std::string_view who, Respond respond);

 private:
  using Ticket = std::uint64_t;
  struct Entry {
    std::string key;               // a digest of who, what and the client's key
    std::string body;              // of the body
    Ticket ticket = 0;             // of one under way; 0 = it is kept
    std::vector<Respond> waiting;  // for one under way, the first is its own
    std::int64_t until_us = 0;     // kept so long
    Response response;             // kept
    bool is_lost = false;          // it began before the server did, and nobody knows what became of it
  };
  using Place = std::list<Entry>::iterator;

  std::optional<Respond> run(Entry entry, Respond respond);
  static void respond(void* replays, std::uint64_t ticket, Response response);
  static std::size_t bytes_of(Entry const& entry);
  bool take_up(std::string key, std::string_view note, Moment now);
  void note(Entry const& entry, Reply kept = {}) const;
  bool keep(Place place, Response const& response);
  void forget(Place place);
  void forget_old();

  ReplayLimits limits_;
  std::list<Entry> under_way_;  // as many as requests
  std::list<Entry> kept_;       // the oldest first
  std::unordered_map<std::string_view, Place> by_key_;
  std::unordered_map<Ticket, Place> by_ticket_;
  std::size_t kept_bytes_ = 0;
  Moment now_;  // of the last request
  Ticket last_ticket_ = 0;
  Hub* hub_ = nullptr;
  SealKey seal_key_{};
  std::set<std::string, std::less<>> words_;  // content types and header names of answers that were taken up
};

}  // namespace sojourn
