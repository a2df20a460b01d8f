#include "app/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string_view>

#include "app/nearest.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 2> sections{"limits", "log"};
constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
constexpr std::string_view documented_origin = "http://localhost:3000";

Error at(Setting const& setting, std::string_view what) {
  return error(Code::configuration, setting.where + ": " + std::string(what));
}

Error wrong_type(Setting const& setting, std::string_view wants) {
  constexpr std::array<std::string_view, 5> names{"this", "text", "a number", "true or false", "a list"};
  auto const* const foreign = std::get_if<Foreign>(&setting.value);
  std::string const got = foreign != nullptr ? foreign->what : std::string(names[setting.value.index()]);
  return at(setting, setting.key + " must be " + std::string(wants) + ", not " + got);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    auto const start = text.find_first_not_of(", \t");
    if (start == std::string_view::npos) return items;
    auto const end = std::min(text.find_first_of(", \t", start), text.size());
    items.emplace_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
}

Result<std::vector<std::string>> to_list(Setting const& setting, std::string_view wants) {
  if (auto const* const untyped = std::get_if<Untyped>(&setting.value)) return split_list(untyped->text);
  if (auto const* const list = std::get_if<std::vector<std::string>>(&setting.value)) return *list;
  return wrong_type(setting, wants);
}

Result<std::string> to_word(Setting const& setting) {
  if (auto const* const untyped = std::get_if<Untyped>(&setting.value)) return untyped->text;
  if (auto const* const text = std::get_if<std::string>(&setting.value)) return *text;
  return wrong_type(setting, "text in quotes");
}

Result<> set_listen(Config& config, Setting const& setting) {
  auto const list = to_list(setting, "a list of addresses such as [\"127.0.0.1:5409\"]");
  if (!list) return list.error();
  if (list->empty()) return at(setting, "listen names no address; name one such as \"localhost:5409\"");
  std::vector<ListenAddress> addresses;
  for (auto const& text : *list) {
    auto address = parse_listen(text);
    if (!address) return at(setting, address.error().message);
    auto const same = [&](auto const& a) { return a.host == address->host && a.port == address->port; };
    if (address->port != 0 && std::any_of(addresses.begin(), addresses.end(), same)) {
      return at(setting, to_text(*address) + " is listed twice; keep one");
    }
    addresses.push_back(std::move(*address));
  }
  config.listen = std::move(addresses);
  return {};
}

Result<> set_allow_origins(Config& config, Setting const& setting) {
  auto const list = to_list(setting, "a list of origins such as [\"http://localhost:3000\"]");
  if (!list) return list.error();
  std::vector<std::string> origins;
  for (auto const& text : *list) {
    auto origin = parse_origin(text);
    if (!origin) return at(setting, origin.error().message);
    origins.push_back(std::move(*origin));
  }
  config.allow_origins = std::move(origins);
  return {};
}

Result<> set_documented_ports(Config& config, Setting const& setting) {
  bool truth = false;
  if (auto const* const flag = std::get_if<bool>(&setting.value)) {
    truth = *flag;
  } else {
    auto const* const untyped = std::get_if<Untyped>(&setting.value);
    if (untyped == nullptr) return wrong_type(setting, "true or false");
    truth = untyped->text == "true" || untyped->text == "1";
    if (!truth && untyped->text != "false" && untyped->text != "0") {
      return at(setting, "documented_ports must be true or false, not \"" + untyped->text + "\"");
    }
  }
  std::vector<ListenAddress> const documented = {
      {"localhost", 5409, "extension"}, {"localhost", 8000, "sessions"}, {"localhost", 5001, "monitor"}};
  if (truth) {
    config.listen = documented;
  } else if (config.documented_ports && config.listen == documented) {
    config.listen = Config{}.listen;
  }
  config.documented_ports = truth;
  return {};
}

Result<> set_data(Config& config, Setting const& setting) {
  auto const text = to_word(setting);
  if (!text) return text.error();
  if (text->empty()) return at(setting, "data names no folder; leave it out for the default");
  if (text->find('\0') != std::string::npos) return at(setting, "data is no folder name: it has a zero byte");
  config.data = *text;
  return {};
}

Result<> set_log_level(Config& config, Setting const& setting) {
  auto const word = to_word(setting);
  if (!word) return word.error();
  auto const level = to_level(*word);
  if (!level) return at(setting, "\"" + *word + "\" is no log level; " + suggest(*word, levels));
  config.log_level = *level;
  return {};
}

struct Key {
  std::string_view name;
  Result<> (*set)(Config&, Setting const&);
};

// documented_ports stands before listen, so that listen of the same source wins.
constexpr std::array keys{
    Key{"documented_ports", set_documented_ports}, Key{"listen", set_listen},       Key{"data", set_data},
    Key{"allow_origins", set_allow_origins},       Key{"log.level", set_log_level},
};

