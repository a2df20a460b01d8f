#pragma once
// What the server was told: defaults, overridden by a TOML file, by the environment, by flags, in this order.
// Every key has the same meaning and the same checks wherever it is written; a later source replaces a value whole.
// Invariant: a Config that load_config gives is within all bounds and listens on loopback only; its key is strong.
// Thread: any; a value.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/token.h"
#include "app/address.h"
#include "app/setting.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/result.h"
#include "base/signature.h"

namespace sojourn {

// [tools.NAME]: who answers calls of a tool that no member of a session offers, and what its results are called.
struct ToolConfig {
  std::string url;     // http or https; empty = nobody
  std::string update;  // text of the contextual update that a result makes; empty = none

  bool operator==(ToolConfig const&) const = default;
};

// [responder]: who answers questions in sessions where no connection offers to.
struct ResponderConfig {
  std::string url;               // http or https; empty = nobody
  std::int64_t timeout_s = 120;  // of connections too
  std::string model;             // named to the endpoint; empty = none

  bool operator==(ResponderConfig const&) const = default;
};

// [browser]: the browser sessions.
struct BrowserConfig {
  std::string executable;         // a Chromium; empty = the first that is found
  std::int64_t max_contexts = 0;  // sessions at a time; 0 = as many as memory allows
  std::int64_t warm = 1;          // contexts that are prepared before somebody asks
  std::int64_t idle_s = 600;      // a session that nobody calls ends, unless it was opened with a time of its own
  std::int64_t life_s = 86'400;   // a session ends, however busy it is; 0 = it does not
  std::int64_t keep_s = 60;       // Chromium stays without a session
  std::int64_t queue_max = 100;   // callers that wait for room
  std::int64_t wait_s = 30;       // each of them, at most
  bool recover = true;            // sessions are rebuilt after a restart of the server

  bool operator==(BrowserConfig const&) const = default;
};

// [monitor]: the session monitor and what belongs to it.
struct MonitorConfig {
  std::int64_t warn_after_s = 900;   // a socket that says nothing for so long is asked whether it is there
  std::int64_t drop_after_s = 1800;  // and after that long dropped
  std::int64_t sweep_s = 60;         // how often that is looked at
  bool eio3 = false;                 // whether clients of Engine.IO 3 are let in
  bool debug = true;                 // whether /debug/... is served
  std::string client_files;          // folder of the Socket.IO client; empty = where it is installed

  bool operator==(MonitorConfig const&) const = default;
};

struct Config {
  std::vector<ListenAddress> listen = {{"localhost", 5409, "extension"}};
  std::string data;                        // folder; need not exist
  std::string store = "sqlite";            // in that folder; or "memory": nothing outlives the server
  std::vector<std::string> allow_origins;  // as browsers send them
  bool documented_ports = false;
  std::string key;                           // a secret, never to be shown; empty = none
  std::string key_file;                      // where public_key was read; empty = none. Never both this and key
  std::optional<PublicKey> public_key;       // what key_file holds
  std::map<std::string, std::string> users;  // name -> line of hash_password, never to be shown
  bool compression = false;                  // of WebSockets whose clients offer it
  std::int64_t idle_ms = 3'600'000;          // after which a shared session that nobody is connected to ends
  std::int64_t sessions_per_user = 0;        // shared ones, above which the least recently used give way; 0 = no limit
  bool test_token = false;                   // whether GET /test-token answers, in local mode
  std::map<std::string, ToolConfig> tools;   // by name
  ResponderConfig responder;
  MonitorConfig monitor;
  std::string debug_key;  // of the monitor's pages for developers, never to be shown; empty = none configured
  BrowserConfig browser;
  std::int64_t video_retention_s = 3600;  // a video stays after its session; 0 = it is handed over by close only
  Limits limits;
  Level log_level = Level::info;

  // A key makes server mode: nobody is let in without a token.
  [[nodiscard]] bool has_key() const { return !key.empty() || public_key.has_value(); }
};

// What the command line says of the configuration. Empty means not given.
struct Flags {
  std::string config;  // path of a TOML file
  std::string data;
  std::string store;
  std::vector<std::string> listen;
  std::vector<std::string> allow_origins;
  bool documented_ports = false;
  std::string key_file;
  std::string log_level;
  std::vector<std::pair<std::string, std::string>> limits;    // NAME of limit_table, value
  std::vector<std::pair<std::string, std::string>> settings;  // any other key, such as sessions.idle_minutes; value
};

// All sources together. Code::configuration naming the source, its line, and what would be valid.
// documented_ports sets the listeners of the five documents' commands and allows http://localhost:3000; `listen`
// of the same or a later source replaces those listeners.
// key and key_file replace each other when sources differ, and are refused when one source has both. key_file is read
// here, once.
[[nodiscard]] Result<Config> load_config(Flags const& flags, Environment const& environment);

// What verifies and mints the tokens of a server with this configuration; `own_secret` is that of its data folder.
[[nodiscard]] Keys to_keys(Config const& config, std::string own_secret);

// Where data is kept when only `flag` (empty: not given) and the environment are asked: for commands that look for
// a running server. Code::configuration when neither says it and there is no home.
[[nodiscard]] Result<std::string> find_data_folder(std::string const& flag, Environment const& environment);

// The update of a tool that the configuration does not name: quote_ready, label_created, or none.
[[nodiscard]] std::string_view default_update(std::string_view tool);

}  // namespace sojourn
