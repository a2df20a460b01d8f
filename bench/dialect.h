#pragma once
// What a member of a session says and hears, for each kind of server that is measured.
// Invariant: between `before` and `after` lies one JSON object of exactly the size asked for, and its `data`
// begins with the message's number.
// Any thread.

#include <string>
#include <string_view>

namespace bench {

struct Dialect {
  std::string_view name;
  std::string_view hello;   // the member's answer to the first text; empty: none
  std::string_view ready;   // how the text begins that makes it a member; empty: the handshake does
  std::string_view before;  // what stands around the JSON object
  std::string_view head;    // how the object begins, to the opening brace of its data
  std::string_view after;
  std::string_view heartbeat;         // a text that wants an answer; empty: there is none
  std::string_view heartbeat_answer;  // what it gets
  std::string_view ping;              // asks the server; empty: it cannot be asked
  std::string_view pong;              // how its answer begins
};

// Ends the program when there is none of that name.
Dialect const& find_dialect(std::string_view name);

// A client's frame with message `number`, whose JSON text has `size` bytes.
std::string message_frame(Dialect const& dialect, std::size_t number, std::size_t size);

// The number of a broadcast message in the text of any dialect; `none` in other texts.
constexpr std::size_t none = static_cast<std::size_t>(-1);
std::size_t find_number(std::string_view text);

}  // namespace bench
