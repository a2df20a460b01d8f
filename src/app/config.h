#pragma once
// What the server was told: defaults, overridden by a TOML file, by the environment, by flags, in this order.
// Every key has the same meaning and the same checks wherever it is written; a later source replaces a value whole.
// Invariant: a Config that load_config gives is within all bounds and listens on loopback only.
// Thread: any; a value.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/address.h"
#include "app/setting.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/result.h"

namespace sojourn {

struct Config {
  std::vector<ListenAddress> listen = {{"localhost", 5409, "extension"}};
  std::string data;                        // folder; need not exist
  std::vector<std::string> allow_origins;  // as browsers send them
  bool documented_ports = false;
  Limits limits;
  Level log_level = Level::info;
};

// What the command line says of the configuration. Empty means not given.
struct Flags {
  std::string config;  // path of a TOML file
  std::string data;
  std::vector<std::string> listen;
  std::vector<std::string> allow_origins;
  bool documented_ports = false;
  std::string log_level;
  std::vector<std::pair<std::string, std::string>> limits;  // NAME of limit_table, value
};

// All sources together. Code::configuration naming the source, its line, and what would be valid.
// documented_ports sets the listeners of the five documents' commands and allows http://localhost:3000; `listen`
// of the same or a later source replaces those listeners.
[[nodiscard]] Result<Config> load_config(Flags const& flags, Environment const& environment);

// Where data is kept when only `flag` (empty: not given) and the environment are asked: for commands that look for
// a running server. Code::configuration when neither says it and there is no home.
[[nodiscard]] Result<std::string> find_data_folder(std::string const& flag, Environment const& environment);

}  // namespace sojourn
