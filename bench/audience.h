#pragma once
// The members of sessions, over WebSockets: they join, the first of each session publishes, and each broadcast
// is counted when its frame has come whole.
// Invariant: a member gets every message of its session, once and in order; anything else ends the program.
// Members set aside are the exception: nothing is read for them.
// One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.h"
#include "poller.h"
#include "wire.h"

namespace bench {

// One connection.
class Member {
 public:
  enum class State { upgrading, greeting, open };

  Member(std::uint16_t port, std::string_view target, Wire::Room room);

  Wire wire;
  State state = State::upgrading;
  std::size_t session = 0;
  std::size_t received = 0;  // broadcasts
};

struct Target {
  std::uint16_t port = 0;
  Dialect const* dialect = nullptr;
  std::vector<std::string> requests;  // what a member of each session asks for in its handshake
  std::size_t size = 200;             // bytes of a message's JSON text
};

class Audience {
 public:
  explicit Audience(Target target) : target_(std::move(target)), sessions_(target_.requests.size()) {}

  // Lets one more member join each of these sessions, a few at a time.
  void join(std::vector<std::size_t> const& sessions);

  // Lets `count` members with little room join a session, and never reads for them again.
  void join_stalled(std::size_t session, std::size_t count);

  // The session's first member writes `count` messages at once. Latencies are counted from `since_ns`.
  void publish(std::size_t session, std::size_t count, std::int64_t since_ns);

  // Has a member ask the server; pongs() counts the answers.
  void ping(std::size_t member);

  // Reads what is there, waiting for at most timeout_ms (-1: for ever).
  void read(int timeout_ms);

  // Answers pings until so many milliseconds have passed.
  void rest(int duration_ms);

  // Reads without sleeping until nothing published is missing; ends the program after 20 s of silence.
  void read_all();

  [[nodiscard]] bool is_complete() const { return delivered_ == expected_; }
  [[nodiscard]] std::size_t delivered() const { return delivered_; }
  [[nodiscard]] std::size_t others() const { return others_; }  // texts that are no broadcasts
  [[nodiscard]] std::size_t pings() const { return pings_; }    // of the protocol or the dialect
  [[nodiscard]] std::size_t pongs() const { return pongs_; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

  // The nanoseconds of each delivery since the last call.
  std::vector<std::int64_t> take_latencies();

 private:
  struct Session {
    std::vector<std::size_t> members;
    std::vector<std::int64_t> sent_ns;  // of each message
  };

  void begin(std::size_t session);
  void read_member(std::size_t number);
  void take_frames(Member& member);
  void take_text(Member& member, std::string_view text);
  void take_broadcast(Member& member, std::size_t number);

  Target target_;
  Poller poller_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<Member>> stalled_;
  std::vector<Session> sessions_;
  std::vector<std::int64_t> latencies_ns_;
  std::int64_t read_at_ns_ = 0;
  std::size_t joining_ = 0;
  std::size_t expected_ = 0;
  std::size_t delivered_ = 0;
  std::size_t others_ = 0;
  std::size_t pings_ = 0;
  std::size_t pongs_ = 0;
};

}  // namespace bench
