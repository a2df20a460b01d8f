#pragma once
// One Engine.IO session, the server's side, as a machine: what came in, and what is to be done about it. Follows the
// protocol's revision 4, and 3 where a session was opened so (its clients ping, and not the server).
// Invariant: once it has ended nothing is delivered, and what is to be done is said once. Thread: a value; no sharing.
// No socket; the clock is an argument.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "codec/engine_io.h"

namespace sojourn::engine_io {

enum class Transport : std::uint8_t { polling, websocket };

std::string_view to_word(Transport transport);

struct Timing {
  std::int64_t ping_us = 25'000'000;
  std::int64_t pong_us = 20'000'000;     // after a ping
  std::int64_t upgrade_us = 10'000'000;  // for a WebSocket to take over
  std::int64_t linger_us = 10'000'000;   // for a last poll to fetch what is left
};

// Why a session ended: the words of the protocol's servers.
inline constexpr std::string_view transport_close = "transport close";
inline constexpr std::string_view transport_error = "transport error";
inline constexpr std::string_view ping_timeout = "ping timeout";
inline constexpr std::string_view parse_error = "parse error";
inline constexpr std::string_view forced_close = "forced close";
inline constexpr std::string_view shutting_down = "server shutting down";

struct Step {
  enum class Do : std::uint8_t {
    deliver,      // `packet` to whoever is above
    send,         // `text` by the present transport
    send_probed,  // `text` on the candidate
    answer,       // the waiting poll, with what is queued
    drop_probed,  // close the candidate
    move,         // the candidate is the transport from now on
    end,          // tell whoever is above: `reason`
    close,        // close the socket, if that is the transport
    bury,         // there is nothing left to do
  };
  Do what;
  std::string text = {};
  Packet packet = {};
  std::string_view reason = {};  // static
};
using Steps = std::vector<Step>;

class Session {
 public:
  Session(Revision revision, Transport transport, Timing timing, std::int64_t now_us);

  Revision revision() const { return revision_; }
  Transport transport() const { return transport_; }
  bool is_open() const { return phase_ == Phase::open; }
  // Whether a last poll may still fetch what is left.
  bool is_lingering() const { return phase_ == Phase::lingering; }
  // A message of a WebSocket for which there is nothing to think about: the rest of it is for whoever is above.
  bool is_plain(std::string_view text) const {
    return transport_ == Transport::websocket && phase_ == Phase::open && text.starts_with('4');
  }

  // A poll came, while it is open or lingers. A second one at a time ends the session: the first is answered, the
  // second to be refused.
  Steps poll();
  bool has_poll() const { return polled_; }
  // The waiting poll was answered.
  void answered() { polled_ = false; }
  // The client hung up on its poll.
  Steps lose_poll();
  // A body came with these packets, or with what are none.
  Steps post(Result<std::vector<Packet>> const& packets, std::int64_t now_us);

  // Whether a WebSocket may try to take over.
  bool takes_candidate() const { return is_open() && transport_ == Transport::polling && !has_candidate_; }
  void add_candidate(std::int64_t now_us);
  // A packet of the candidate, or none where one should be.
  Steps take_probed(Result<Packet> const& packet);
  Steps lose_candidate();

  // A packet of the WebSocket that is the transport, or none where one should be.
  Steps take(Result<Packet> packet, std::int64_t now_us);
  Steps lose_socket();

  // Time has passed.
  Steps tick(std::int64_t now_us);
  // When it has to be told of the time; INT64_MAX = never.
  std::int64_t next_us() const;

  // The server ends it; what is queued is still sent. `reason` is one of the above.
  Steps end(std::string_view reason, std::int64_t now_us);
  // The client broke the rules: nothing is sent any more but the answer to a poll that waits.
  Steps fail(std::string_view reason);

 private:
  enum class Phase : std::uint8_t { open, lingering, over };

  void take_packet(Packet packet, std::int64_t now_us, Steps& steps);
  void finish(std::string_view reason, Steps& steps);
  void drop_candidate(Steps& steps);

  Timing timing_;
  std::int64_t beat_us_;  // when the next ping is due, or was to be answered
  std::int64_t until_us_ = std::numeric_limits<std::int64_t>::max();  // of the candidate, or of lingering
  Revision revision_;
  Transport transport_;
  Phase phase_ = Phase::open;
  bool pinged_ = false;  // and waits for the pong
  bool polled_ = false;
  bool has_candidate_ = false;
  bool is_probed_ = false;  // the candidate has passed
};

}  // namespace sojourn::engine_io
