// Tool calls of connections: answered by another connection of the session that offered the tool, else by the endpoint
// that the configuration names, else with an error. Never by an answer that nobody gave.
// The hub's thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "core/caller.h"
#include "core/hub.h"

namespace sojourn {

// A tool of the configuration.
struct Tool {
  std::string url;     // empty = only connections run it
  std::string update;  // the contextual update that tells of its result; empty = the documented one, or none
};

// What a connection asks for. It may go before it is answered: the others are told all the same.
struct ToolCall {
  ConnectionId connection = 0;
  std::string name;
  std::string id;  // the caller's
  json::value parameters;
  json::value original;  // the whole message, to be quoted in an error
  // Known once the hub has seen it.
  std::string session_id = {};
  Principal by = {};
};

struct ToolResult {
  std::string name;
  std::string id;
  std::string result;  // JSON text
  bool is_error = false;
  std::string update;  // empty = none
  std::string session_id = {};
  Principal by = {};  // who asked
};

class Tools {
 public:
  using Table = std::map<std::string, Tool, std::less<>>;
  using Done = std::function<void(ToolResult)>;

  // The references outlive it.
  Tools(Hub& hub, Caller& caller, Table table) : hub_(hub), caller_(caller), table_(std::move(table)) {}

  // `done` runs once, after the result is in the log (or can't be, because the caller is gone).
  void call(ToolCall call, Done done);

  // A connection's answer to a call that came to it: a message with tool_call_id, result, is_error, and if it likes
  // update. `told` says whether somebody waited for it.
  void take_result(ConnectionId connection, json::object const& message, std::function<void(bool)> told);

 private:
  void call_endpoint(ToolCall call, Done done);
  void finish(ToolCall const& call, ToolResult result, Done done);
  void fail(ToolCall const& call, Error const& reason, Done done);
  std::string find_update(std::string_view name) const;

  Hub& hub_;
  Caller& caller_;
  Table table_;
};

// The data of the contextual update that tells of a result: the result itself, or of a list the cheapest entry with
// all_options; a cost has its price beside it and the other way round, as clients read either.
std::string to_update_data(std::string_view result);

// Of a list of quotes; null when there is none.
json::value find_cheapest(json::array const& options);
json::value find_fastest(json::array const& options);

}  // namespace sojourn
