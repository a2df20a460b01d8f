// The hub: all sessions, all rules, one gate. Synchronous and deterministic; no I/O.
// Invariant: nothing durable is shown to anybody, in events, replies or reads, before what it tells of is committed;
// what is volatile or lives in memory only is shown at the end of the same loop iteration. After a failed commit the
// hub stops: it refuses everything. One thread, which calls turn() at the end of each loop iteration.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
#include "core/admission.h"
#include "core/command.h"
#include "core/shelves.h"
#include "core/store.h"
#include "core/tombstones.h"

namespace sojourn {

struct Restored;

// What holds for browser sessions.
struct BrowserRules {
  std::int64_t idle_us = std::int64_t{600} * 1'000'000;     // of one that says nothing else; 0 = without end
  std::int64_t life_us = std::int64_t{86'400} * 1'000'000;  // 0 = no end
  std::size_t queue_max = 100;                              // requests that wait for a session to end
  std::int64_t wait_us = std::int64_t{30} * 1'000'000;      // for that long
  bool recovers = true;                                     // they outlive the server
};

class Hub {
 public:
  // What the hub is given from outside. The references outlive it.
  struct World {
    Store& store;
    Log& log;
    Clock clock;
    Random random;
    Limits limits;
    std::int64_t idle_us = std::int64_t{3600} * 1'000'000;  // of a shared session that says nothing else
    std::size_t sessions_per_user = 0;                      // shared ones; 0 = as many as they like
    Browser* browser = nullptr;                             // null = there are no browser sessions here
    BrowserRules browsers = {};
  };

  explicit Hub(World world);
  Hub(Hub const&) = delete;
  Hub& operator=(Hub const&) = delete;

  // Takes up what the store has kept: sessions with their states, logs, names and tokens, and how others ended. Once,
  // before anything else. Time in which nobody ran the server is no time in which a session was not used.
  // Code::damaged, or what the store says: then nothing may be served.
  Result<> restore();

  // The gate. `reply` runs once, in a later turn, after the commit of everything the outcome tells of.
  void submit(Principal const& principal, Command command, Reply reply = {});

  // A word to one connection only: no event, and dropped when the connection is gone. `say` makes the text.
  using Whisper = std::function<std::string(Session const& session, Connection const& connection, Moment now)>;
  void whisper(ConnectionId connection, Whisper const& say);

  // Ends a loop iteration: expires, runs the replies that are due, shows events, starts the commit.
  // True when there is more to do without waiting for anything.
  bool turn();

  // What turn() would say now; asked again when something was submitted after it.
  bool has_more() const;

  // When turn() has to be called again for the sake of a deadline (steady clock, us); INT64_MAX = never.
  std::int64_t next_deadline_us() const;

  // What a door keeps beside the sessions, together with all that is kept in this turn; without room it is not. `kept`
  // runs once, in a later turn, when it is or can't be.
  void note(Mark mark, Reply kept = {});
  // What was noted before the server began, without what was noted since; once, after restore().
  std::vector<std::pair<std::string, std::string>> take_notes() { return std::exchange(notes_, {}); }

  // The server ends: what need not have been kept yet is. Until it is, and all else, is_saved() is false.
  void save_now();
  bool is_saved() const;

  // Whether a commit failed. The process should end: only a restart knows what is stored.
  bool is_stopped() const { return stopped_; }
  // Whether something more may be kept; durable commands are refused when not.
  bool can_keep() const { return world_.store.has_room(); }
  // As much waits for the disk as one reader's queue can take at once: whoever can, says nothing more for the moment.
  bool is_behind() const { return in_flight_.bytes + gathering_.bytes >= uncommitted_bytes_max(); }
  std::size_t session_count() const { return sessions_.size(); }
  std::size_t connection_count() const { return connections_.size(); }

 private:
  struct PendingCall {
    std::string session_id = {};
    ConnectionId to = 0;  // the connection that has to answer; 0 = any
    std::int64_t deadline_us = 0;
    Reply reply = {};
  };
  struct DueReply {
    Reply reply;
    Result<Outcome> outcome;
  };
  // What a commit makes visible. A session stands at least until all of its events are committed.
  struct Settled {
    Session* session;
    std::uint64_t seq;
    bool closes;
  };
  struct BatchInHand {
    Batch batch;
    std::vector<Settled> settled;
    std::vector<DueReply> replies;
    std::size_t bytes = 0;  // of its events
  };
  // A command's outcome, and the batch whose commit its reply waits for (0: none).
  struct Applied {
    Result<Outcome> outcome;
    std::uint64_t after_batch = 0;
  };
  // A session that may be used as asked, or why not.
  struct Found {
    Session* session = nullptr;
    Applied refusal{Outcome()};
    std::int64_t at_us = 0;  // when it was found, UTC
  };
  // A function that runs, or waits for its turn.
  struct RunningCall {
    std::string session_id;
    Function function;
    std::string note;
    std::string request_id;
    std::string user;
    std::int64_t begun_us;  // steady
    Reply reply;
  };
  struct WaitingOpen {
    Principal principal;
    OpenSession command;
    Reply reply;
  };

