#include "app/keys.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "api/token.h"
#include "app/address.h"
#include "app/nearest.h"
#include "app/value.h"
#include "base/scrypt.h"

namespace sojourn {
namespace {

// A name with a star is for any table in there.
constexpr std::array<std::string_view, 10> sections{"limits", "log",       "users",   "sessions", "browser",
                                                    "video",  "responder", "monitor", "tools",    "tools.*"};
constexpr std::size_t debug_key_bytes_max = 256;
constexpr std::array<std::string_view, 2> stores{"sqlite", "memory"};
constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
constexpr double idle_minutes_min = 0.01;  // for trials; in earnest it is minutes
constexpr double idle_minutes_max = 1440;

Result<> set_listen(Draft& draft, Setting const& setting) {
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
  draft.config.listen = std::move(addresses);
  return {};
}

Result<> set_allow_origins(Draft& draft, Setting const& setting) {
  auto const list = to_list(setting, "a list of origins such as [\"http://localhost:3000\"]");
  if (!list) return list.error();
  std::vector<std::string> origins;
  for (auto const& text : *list) {
    auto origin = parse_origin(text);
    if (!origin) return at(setting, origin.error().message);
    origins.push_back(std::move(*origin));
  }
  draft.config.allow_origins = std::move(origins);
  return {};
}

Result<> set_documented_ports(Draft& draft, Setting const& setting) {
  auto const truth = to_truth(setting);
  if (!truth) return truth.error();
  auto& config = draft.config;
  std::vector<ListenAddress> const documented = {
      {"localhost", 5409, "extension"}, {"localhost", 8000, "sessions"}, {"localhost", 5001, "monitor"}};
  if (*truth) {
    config.listen = documented;
  } else if (config.documented_ports && config.listen == documented) {
    config.listen = Config{}.listen;
  }
  config.documented_ports = *truth;
  return {};
}

Result<> set_data(Draft& draft, Setting const& setting) {
  auto const text = to_word(setting);
  if (!text) return text.error();
  if (text->empty()) return at(setting, "data names no folder; leave it out for the default");
  if (text->find('\0') != std::string::npos) return at(setting, "data is no folder name: it has a zero byte");
  draft.config.data = *text;
  return {};
}

Result<> set_store(Draft& draft, Setting const& setting) {
  auto const word = to_word(setting);
  if (!word) return word.error();
  if (std::find(stores.begin(), stores.end(), *word) == stores.end())
    return at(setting, "\"" + *word + "\" is no store; " + suggest(*word, stores));
  draft.config.store = *word;
  return {};
}

Result<> set_log_level(Draft& draft, Setting const& setting) {
  auto const word = to_word(setting);
  if (!word) return word.error();
  auto const level = to_level(*word);
  if (!level) return at(setting, "\"" + *word + "\" is no log level; " + suggest(*word, levels));
  draft.config.log_level = *level;
  return {};
}

Result<> set_key(Draft& draft, Setting const& setting) {
  auto const secret = to_word(setting);
  if (!secret) return secret.error();
  if (auto const checked = check_secret(*secret); !checked) return at(setting, checked.error().message);
  draft.config.key = *secret;
  draft.config.key_file.clear();
  return {};
}

Result<> set_key_file(Draft& draft, Setting const& setting) {
  auto const path = to_word(setting);
  if (!path) return path.error();
  if (path->empty()) return at(setting, "key_file names no file; leave it out to do without a key");
  if (path->find('\0') != std::string::npos) return at(setting, "key_file is no file name: it has a zero byte");
  draft.config.key_file = *path;
  draft.config.key.clear();
  draft.key_file_where = setting.where;
  return {};
}

Result<> set_idle_minutes(Draft& draft, Setting const& setting) {
  constexpr std::string_view wants = "a number of minutes from 0.01 to 1440";
  auto const minutes = to_number(setting);
  if (!minutes) {
    auto const* const untyped = std::get_if<Untyped>(&setting.value);
    if (untyped == nullptr) return wrong_type(setting, wants);
    return at(setting, setting.key + " must be " + std::string(wants) + ", not \"" + untyped->text + "\"");
  }
  // Not the other way round: a NaN is not in between.
  if (!(*minutes >= idle_minutes_min && *minutes <= idle_minutes_max)) {
    return at(setting, setting.key + " must be " + std::string(wants));
  }
  draft.config.idle_ms = std::llround(*minutes * 60'000);
  return {};
}

bool is_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7F || c == '#'; })) return false;
  auto const host = text.find("://") + 3;
  return parse_origin(text.substr(0, text.find_first_of("/?", host))).has_value();
}

Result<> set_responder_url(Draft& draft, Setting const& setting) {
  auto const text = to_word(setting);
  if (!text) return text.error();
  if (!text->empty() && !is_url(*text)) {  // which may hold a password: it is not repeated
    return at(setting,
              setting.key + " is no address of a responder; write http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH");
  }
  draft.config.responder.url = *text;
  return {};
}

