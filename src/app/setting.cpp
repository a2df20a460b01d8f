#include "app/setting.h"

#include <unistd.h>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "app/file.h"

namespace sojourn {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;

std::string describe(toml::node const& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list that holds more than text";
    default:
      return "a date or time";
  }
}

std::optional<std::vector<std::string>> to_texts(toml::array const& list) {
  std::vector<std::string> texts;
  for (auto const& item : list) {
    auto const* const text = item.as_string();
    if (text == nullptr) return std::nullopt;
    texts.push_back(text->get());
  }
  return texts;
}

decltype(Setting::value) to_value(toml::node const& node) {
  if (auto const* const text = node.as_string()) return text->get();
  if (auto const* const number = node.as_integer()) return number->get();
  if (auto const* const fraction = node.as_floating_point()) return fraction->get();
  if (auto const* const truth = node.as_boolean()) return truth->get();
  if (auto const* const list = node.as_array()) {
    if (auto texts = to_texts(*list)) return std::move(*texts);
  }
  return Foreign{describe(node)};
}

struct Found {
  toml::source_position at;
  Setting setting;
};

struct Walk {
  std::string_view file;
  std::span<std::string_view const> sections;
  std::vector<Found> found;

  bool is_section(std::string const& name) const {
    return std::find(sections.begin(), sections.end(), name) != sections.end();
  }

  // `prefix` is empty or ends with a dot.
  void take(toml::table const& table, std::string const& prefix) {
    for (auto const& [key, node] : table) {
      std::string full = prefix + std::string(key.str());
      bool const is_known = prefix.empty() ? is_section(full) : is_section(prefix + "*");
      if (auto const* const inner = node.as_table(); is_known && inner != nullptr) {
        take(*inner, full + ".");
        continue;
      }
      auto const at = key.source().begin;
      std::string where = std::string(file) + ":" + std::to_string(at.line);
      found.push_back({at, Setting{std::move(full), to_value(node), std::move(where)}});
    }
  }
};

}  // namespace

std::string find_variable(Environment const& environment, std::string_view name) {
  auto const variable = environment.find(name);
  return variable == environment.end() ? std::string() : variable->second;
}

Environment read_environment() {
  Environment variables;
  for (char const* const* entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view const text = *entry;
    auto const equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Result<std::vector<Setting>> parse_settings(std::string_view text, std::string_view name,
                                            std::span<std::string_view const> sections) {
  auto const parsed = toml::parse(text, name);
  if (!parsed) {
    auto const at = parsed.error().source().begin;
    return error(Code::configuration, std::string(name) + ":" + std::to_string(at.line) + ":" +
                                          std::to_string(at.column) + ": " + std::string(parsed.error().description()));
  }
  Walk walk{name, sections, {}};
  walk.take(parsed.table(), "");
  std::stable_sort(walk.found.begin(), walk.found.end(), [](auto const& a, auto const& b) { return a.at < b.at; });
  std::vector<Setting> settings;
  for (auto& found : walk.found) settings.push_back(std::move(found.setting));
  return settings;
}

Result<std::vector<Setting>> read_settings(std::string const& path, std::span<std::string_view const> sections) {
  auto const text = read_file(path, file_bytes_max);
  if (!text) return error(Code::configuration, text.error().message + "; check --config");
  return parse_settings(*text, path, sections);
}

std::string to_variable(std::string_view key) {
  std::string name = "SOJOURN_";
  for (char const c : key) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

std::vector<Setting> take_settings(Environment const& environment, std::span<std::string_view const> keys) {
  std::vector<Setting> settings;
  std::vector<std::string> known;
  for (auto const key : keys) {
    auto const found = environment.find(known.emplace_back(to_variable(key)));
    if (found == environment.end() || found->second.empty()) continue;
    settings.push_back({std::string(key), Untyped{found->second}, found->first});
  }
  for (auto const& [name, text] : environment) {
    if (!name.starts_with("SOJOURN_") || name.find("__") == std::string::npos || text.empty()) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string key;
    for (std::size_t i = std::strlen("SOJOURN_"); i < name.size(); ++i) {
      bool const dot = name.compare(i, 2, "__") == 0;
      key += dot ? '.' : name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
      if (dot) ++i;
    }
    settings.push_back({std::move(key), Untyped{text}, name});
  }
  return settings;
}

}  // namespace sojourn