  // hub.cpp: sessions
  Applied apply(Principal const& principal, OpenSession& command, Reply& reply);
  Applied apply(Principal const& principal, ListSessions& command, Reply& reply);
  Applied apply(Principal const& principal, GetSession& command, Reply& reply);
  Applied apply(Principal const& principal, CloseSession& command, Reply& reply);
  Found find(Principal const& principal, Action action, AnyKind kind, std::string const& id);
  Found look_up(Principal const& principal, Action action, AnyKind kind, std::string const& id);
  Applied refuse(Principal const& principal, AnyKind kind, std::string const& id) const;
  Applied let_in(Principal const& principal, OpenSession& command);
  Result<StateChange> plan_state(SessionWish const& wish) const;
  Session& open(SessionKind kind, Principal const& principal, SessionWish const& wish);
  Session* find_alias(SessionKind kind, SessionWish const& wish) const;
  SessionInfo describe(Session const& session) const;
  std::string mint_id(SessionKind kind);
  std::int64_t look_again_us(Session const& session, std::int64_t since_us) const;
  void use(Session& session, Moment now);
  void end(Session& session, std::string_view reason);
  void bury(Session& session);

  // members.cpp: connections
  Applied apply(Principal const& principal, JoinSession& command, Reply& reply);
  Applied apply(Principal const& principal, ListConnections& command, Reply& reply);
  Applied apply(Principal const& principal, KickConnection& command, Reply& reply);
  Applied apply(Principal const& principal, MakeOffer& command, Reply& reply);
  Applied apply(Principal const& principal, Touch& command, Reply& reply);
  Applied apply(Principal const& principal, SayGoodbye& command, Reply& reply);
  Applied apply(Principal const& principal, Leave& command, Reply& reply);
  Applied apply(Principal const& principal, MoveConnection& command, Reply& reply);
  Applied arrive(Session& session, Principal const& principal, Attachment via, Arrival arrival);
  std::string_view why_not(Principal const& principal, JoinSession const& command) const;
  void take_over(Session const& session, Principal const& principal, ConnectionId predecessor);
  void send_away(Connection& connection, std::uint16_t code, std::string_view reason);
  void remove(Connection& connection, std::string_view reason);
  void announce(Session& session, EventType type, Connection const& connection);
  Connection* touch(ConnectionId id);
  bool has_host(Session const& session) const;

  // threads.cpp: what is said while nobody follows
  Applied apply(Principal const& principal, TakeMissed& command, Reply& reply);
  Applied apply(Principal const& principal, ListMissed& command, Reply& reply);
  static bool is_followed(Session const& session);
  static std::vector<EventRef> missed(Session const& session, std::uint64_t last_seq);

  // talk.cpp: messages, state, the log
  Applied apply(Principal const& principal, PostMessage& command, Reply& reply);
  Applied apply(Principal const& principal, PostToAll& command, Reply& reply);
  Applied apply(Principal const& principal, Say& command, Reply& reply);
  Applied apply(Principal const& principal, GetState& command, Reply& reply);
  Applied apply(Principal const& principal, ChangeState& command, Reply& reply);
  Applied apply(Principal const& principal, ReadEvents& command, Reply& reply);
  Applied post(Session& session, Event event, bool is_volatile, std::vector<Mark> marks = {});
  EventRef change_state(Session& session, StateChange const& change, Event event);
  static EventRef find_said(Session const& session, std::string const& known);
  std::vector<Mark> forget_said(Session& session) const;
  Found find_own(Action action, ConnectionId connection);

  // tokens.cpp: session tokens
  Applied apply(Principal const& principal, MintToken& command, Reply& reply);
  Applied apply(Principal const& principal, RevokeToken& command, Reply& reply);
  Applied apply(Principal const& principal, ListTokens& command, Reply& reply);
  Result<> use_token(Session& session, Principal const& principal);
  void drop_expired_tokens(Session& session);

  // calls.cpp: commands to the other end, and tools
  Applied apply(Principal const& principal, CallSession& command, Reply& reply);
  Applied apply(Principal const& principal, CallTool& command, Reply& reply);
  Applied apply(Principal const& principal, RecordResult& command, Reply& reply);
  Applied apply(Principal const& principal, AnswerCall& command, Reply& reply);
  static Applied too_many_calls();
  void begin_call(Session& session, std::string const& request_id, PendingCall call, std::int64_t timeout_us);
  std::string mint_request_id();
  void fail_calls(Session& session, ConnectionId to, std::uint64_t after_batch);
  void finish_call(std::string const& request_id, Result<Outcome> outcome, std::uint64_t after_batch);

  // queries.cpp: questions, and who answers them
  Applied apply(Principal const& principal, AskQuery& command, Reply& reply);
  Applied apply(Principal const& principal, ReportProgress& command, Reply& reply);
  Applied apply(Principal const& principal, RecordAnswer& command, Reply& reply);
  Applied apply(Principal const& principal, CancelQuery& command, Reply& reply);
  void ask(Event const& question);