Result<> set_responder_model(Draft& draft, Setting const& setting) {
  auto const name = to_word(setting);
  if (!name) return name.error();
  if (!name->empty() && !is_user_name(*name)) return at(setting, setting.key + " is no name of a model");
  draft.config.responder.model = *name;
  return {};
}

// A file or a folder; empty = where it usually is.
Result<> set_path(Setting const& setting, std::string& path) {
  auto const text = to_word(setting);
  if (!text) return text.error();
  if (text->find('\0') != std::string::npos) return at(setting, setting.key + " is no file name: it has a zero byte");
  path = *text;
  return {};
}

Result<> set_executable(Draft& draft, Setting const& setting) {
  return set_path(setting, draft.config.browser.executable);
}

Result<> set_client_files(Draft& draft, Setting const& setting) {
  return set_path(setting, draft.config.monitor.client_files);
}

Result<> set_debug_key(Draft& draft, Setting const& setting) {
  auto const secret = to_word(setting);
  if (!secret) return secret.error();
  bool const is_plain = std::all_of(secret->begin(), secret->end(), [](char c) { return c >= ' ' && c < 0x7F; });
  if (!is_plain || secret->size() > debug_key_bytes_max) {  // it is not repeated
    return at(setting, "debug_key is of no use; it has at most 256 characters of ASCII without controls");
  }
  draft.config.debug_key = *secret;
  return {};
}

struct Key {
  std::string_view name;
  Result<> (*set)(Draft&, Setting const&);
};

// documented_ports stands before listen, so that listen of the same source wins; key_file stands before key, so that
// "keyfile" is taken for a slip of the former.
constexpr std::array keys{
    Key{"documented_ports", set_documented_ports},
    Key{"listen", set_listen},
    Key{"data", set_data},
    Key{"store", set_store},
    Key{"allow_origins", set_allow_origins},
    Key{"key_file", set_key_file},
    Key{"key", set_key},
    Key{"debug_key", set_debug_key},
    Key{"sessions.idle_minutes", set_idle_minutes},
    Key{"responder.url", set_responder_url},
    Key{"responder.model", set_responder_model},
    Key{"browser.executable", set_executable},
    Key{"monitor.client_files", set_client_files},
    Key{"log.level", set_log_level},
};

// Keys that are whole numbers and nothing else.
struct NumberKey {
  std::string_view name;
  std::int64_t least;
  std::int64_t most;
  std::int64_t& (*find)(Config&);
};

