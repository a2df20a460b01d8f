// The door of extension sessions: a browser's extension connects and is a session until its socket closes; agents list,
// verify, message, command and close it over REST. Shapes, names and texts are those of the documented system.
// The hub's thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/router.h"
#include "base/json.h"
#include "core/hub.h"

namespace sojourn {

class Extension final : public Dialect {
 public:
  // `hub` outlives the door.
  explicit Extension(Hub& hub) : hub_(hub) {}

  static std::span<Route const> routes();
  static std::span<Entrance const> entrances();

  std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override;
  void receive(ConnectionId connection, std::string_view message) override;
  bool encode(Session const& session, Event const& event, std::string& out) const override;
  std::string ask(Session const& session, Event const& call) const override;

  void list(Request const& request, Parameters const& parameters, Respond respond);
  void show(Request const& request, Parameters const& parameters, Respond respond);
  void post_message(Request const& request, Parameters const& parameters, Respond respond);
  void close(Request const& request, Parameters const& parameters, Respond respond);
  void join(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome);

 private:
  void receive_object(ConnectionId connection, json::object const& message);
  void take_answer(ConnectionId connection, json::object const& message, std::string_view request_id);
  void say(ConnectionId connection, json::value const& message, bool echoed);
  void tell(ConnectionId connection, std::string_view type, std::string const& tail);
  // Answers the connection once the turn that saw its message is over.
  void answer_after(ConnectionId connection, Command command, std::string_view type, std::string tail);

  Hub& hub_;
};

// What a REST request of this door carries: a JSON object, or Code::invalid.
Result<json::object> read_object(Request const& request);

// Answers 404 when the session is not there, else 400 with `message`: an unknown session is said first.
void refuse_body(Hub& hub, Request const& request, std::string_view session_id, std::string message, Respond respond);

}  // namespace sojourn
