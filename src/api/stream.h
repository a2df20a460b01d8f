// The native live dialect: a session's events as they are, over a WebSocket or as an event stream (the WHATWG HTML
// standard, section 9.2). A newcomer gets one snapshot with the cursor it stands for, then every event once and in
// order; who names a cursor gets what came after it instead. The hub's thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "api/responder.h"
#include "api/router.h"
#include "api/tools.h"
#include "base/random.h"
#include "core/hub.h"

namespace sojourn {

class Stream final : public Dialect {
 public:
  // The references outlive the door.
  Stream(Hub& hub, Tools& tools, Responder& responder)
      : hub_(hub), tools_(tools), responder_(responder), lines_(*this) {}

  static std::span<Entrance const> entrances();

  std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override;
  void receive(ConnectionId connection, std::string_view message) override;
  bool encode(Session const& session, Event const& event, std::string& out) const override;
  std::string ask(Session const& session, Event const& call) const override;

  void join(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome);
  void follow(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome);

 private:
  // The same as lines of an event stream.
  class Lines final : public Dialect {
   public:
    explicit Lines(Stream const& stream) : stream_(stream) {}
    std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override;
    void receive(ConnectionId, std::string_view) override {}
    bool encode(Session const& session, Event const& event, std::string& out) const override;
    std::string ask(Session const&, Event const&) const override { return {}; }

   private:
    Stream const& stream_;
  };

  // A message on its way, and how its sender calls it (empty: it wants no answer but an error).
  struct Message {
    ConnectionId connection = 0;
    std::string_view type;
    json::object const& fields;
    std::string request_id;

    json::value const* body() const;  // data, or payload
    Message envelope() const;         // without its content, to be kept
  };

  bool receive_order(Message const& message);
  void receive_event(Message const& message);
  void get_state(Message const& message);
  void change_state(Message const& message);
  void take_offer(Message const& message);
  void call_tool(Message const& message);
  void take_result(Message const& message);
  void take_query_progress(Message const& message);
  void take_query_result(Message const& message);
  void acknowledge(Message const& message, bool was_awaited, std::string_view what);

  void submit(Message const& message, Command command, std::function<std::string(Outcome const&)> answer);
  void tell(Message const& message, std::string text);
  void fail(Message const& message, Error const& reason);

  Hub& hub_;
  Tools& tools_;
  Responder& responder_;
  Lines lines_;
};

// The tools and questions that a message offers to answer. Code::invalid.
Result<Offer> read_offer(json::object const& message);

// An event as JSON: what the stream shows and the log's page lists.
void append_event(std::string& out, Session const& session, Event const& event);
void append_event(std::string& out, std::uint32_t epoch, Event const& event);

// The type that clients see: the event's name, or session.something.
std::string_view to_public_type(Event const& event);

// Whether a client may not call its own events that: they would pass for answers of the server. It is too long, begins
// with "session." or "case.", or is what one of the doors says itself.
bool is_reserved_type(std::string_view type);
inline constexpr std::string_view type_rule =
    "type has to be a word of at most 256 bytes that is not one of the server's own, such as session.…";

}  // namespace sojourn