constexpr std::array number_keys{
    NumberKey{"sessions.per_user", 0, 100'000, [](Config& c) -> std::int64_t& { return c.sessions_per_user; }},
    NumberKey{"responder.timeout_s", 1, 3600, [](Config& c) -> std::int64_t& { return c.responder.timeout_s; }},
    NumberKey{"monitor.warn_after_s", 1, 604'800, [](Config& c) -> std::int64_t& { return c.monitor.warn_after_s; }},
    NumberKey{"monitor.drop_after_s", 1, 604'800, [](Config& c) -> std::int64_t& { return c.monitor.drop_after_s; }},
    NumberKey{"monitor.sweep_s", 1, 3600, [](Config& c) -> std::int64_t& { return c.monitor.sweep_s; }},
    NumberKey{"browser.max_contexts", 0, 10'000, [](Config& c) -> std::int64_t& { return c.browser.max_contexts; }},
    NumberKey{"browser.warm", 0, 8, [](Config& c) -> std::int64_t& { return c.browser.warm; }},
    NumberKey{"browser.idle_s", 1, 3600, [](Config& c) -> std::int64_t& { return c.browser.idle_s; }},
    NumberKey{"browser.life_s", 0, 2'592'000, [](Config& c) -> std::int64_t& { return c.browser.life_s; }},
    NumberKey{"browser.keep_s", 0, 86'400, [](Config& c) -> std::int64_t& { return c.browser.keep_s; }},
    NumberKey{"browser.queue_max", 0, 100'000, [](Config& c) -> std::int64_t& { return c.browser.queue_max; }},
    NumberKey{"browser.wait_s", 0, 3600, [](Config& c) -> std::int64_t& { return c.browser.wait_s; }},
    NumberKey{"video.retention_s", 0, 604'800, [](Config& c) -> std::int64_t& { return c.video_retention_s; }},
};

// Keys that are true or false.
struct TruthKey {
  std::string_view name;
  bool& (*find)(Config&);
};

constexpr std::array truth_keys{
    TruthKey{"compression", [](Config& c) -> bool& { return c.compression; }},
    TruthKey{"sessions.test_token", [](Config& c) -> bool& { return c.test_token; }},
    TruthKey{"monitor.eio3", [](Config& c) -> bool& { return c.monitor.eio3; }},
    TruthKey{"monitor.debug", [](Config& c) -> bool& { return c.monitor.debug; }},
    TruthKey{"browser.recover", [](Config& c) -> bool& { return c.browser.recover; }},
};

Result<> set_truth(Draft& draft, Setting const& setting, TruthKey const& key) {
  auto const truth = to_truth(setting);
  if (!truth) return truth.error();
  key.find(draft.config) = *truth;
  return {};
}

Result<> set_number(Draft& draft, Setting const& setting, NumberKey const& key) {
  auto const number = to_whole(setting, key.least, key.most);
  if (!number) return number.error();
  key.find(draft.config) = *number;
  return {};
}

Result<> set_limit(Draft& draft, Setting const& setting, LimitRow const& limit) {
  auto const number = to_whole(setting, limit.least, limit.most);
  if (!number) return number.error();
  draft.config.limits.*limit.member = *number;
  return {};
}

// What a refusal may show of a name that is to be checked still.
Error no_name(Setting const& setting, std::string_view of_what) {
  return at(setting, "the name of " + std::string(of_what) + " has 1 to " + std::to_string(user_bytes_max) +
                         " bytes of UTF-8 without control characters");
}

Result<> set_user(Draft& draft, Setting const& setting, std::string_view name) {
  if (!is_user_name(name)) return no_name(setting, "a user");
  auto const line = to_word(setting);
  if (!line) return line.error();
  if (!is_password_hash(*line)) {  // which may be the password itself: it is not repeated
    return at(setting, setting.key + " is no password hash (scrypt$...); make one with: sojourn token --hash-password");
  }
  draft.config.users[std::string(name)] = *line;
  return {};
}

Result<> set_tool(Draft& draft, Setting const& setting, std::string_view name, std::string_view member) {
  if (!is_user_name(name)) return no_name(setting, "a tool");
  auto const text = to_word(setting);
  if (!text) return text.error();
  if (member == "url" && !is_url(*text)) {  // which may hold a password: it is not repeated
    return at(setting,
              setting.key + " is no address of a tool; write http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH");
  }
  if (member == "update" && !text->empty() && !is_user_name(*text)) return no_name(setting, "an update");
  auto const [tool, is_new] = draft.config.tools.try_emplace(std::string(name));
  if (is_new) tool->second.update = default_update(name);
  (member == "url" ? tool->second.url : tool->second.update) = *text;
  return {};
}

// [tools.NAME] url; names may have dots.
Result<> set_tool(Draft& draft, Setting const& setting) {
  std::string_view const key = setting.key;
  auto const name_from = key.find('.') + 1;
  auto const dot = key.rfind('.');
  if (dot < name_from) return wrong_type(setting, "a table, written [" + setting.key + "]");
  auto const member = key.substr(dot + 1);
  if (member == "url" || member == "update") {
    return set_tool(draft, setting, key.substr(name_from, dot - name_from), member);
  }
  auto const stem = std::string(key.substr(0, dot + 1));
  std::array<std::string, 2> const names{stem + "url", stem + "update"};
  std::array<std::string_view, 2> const choices{names[0], names[1]};
  return at(setting, "unknown key \"" + setting.key + "\"; " + suggest(key, choices));
}

Error unknown_key(Setting const& setting) {
  auto const names = list_keys();
  auto const dot = setting.key.find('.');
  auto const prefix = dot == std::string::npos ? std::string_view() : std::string_view(setting.key).substr(0, dot + 1);
  std::vector<std::string_view> choices;
  for (std::string_view const name : names) {
    if (!prefix.empty() ? name.starts_with(prefix) : name.find('.') == std::string_view::npos) choices.push_back(name);
  }
  if (prefix.empty()) {
    std::copy_if(sections.begin(), sections.end(), std::back_inserter(choices),
                 [](std::string_view section) { return !section.ends_with('*'); });
  }
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

}  // namespace

std::span<std::string_view const> list_sections() { return sections; }

std::vector<std::string> list_keys() {
  std::vector<std::string> names;
  for (auto const& key : keys) names.emplace_back(key.name);
  for (auto const& key : number_keys) names.emplace_back(key.name);
  for (auto const& key : truth_keys) names.emplace_back(key.name);
  for (auto const& limit : limit_table) names.push_back("limits." + std::string(limit.name));
  return names;
}

Result<> set(Draft& draft, Setting const& setting) {
  for (auto const& key : keys) {
    if (setting.key == key.name) return key.set(draft, setting);
  }
  for (auto const& key : number_keys) {
    if (setting.key == key.name) return set_number(draft, setting, key);
  }
  for (auto const& key : truth_keys) {
    if (setting.key == key.name) return set_truth(draft, setting, key);
  }
  std::string_view const name = setting.key;
  for (auto const& limit : limit_table) {
    if (name.starts_with("limits.") && name.substr(7) == limit.name) return set_limit(draft, setting, limit);
  }
  if (name.starts_with("users.")) return set_user(draft, setting, name.substr(6));
  if (name.starts_with("tools.")) return set_tool(draft, setting);
  for (auto const section : sections) {
    if (name == section) return wrong_type(setting, "a table, written [" + std::string(section) + "]");
  }
  return unknown_key(setting);
}

}  // namespace sojourn
