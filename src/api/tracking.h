// The door of session tracking: clients share a session over a WebSocket, by its id and the token of its owner, or get
// a new one. Shapes, names and texts are those of the documented system; every frame carries session_id.
// The hub's thread.
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

class Tracking final : public Dialect {
 public:
  // The references outlive the door.
  Tracking(Hub& hub, Tools& tools, Responder& responder, Random random)
      : hub_(hub), tools_(tools), responder_(responder), random_(std::move(random)) {}

  static std::span<Entrance const> entrances();

  std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override;
  void receive(ConnectionId connection, std::string_view message) override;
  bool encode(Session const& session, Event const& event, std::string& out) const override;
  std::string ask(Session const& session, Event const& call) const override;

  void join(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome);

 private:
  // A message on its way: who sent it, its parts, and how the answer names it.
  struct Message {
    ConnectionId connection = 0;
    std::string_view type;
    json::object const& fields;
    std::string request_id;

    // What it is about: the payload where there is one, else the message itself.
    json::object const& payload() const;
    json::value const* find(std::string_view name) const;
  };
  using Receive = void (Tracking::*)(Message const& message);

  static Receive find_receiver(std::string_view type);

  void on_ping(Message const& message);
  void on_update(Message const& message);
  void on_navigate(Message const& message);
  void on_notification(Message const& message);
  void on_tool_call(Message const& message);
  void on_tool_result(Message const& message);
  void on_query_progress(Message const& message);
  void on_query_result(Message const& message);
  void on_rates(Message const& message);
  void on_offer(Message const& message);
  void on_get_state(Message const& message);
  void on_set_state(Message const& message);
  void on_unknown(Message const& message);

  // Says it to everybody in the session; the sender hears first that it was taken.
  void say(Message const& message, std::string_view name, std::string data, std::string receipt);
  void submit(Message const& message, Command command, std::function<void(Outcome const&)> then);
  // A complaint about a result or a piece of one that nobody waits for.
  std::function<void(bool)> complain(Message const& message, std::string_view what);
  void tell_updates(ToolResult const& result);
  // `tail` are members that follow the type: ,"payload":{...}
  void tell(ConnectionId connection, std::string_view type, std::string const& tail, std::string const& request_id);
  void fail(Message const& message, std::string_view reason);

  Hub& hub_;
  Tools& tools_;
  Responder& responder_;
  Random random_;
};

}  // namespace sojourn
