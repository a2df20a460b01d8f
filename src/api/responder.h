// Questions on their way to an answer: that of a connection of the session that offered to give one, else of the
// endpoint that the configuration names, else nobody's. Never one that nobody gave.
// Invariant: a question that is in the log gets a result in the log, good or bad, before anybody is told that it is
// done; what is kept in memory are the questions on their way. The hub's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/answer_reader.h"
#include "base/time.h"
#include "core/caller.h"
#include "core/hub.h"

namespace sojourn {

// Runs a function once, that long from now or a little later, in an iteration of its own.
using Later = std::function<void(std::int64_t us, std::function<void()> function)>;

// The configuration's responder.
struct ResponderSettings {
  std::string url = {};  // empty = only connections answer
  std::int64_t timeout_us = 120'000'000;
  std::string model = {};  // named to the endpoint; empty = none
};

class Responder {
 public:
  struct World {
    Hub& hub;
    Caller& caller;
    Clock clock;
    Later later;
    ResponderSettings settings = {};
  };
  // Whoever asked may hear the answer as it comes. Any of these may be empty; none is called after `done`.
  struct Listener {
    std::function<void(std::string_view text)> on_text = {};  // that is added; the whole may be another in the end
    std::function<void(json::object const& remark)> on_remark = {};  // as of AnswerPart
    std::function<void(Result<json::object> answer)> on_answer =
        {};  // the whole, or why there is none; it is in the log
  };
  struct Question {
    std::string session_id;
    std::string id;     // as make_query_id makes them
    std::string query;  // the text
    std::string data;   // JSON object for the log: query, context, priority, case_id
    Listener listener = {};
  };
  using Done = std::function<void(Result<>)>;

  // The references outlive it.
  explicit Responder(World world) : world_(std::move(world)) {}
  Responder(Responder const&) = delete;
  Responder& operator=(Responder const&) = delete;

  // `done` runs once: when the result is in the log, whatever it is; or with the error for which the question could
  // not be asked, or its result not be kept (its session has ended).
  void ask(Principal const& principal, Question question, Done done);

  // The question need not be answered any more: it fails as Code::conflict. `done` runs when that is in the log;
  // Code::conflict when its result is there already, or it is not on its way.
  void cancel(Principal const& principal, std::string const& session_id, std::string const& id, Done done);

  bool is_running(std::string const& id) const { return running_.contains(id); }
  // Whether nobody knows yet what becomes of it.
  bool is_open(std::string const& id) const;
  std::size_t running() const { return running_.size(); }

  // What a connection that was asked says: query_id and text, or query_id and an answer or an error. `told` says
  // whether somebody waits for it.
  void take_progress(ConnectionId connection, json::object const& message, std::function<void(bool)> told);
  void take_result(ConnectionId connection, json::object const& message, std::function<void(bool)> told);

 private:
  struct Running {
    Principal by = {};
    Question question = {};
    Done done = {};
    CallId call = 0;
    AnswerReader reader = {};
    std::string untold = {};     // text that no progress has told of
    std::int64_t tell_us = 0;    // steady; when the next may
    bool waits_to_tell = false;  // until then
    bool is_cancelled = false;
    std::optional<Result<json::object>> answer = {};  // its result is on the way into the log
    std::vector<Done> cancels = {};
  };

  void take_answer(std::string const& id, QueryAnswer answer);
  void call_endpoint(std::string const& id, std::vector<EventRef> const& history);
  void take_piece(std::string const& id, std::string_view piece);
  void hear(std::string const& id, std::vector<AnswerPart> const& parts);
  void take_reply(std::string const& id, Result<CallResult> reply);
  void tell_progress(std::string const& id);
  void report(Running& running);
  void give_up(std::string const& id, Error const& why);
  void decide(std::string const& id, Result<json::object> answer);
  void end(std::string const& id, Result<> result);
  Error explain(Error const& failure) const;

  World world_;
  std::map<std::string, Running, std::less<>> running_;
};

}  // namespace sojourn
