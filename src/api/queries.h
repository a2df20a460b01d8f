// The door to questions and cases of the sessions API. Whoever asks waits a while for the answer, and may come back for
// it later. Invariant: answers are read from the session's log, so that nothing is kept here but who waits; so many
// questions may be on their way. The hub's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "api/query_answer.h"
#include "api/responder.h"
#include "api/router.h"
#include "base/random.h"
#include "core/hub.h"

namespace sojourn {

class Queries {
 public:
  struct World {
    Hub& hub;
    Responder& responder;
    Random random;
    Clock clock;
    Later later;
  };
  static constexpr std::int64_t wait_us_max = 25'000'000;  // for an answer; then it is to be had later
  static constexpr std::size_t running_max = 1000;         // questions on their way

  // The references outlive the door.
  explicit Queries(World world) : world_(std::move(world)) {}
  Queries(Queries const&) = delete;
  Queries& operator=(Queries const&) = delete;

  static std::span<Route const> routes();

  void ask(Request const& request, Parameters const& parameters, Respond respond);
  void show(Request const& request, Parameters const& parameters, Respond respond);
  void cancel(Request const& request, Parameters const& parameters, Respond respond);
  void open_case(Request const& request, Parameters const& parameters, Respond respond);
  void show_case(Request const& request, Parameters const& parameters, Respond respond);
  void ask_in_case(Request const& request, Parameters const& parameters, Respond respond);
  void show_in_case(Request const& request, Parameters const& parameters, Respond respond);
  void cancel_in_case(Request const& request, Parameters const& parameters, Respond respond);

 private:
  // A query that somebody looks at, and how they want to see it.
  struct View {
    Principal principal;
    std::string session_id;
    std::string id;
    std::string case_id;  // empty = in none
    int good_status;
    Respond respond;
  };
  // What is to be asked; the id of its session is checked by the hub.
  struct Wish {
    std::string session_id;
    std::string case_id;
    std::string query;
    std::string data;
    bool is_hasty = false;  // whoever asks does not want to wait
  };
  struct Waiting {
    View view;
    std::int64_t until_us;
  };
  using Found = std::function<void(QueryRecord const& query)>;

  static Result<Wish> parse_wish(Request const& request, json::object const& body);
  void begin(Principal const& principal, Wish wish, Respond respond);
  void hurry(std::string const& id);
  std::optional<View> take_waiting(std::string const& id);
  void expire();
  void arm();
  void look(View view, Found found);
  void tell(View view);
  void stop(View view);

  World world_;
  std::unordered_map<std::string, Waiting> waiting_;
  std::set<std::pair<std::int64_t, std::string>> deadlines_;  // of those, the soonest first
  bool is_armed_ = false;                                     // expire() will be called
};

}  // namespace sojourn