  // browsers.cpp: sessions that own a page of a browser
  Applied apply(Principal const& principal, CallFunction& command, Reply& reply);
  std::optional<Applied> close_again(Principal const& principal, CallFunction const& command) const;
  Applied close_browser(Principal const& principal, Session& session, CallFunction& command, Reply& reply);
  void furnish(Session& session, SessionWish const& wish);
  void vacate(Session const& session, std::unique_ptr<BrowserSeat> seat, Error const& why, Browser::Done done);
  std::uint64_t begin_running(Principal const& principal, CallFunction& command, Reply& reply);
  void finish_running(std::uint64_t number, Result<std::string> output);
  SessionInfo describe_kept(Session const& session) const;
  void hear(BrowserNews news);
  void keep_checkpoint(BrowserCheckpoint checkpoint);
  Tombstone const* find_stone(Principal const& principal, AnyKind kind, std::string const& id) const;

  // waiting.cpp: browser sessions that wait for a place
  bool has_room() const;
  bool has_place() const { return admission_.is_empty() && has_room(); }
  Applied wait_for_place(Principal const& principal, OpenSession& command, Reply& reply);
  void let_in_waiting();
  void let_in(Admission::Ticket ticket);
  void turn_away(Admission::Ticket ticket, Error why);
  void turn_late_away(std::int64_t now_us);
  Error too_many_browsers(std::string_view about_queue) const;

  // upkeep.cpp: what sessions are used for; forgetting, sweeping, room for new ones
  Applied apply(Principal const& principal, NoteUse& command, Reply& reply);
  Applied apply(Principal const& principal, CleanSession& command, Reply& reply);
  Applied apply(Principal const& principal, SweepSessions& command, Reply& reply);
  SessionUse& note_use(Session& session, Use use);
  void make_room(std::string const& owner);

  // show.cpp: the log to the members
  EventRef append(Session& session, Event event, std::vector<Mark> marks = {});
  void append_fleeting(Session& session, Event event);
  void mark_dirty(Session& session);
  void show(Session& session);
  bool catch_up(Connection& connection, std::size_t bytes_max);
  void catch_up_all();
  Limits const& limits_of(Session const& session) const;

  // keeping.cpp: what the store keeps of sessions, and how it comes back
  void keep(Session& session, EventRef const& event, std::vector<Mark> marks);
  void keep(Session& session, Mark mark);
  void keep_end(Session& session, EventRef const& closing, Tombstone tombstone);
  void save_later(Session& session);
  void save(std::int64_t now_us);
  Result<> wake(Session& session);
  std::optional<Applied> refuse_full(Session const* session) const;
  void begin_epochs();
  std::uint32_t mint_epoch();
  static std::string to_alias(Session const& session);
  void take_up(Restored restored, Moment now, std::int64_t alive_us);
  bool take_up_seat(Session& session, std::string checkpoint, Moment now, std::int64_t alive_us);
  void lay_stone(std::string const& id, Tombstone tombstone);

  // turn.cpp: the end of an iteration
  void expire_calls(std::int64_t now_us);
  void expire_guests(std::int64_t now_us);
  std::size_t expire_sessions(Moment now);
  void look_at(Session& session, std::int64_t at_us);
  void look_earlier(Session& session);
  void reply_after(std::uint64_t batch, Reply reply, Result<Outcome> outcome);
  std::uint64_t latest_batch() const;
  std::size_t uncommitted_bytes_max() const { return static_cast<std::size_t>(world_.limits.queue_bytes) / 4; }
  void start_commit();
  void committed(Result<> result);
  void stop(Error const& reason);

  World world_;
  Limits memory_limits_;  // of sessions that live in memory only
  std::unordered_map<std::string_view, std::unique_ptr<Session>> sessions_;
  Shelves shelves_;                                    // those that have not ended
  std::unordered_map<std::string, Session*> aliases_;  // those that have not ended, by kind, owner and name
  std::multimap<std::int64_t, Session*> expiries_;     // when to look (steady clock); never after the true moment
  Tombstones tombstones_;
  std::unordered_map<ConnectionId, Connection> connections_;
  ConnectionId last_connection_ = 0;
  std::set<std::pair<std::int64_t, ConnectionId>> guests_;  // whose token runs out, soonest first
  std::vector<ConnectionId> behind_;                        // read the log at their own pace
  std::unordered_map<std::string, PendingCall> calls_;
  std::set<std::pair<std::int64_t, std::string>> deadlines_;  // of calls_, soonest first
  std::vector<Session*> dirty_;
  std::vector<std::string> unsaved_;                        // ids
  std::vector<std::pair<std::string, std::string>> notes_;  // of the server's own record, until a door takes them
  std::int64_t save_us_ = 0;                                // steady; when those are saved; 0 = there are none
  Admission admission_;
  std::unordered_map<Admission::Ticket, WaitingOpen> waiting_;
  std::unordered_map<std::uint64_t, RunningCall> running_;
  std::uint64_t last_running_ = 0;
  std::deque<DueReply> due_;
  BatchInHand gathering_;
  BatchInHand in_flight_;
  bool commit_runs_ = false;
  bool saves_browsers_ = false;  // the server ends, and asks for the last checkpoints
  bool has_browsers_saved_ = false;
  bool stopped_ = false;
};

}  // namespace sojourn
