// Every limit in one place, all on by default, all configurable as [limits] NAME in the configuration.
// Units are in the names. A value, copied into whoever needs it; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sojourn {

struct Limits {
  std::int64_t message_bytes = 1'000'000;         // one message of a WebSocket, in
  std::int64_t body_bytes = 1'000'000;            // one body of a request, in
  std::int64_t header_bytes = 16 * 1024;          // request line and header fields
  std::int64_t header_count = 100;                // header fields
  std::int64_t header_ms = 10'000;                // from the first byte of a request to the end of its header
  std::int64_t body_ms = 15'000;                  // from the end of the header to the end of the body
  std::int64_t keep_alive_ms = 75'000;            // an idle HTTP connection
  std::int64_t messages_per_s = 100;              // in, on one WebSocket; 0 = off
  std::int64_t message_burst = 200;               // of the same
  std::int64_t queue_bytes = 1024 * 1024;         // out, waiting for one peer
  std::int64_t queues_bytes = 256 * 1024 * 1024;  // out, waiting for all peers together
  std::int64_t log_events = 10'000;               // kept of a session
  std::int64_t log_bytes = 4 * 1024 * 1024;       // kept of a session
  std::int64_t memory_log_bytes = 64 * 1024;      // kept of a session that lives in memory only
  std::int64_t log_ms = 24 * 3600 * 1000;         // kept of a session
  std::int64_t ping_ms = 25'000;                  // silence after which a WebSocket is pinged
  std::int64_t pong_ms = 20'000;                  // silence after the ping after which it is closed
  std::int64_t close_ms = 30'000;                 // wait for the peer's end of a WebSocket close
  std::int64_t drain_ms = 10'000;                 // over which live connections are closed when the server ends
  std::int64_t connections = 19'000;              // open sockets; the oldest idle HTTP connection gives way
  std::int64_t state_value_bytes = 64 * 1024;     // one value of a session's state
  std::int64_t state_keys = 1'000;                // of a session's state
  std::int64_t state_bytes = 1024 * 1024;         // a session's state, keys and values
  std::int64_t presence_members = 100;            // with more than that comings and goings are not announced
  std::int64_t tokens = 1'000;                    // session tokens of one session that live
  std::int64_t tombstones = 200'000;              // ended sessions that are remembered as such
  std::int64_t calls = 1'000;                     // calls of one session that wait for an answer
  std::int64_t reserve_bytes = 64 * 1024 * 1024;  // on the disk of the data folder; with less free nothing more is kept
};

struct LimitRow {
  std::string_view name;
  std::int64_t Limits::*member;
  std::int64_t least;
  std::int64_t most;
};

// What a configuration may set, and within which bounds.
inline constexpr std::array limit_table{
    LimitRow{"message_bytes", &Limits::message_bytes, 1024, 64 * 1024 * 1024},
    LimitRow{"body_bytes", &Limits::body_bytes, 1024, 64 * 1024 * 1024},
    LimitRow{"header_bytes", &Limits::header_bytes, 1024, 64 * 1024},
    LimitRow{"header_count", &Limits::header_count, 10, 1000},
    LimitRow{"header_ms", &Limits::header_ms, 100, 120'000},
    LimitRow{"body_ms", &Limits::body_ms, 100, 600'000},
    LimitRow{"keep_alive_ms", &Limits::keep_alive_ms, 100, 3'600'000},
    LimitRow{"messages_per_s", &Limits::messages_per_s, 0, 1'000'000},
    LimitRow{"message_burst", &Limits::message_burst, 1, 1'000'000},
    LimitRow{"queue_bytes", &Limits::queue_bytes, 16 * 1024, 1024 * 1024 * 1024},
    LimitRow{"queues_bytes", &Limits::queues_bytes, 1024 * 1024, std::int64_t{64} * 1024 * 1024 * 1024},
    LimitRow{"log_events", &Limits::log_events, 10, 1'000'000},
    LimitRow{"log_bytes", &Limits::log_bytes, 4096, 1024 * 1024 * 1024},
    LimitRow{"memory_log_bytes", &Limits::memory_log_bytes, 4096, 1024 * 1024 * 1024},
    LimitRow{"log_ms", &Limits::log_ms, 1000, std::int64_t{366} * 24 * 3600 * 1000},
    LimitRow{"ping_ms", &Limits::ping_ms, 100, 3'600'000},
    LimitRow{"pong_ms", &Limits::pong_ms, 100, 3'600'000},
    LimitRow{"close_ms", &Limits::close_ms, 100, 600'000},
    LimitRow{"drain_ms", &Limits::drain_ms, 0, 600'000},
    LimitRow{"connections", &Limits::connections, 16, 1'000'000},
    LimitRow{"state_value_bytes", &Limits::state_value_bytes, 64, 16 * 1024 * 1024},
    LimitRow{"state_keys", &Limits::state_keys, 1, 1'000'000},
    LimitRow{"state_bytes", &Limits::state_bytes, 1024, 1024 * 1024 * 1024},
    LimitRow{"presence_members", &Limits::presence_members, 0, 1'000'000},
    LimitRow{"tokens", &Limits::tokens, 1, 1'000'000},
    LimitRow{"tombstones", &Limits::tombstones, 0, 100'000'000},
    LimitRow{"calls", &Limits::calls, 1, 1'000'000},
    LimitRow{"reserve_bytes", &Limits::reserve_bytes, 0, std::int64_t{1024} * 1024 * 1024 * 1024},
};

}  // namespace sojourn
