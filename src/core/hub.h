// The hub: all sessions, all rules, one gate. Synchronous and deterministic; no I/O.
// Invariant: nothing is shown to anybody, in events, replies or reads, before what it tells of is committed; what lives
// in memory only is shown at the end of the same loop iteration. After a failed commit the hub stops: it refuses
// everything. One thread, which calls turn() at the end of each loop iteration.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time.h"
#include "core/command.h"
#include "core/store.h"

namespace sojourn {

class Hub {
 public:
  // What the hub is given from outside. The references outlive it.
  struct World {
    Store& store;
    Log& log;
    Clock clock;
    Random random;
    Limits limits;
  };

  explicit Hub(World world);
  Hub(Hub const&) = delete;
  Hub& operator=(Hub const&) = delete;

  // The gate. `reply` runs once, in a later turn, after the commit of everything the outcome tells of.
  void submit(Principal const& principal, Command command, Reply reply = {});

  // A word to one connection only: no event, and dropped when the connection is gone. `say` makes the text.
  using Whisper = std::function<std::string(Session const& session, Moment now)>;
  void whisper(ConnectionId connection, Whisper const& say);

  // Ends a loop iteration: expires calls, runs the replies that are due, shows events, starts the commit.
  // True when there is more to do without waiting for anything.
  bool turn();

  // What turn() would say now; asked again when something was submitted after it.
  bool has_more() const;

  // When turn() has to be called again for the sake of a deadline (steady clock, us); INT64_MAX = never.
  std::int64_t next_deadline_us() const;

  // Whether a commit failed. The process should end: only a restart knows what is stored.
  bool is_stopped() const { return stopped_; }
  std::size_t session_count() const { return sessions_.size(); }
  std::size_t connection_count() const { return connections_.size(); }

 private:
  struct PendingCall {
    std::string session_id;
    std::int64_t deadline_us = 0;
    Reply reply;
  };
  struct DueReply {
    Reply reply;
    Result<Outcome> outcome;
  };
  struct BatchInHand {
    Batch batch;
    std::vector<DueReply> replies;
  };
  using Sessions = std::list<Session>;
  // A command's outcome, and the batch whose commit its reply waits for (0: none).
  struct Applied {
    Result<Outcome> outcome;
    std::uint64_t after_batch = 0;
  };

  Applied apply(Principal const& principal, OpenSession& command, Reply& reply);
  Applied apply(Principal const& principal, ListSessions& command, Reply& reply);
  Applied apply(Principal const& principal, GetSession& command, Reply& reply);
  Applied apply(Principal const& principal, CloseSession& command, Reply& reply);
  Applied apply(Principal const& principal, PostMessage& command, Reply& reply);
  Applied apply(Principal const& principal, CallSession& command, Reply& reply);
  Applied apply(Principal const& principal, Touch& command, Reply& reply);
  Applied apply(Principal const& principal, Say& command, Reply& reply);
  Applied apply(Principal const& principal, AnswerCall& command, Reply& reply);
  Applied apply(Principal const& principal, SayGoodbye& command, Reply& reply);
  Applied apply(Principal const& principal, Leave& command, Reply& reply);

  template <typename Target> Session* find(Principal const& principal, Action action, Target const& target);
  template <typename Target> Applied unknown(Target const& target) const;
  Connection* touch(ConnectionId id);
  bool has_open_member(Session const& session) const;
  SessionInfo describe(Session const& session) const;
  std::string mint_id(SessionKind kind);

  Limits const& limits_of(Session const& session) const;
  EventRef append(Session& session, Event event);
  void mark_dirty(Session& session);
  void show(Session& session);
  void end(Session& session);
  void bury(Session& session);
  std::string mint_request_id();
  void fail_calls(Session& session, std::uint64_t after_batch);
  void finish_call(std::string const& request_id, Result<Outcome> outcome, std::uint64_t after_batch);
  void expire_calls(std::int64_t now_us);

  void reply_after(std::uint64_t batch, Reply reply, Result<Outcome> outcome);
  void start_commit();
  void committed(Result<> result);
  void stop(Error const& reason);

  World world_;
  Limits memory_limits_;  // of sessions that live in memory only
  Sessions sessions_;     // in the order of opening
  std::unordered_map<std::string_view, Sessions::iterator> index_;
  std::unordered_map<ConnectionId, Connection> connections_;
  ConnectionId last_connection_ = 0;
  std::unordered_map<std::string, PendingCall> calls_;
  std::set<std::pair<std::int64_t, std::string>> deadlines_;  // of calls_, soonest first
  std::vector<Session*> dirty_;
  std::deque<DueReply> due_;
  BatchInHand gathering_;
  BatchInHand in_flight_;
  bool commit_runs_ = false;
  bool stopped_ = false;
};

}  // namespace sojourn