Result<> set_limit(Config& config, Setting const& setting, LimitRow const& limit) {
  std::string const bounds = std::to_string(limit.least) + " to " + std::to_string(limit.most);
  std::int64_t number = 0;
  if (auto const* const typed = std::get_if<std::int64_t>(&setting.value)) {
    number = *typed;
  } else {
    auto const* const untyped = std::get_if<Untyped>(&setting.value);
    if (untyped == nullptr) return wrong_type(setting, "a whole number from " + bounds);
    auto const* const end = untyped->text.data() + untyped->text.size();
    auto const [stop, ec] = std::from_chars(untyped->text.data(), end, number);
    if (ec != std::errc() || stop != end) {
      return at(setting, setting.key + " must be a whole number from " + bounds + ", not \"" + untyped->text + "\"");
    }
  }
  if (number < limit.least || number > limit.most) {
    return at(setting, setting.key + " is " + std::to_string(number) + " but must be from " + bounds);
  }
  config.limits.*limit.member = number;
  return {};
}

// Every full name, "limits.header_ms" too.
std::vector<std::string> list_keys() {
  std::vector<std::string> names;
  for (auto const& key : keys) names.emplace_back(key.name);
  for (auto const& limit : limit_table) names.push_back("limits." + std::string(limit.name));
  return names;
}

Error unknown_key(Setting const& setting) {
  auto const names = list_keys();
  auto const dot = setting.key.find('.');
  auto const prefix = dot == std::string::npos ? std::string_view() : std::string_view(setting.key).substr(0, dot + 1);
  std::vector<std::string_view> choices;
  for (std::string_view const name : names) {
    if (!prefix.empty() ? name.starts_with(prefix) : name.find('.') == std::string_view::npos) choices.push_back(name);
  }
  if (prefix.empty()) choices.insert(choices.end(), sections.begin(), sections.end());
  if (choices.empty()) choices.assign(names.begin(), names.end());
  // A limit that was written outside of its table.
  std::vector<std::string_view> leaves;
  for (auto const& limit : limit_table) leaves.push_back(limit.name);
  std::string hint = suggest(setting.key, choices);
  if (prefix.empty() && nearest(setting.key, choices).empty()) {
    auto const leaf = nearest(setting.key, leaves);
    if (!leaf.empty()) hint = "did you mean \"" + std::string(leaf) + "\" in [limits]?";
  }
  return at(setting, "unknown key \"" + setting.key + "\"; " + hint);
}

Result<> set(Config& config, Setting const& setting) {
  for (auto const& key : keys) {
    if (setting.key == key.name) return key.set(config, setting);
  }
  std::string_view const name = setting.key;
  for (auto const& limit : limit_table) {
    if (name.starts_with("limits.") && name.substr(7) == limit.name) return set_limit(config, setting, limit);
  }
  for (auto const section : sections) {
    if (name == section) return wrong_type(setting, "a table, written [" + std::string(section) + "]");
  }
  return unknown_key(setting);
}

Result<> set_all(Config& config, std::vector<Setting> settings) {
  std::stable_partition(settings.begin(), settings.end(), [](auto const& s) { return s.key == "documented_ports"; });
  for (auto const& setting : settings) {
    if (auto const done = set(config, setting); !done) return done;
  }
  return {};
}

std::vector<Setting> take_settings(Flags const& flags) {
  std::vector<Setting> settings;
  if (flags.documented_ports) settings.push_back({"documented_ports", true, "--documented-ports"});
  if (!flags.listen.empty()) settings.push_back({"listen", flags.listen, "--listen"});
  if (!flags.data.empty()) settings.push_back({"data", flags.data, "--data"});
  if (!flags.allow_origins.empty()) settings.push_back({"allow_origins", flags.allow_origins, "--allow-origin"});
  if (!flags.log_level.empty()) settings.push_back({"log.level", flags.log_level, "--log-level"});
  for (auto const& [name, text] : flags.limits) {
    settings.push_back({"limits." + name, Untyped{text}, "--limits." + name});
  }
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
  Config config;
  if (!flags.config.empty()) {
    auto settings = read_settings(flags.config, sections);
    if (!settings) return settings.error();
    if (auto const done = set_all(config, std::move(*settings)); !done) return done.error();
  }
  auto const names = list_keys();
  std::vector<std::string_view> const views(names.begin(), names.end());
  if (auto const done = set_all(config, take_settings(environment, views)); !done) return done.error();
  if (auto const done = set_all(config, take_settings(flags)); !done) return done.error();

  auto folder = find_data_folder(config.data, environment);
  if (!folder) return folder.error();
  config.data = std::move(*folder);
  auto& origins = config.allow_origins;
  if (config.documented_ports && std::find(origins.begin(), origins.end(), documented_origin) == origins.end()) {
    origins.emplace_back(documented_origin);
  }
  return config;
}

}  // namespace sojourn
