#include "app/config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "app/file.h"
#include "app/keys.h"

namespace sojourn {
namespace {

constexpr std::size_t key_file_bytes_max = 64UL * 1024;
constexpr std::string_view documented_origin = "http://localhost:3000";

// Which of the two is meant is clear only when one stands in a source that wins over the other's.
Result<> refuse_two_keys(std::vector<Setting> const& settings) {
  auto const is_key = [](Setting const& s) { return s.key == "key" || s.key == "key_file"; };
  if (std::count_if(settings.begin(), settings.end(), is_key) < 2) return {};
  auto const last = std::find_if(settings.rbegin(), settings.rend(), is_key);
  return error(Code::configuration, last->where + ": key and key_file exclude each other; keep one of them");
}

// The settings of one source.
Result<> set_all(Draft& draft, std::vector<Setting> settings) {
  if (auto const single = refuse_two_keys(settings); !single) return single;
  std::stable_partition(settings.begin(), settings.end(), [](auto const& s) { return s.key == "documented_ports"; });
  for (auto const& setting : settings) {
    if (auto const done = set(draft, setting); !done) return done;
  }
  return {};
}

std::vector<Setting> take_settings(Flags const& flags) {
  std::vector<Setting> settings;
  if (flags.documented_ports) settings.push_back({"documented_ports", true, "--documented-ports"});
  if (!flags.listen.empty()) settings.push_back({"listen", flags.listen, "--listen"});
  if (!flags.data.empty()) settings.push_back({"data", flags.data, "--data"});
  if (!flags.store.empty()) settings.push_back({"store", flags.store, "--store"});
  if (!flags.allow_origins.empty()) settings.push_back({"allow_origins", flags.allow_origins, "--allow-origin"});
  if (!flags.key_file.empty()) settings.push_back({"key_file", flags.key_file, "--key-file"});
  if (!flags.log_level.empty()) settings.push_back({"log.level", flags.log_level, "--log-level"});
  for (auto const& [name, text] : flags.limits) {
    settings.push_back({"limits." + name, Untyped{text}, "--limits." + name});
  }
  for (auto const& [key, text] : flags.settings) settings.push_back({key, Untyped{text}, "--" + key});
  return settings;
}

std::string_view get(Environment const& environment, std::string_view name) {
  auto const found = environment.find(name);
  return found == environment.end() ? std::string_view() : std::string_view(found->second);
}

// ~ is the shell's word for home, but nobody expands it in a file.
std::string expand_home(std::string path, Environment const& environment) {
  auto const home = get(environment, "HOME");
  bool const tilde = path == "~" || path.starts_with("~/");
  return tilde && !home.empty() ? std::string(home) + path.substr(1) : path;
}

// Reads what key_file names.
Result<> take_public_key(Draft& draft, Environment const& environment) {
  auto& config = draft.config;
  if (config.key_file.empty()) return {};
  config.key_file = expand_home(config.key_file, environment);
  auto const text = read_file(config.key_file, key_file_bytes_max);
  if (!text) return error(Code::configuration, draft.key_file_where + ": key_file " + text.error().message);
  auto key = PublicKey::read(*text);
  if (!key) {
    return error(Code::configuration,
                 draft.key_file_where + ": key_file " + config.key_file + " is of no use: " + key.error().message);
  }
  config.public_key = std::move(*key);
  return {};
}

}  // namespace

Result<std::string> find_data_folder(std::string const& flag, Environment const& environment) {
  if (!flag.empty()) return expand_home(flag, environment);
  if (auto const named = get(environment, "SOJOURN_DATA"); !named.empty()) {
    return expand_home(std::string(named), environment);
  }
  // The XDG specification ignores relative paths.
  if (auto const xdg = get(environment, "XDG_DATA_HOME"); xdg.starts_with('/')) return std::string(xdg) + "/sojourn";
  if (auto const home = get(environment, "HOME"); !home.empty()) return std::string(home) + "/.local/share/sojourn";
  return error(Code::configuration, "there is no place for data: HOME is not set; name a folder with --data");
}

Result<Config> load_config(Flags const& flags, Environment const& environment) {
  Draft draft;
  if (!flags.config.empty()) {
    auto settings = read_settings(flags.config, list_sections());
    if (!settings) return settings.error();
    if (auto const done = set_all(draft, std::move(*settings)); !done) return done.error();
  }
  auto const names = list_keys();
  std::vector<std::string_view> const views(names.begin(), names.end());
  if (auto const done = set_all(draft, take_settings(environment, views)); !done) return done.error();
  if (auto const done = set_all(draft, take_settings(flags)); !done) return done.error();
  if (auto const done = take_public_key(draft, environment); !done) return done.error();

  auto& config = draft.config;
  config.browser.executable = expand_home(std::move(config.browser.executable), environment);
  config.monitor.client_files = expand_home(std::move(config.monitor.client_files), environment);
  auto folder = find_data_folder(config.data, environment);
  if (!folder) return folder.error();
  config.data = std::move(*folder);
  auto& origins = config.allow_origins;
  if (config.documented_ports && std::find(origins.begin(), origins.end(), documented_origin) == origins.end()) {
    origins.emplace_back(documented_origin);
  }
  return std::move(config);
}

Keys to_keys(Config const& config, std::string own_secret) {
  if (config.public_key) return Keys(std::move(own_secret), *config.public_key);
  if (!config.key.empty()) return Keys(std::move(own_secret), config.key);
  return Keys(std::move(own_secret));
}

std::string_view default_update(std::string_view tool) {
  if (tool == "get_shipping_quotes") return "quote_ready";
  return tool == "create_label" ? "label_created" : "";
}

}  // namespace sojourn
