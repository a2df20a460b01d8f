#pragma once
// Socket.IO packets, protocol revision 5, in the text and binary messages of an engine beneath.
// Invariant: a packet is given when all of it is there and makes sense; one that does not is an error, after which the
// connection is to be closed ("parse error"). What is held of one is bounded. Thread: values; no sharing.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sojourn::socket_io {

enum class Type : std::uint8_t { connect, disconnect, event, ack, connect_error };

struct Packet {
  Type type = Type::event;
  std::string nsp = "/";
  std::optional<std::uint64_t> id;  // of an event: an acknowledgement is asked for; of an ack: for which
  // connect: an object or null; connect_error: an object or a string; event: an array that begins with its name;
  // ack: an array. Each attachment stands in it as {"_placeholder":true,"num":0}.
  json::value data;
  std::vector<std::string> attachments;
};

struct Limits {
  std::size_t attachments_max = 10;
  std::size_t attached_bytes_max = 1'000'000;  // together
};

class Reader {
 public:
  explicit Reader(Limits limits = {}) : limits_(limits) {}

  // A text message: gives its packet, or nothing while attachments of it are to come. Code::invalid.
  Result<std::optional<Packet>> take_text(std::string_view text);
  // A binary message: gives the packet whose last attachment it is. Code::invalid.
  Result<std::optional<Packet>> take_bytes(std::string bytes);
  // Whether attachments are to come.
  bool is_waiting() const { return open_ != nullptr; }

 private:
  // A packet whose attachments are not all there.
  struct Open {
    Packet packet;
    std::size_t missing = 0;     // how many
    std::size_t held_bytes = 0;  // of those that are
  };

  Limits limits_;
  std::unique_ptr<Open> open_;
};

// The text message. Its attachments follow, each a binary message of its own, with nothing in between.
std::string to_text(Packet const& packet);

}  // namespace sojourn::socket_io
