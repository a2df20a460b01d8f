// What a peer is once a session has let it in: the end of a live connection, whichever carrier it is.
// Invariant: nothing goes out before open(); after a close nothing more does. The loop's thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/command.h"
#include "core/connection.h"
#include "net/departure.h"

namespace sojourn {

class Live : public Outlet {
 public:
  // The session is there: sends the carrier's own `handshake` and the greeting, then everything held back. Without a
  // connection there is nothing but the close that was asked for meanwhile.
  virtual void open(Opened const& opened, std::string handshake) = 0;
  // The session could not be had.
  virtual void refuse() = 0;
  virtual bool is_joining() const = 0;

  // Bytes came in; they may be changed in place.
  virtual void take(std::span<char> bytes) = 0;
  // The peer sends no more.
  virtual void on_end() = 0;
  virtual void on_timer() = 0;
  // The socket is gone or about to be: the hub must not use this any more.
  virtual void leave() = 0;
  // The server ends: a last word, then nothing more.
  virtual void drain(Farewell const& farewell) = 0;
  // What is said to a peer that does not read, if anything is.
  virtual std::string cut_off_word() const = 0;
};

// What a session says to a connection that the carrier has not opened yet.
struct HeldBack {
  std::vector<Bytes> bytes;
  std::size_t byte_count = 0;
  std::uint16_t close_code = 0;  // 0 = it is to stay
  std::string close_reason;

  void push(Bytes more) {
    byte_count += more->size();
    bytes.push_back(std::move(more));
  }
};

}  // namespace sojourn
