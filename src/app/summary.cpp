#include "app/summary.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "app/table.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
constexpr std::size_t name_columns = 14;

std::string_view to_level_word(Config const& config) { return levels[static_cast<std::size_t>(config.log_level)]; }

// Without what may be a password: user information, and a query.
std::string to_public_url(std::string_view url) {
  auto const query = url.find('?');
  std::string text(url.substr(0, query));
  auto const scheme_end = text.find("://");
  auto const host = scheme_end == std::string::npos ? 0 : scheme_end + 3;
  auto const at = text.substr(0, text.find('/', host)).rfind('@');
  if (at != std::string::npos && at >= host) text.erase(host, at + 1 - host);
  return query == std::string_view::npos ? text : text + "?...";
}

json::value to_minutes(std::int64_t ms) {
  if (ms % 60'000 == 0) return ms / 60'000;
  return static_cast<double>(ms) / 60'000;
}

std::string describe_key(Config const& config) {
  if (!config.key_file.empty()) return "public key of " + config.key_file + ": nobody is let in without a token";
  return config.key.empty() ? "none" : "configured: nobody is let in without a token";
}

void add_line(std::string& text, std::string_view name, std::string_view value) {
  text += name;
  text.append(name.size() < name_columns ? name_columns - name.size() : 1, ' ');
  text += visible(value) + "\n";
}

std::string describe_browsers(BrowserConfig const& browser) {
  std::string text = browser.executable.empty() ? "the Chromium of this machine" : browser.executable;
  text += browser.max_contexts == 0 ? ", as many sessions as memory allows"
                                    : ", " + std::to_string(browser.max_contexts) + " sessions at most";
  return text + ", each ends after " + std::to_string(browser.idle_s) + " s without a call";
}

std::string describe_retention(std::int64_t seconds) {
  return seconds == 0 ? "handed over by close only" : "kept for " + std::to_string(seconds) + " s after the session";
}

std::string describe_monitor(MonitorConfig const& monitor) {
  return "asks sockets after " + std::to_string(monitor.warn_after_s) + " s of silence, drops them after " +
         std::to_string(monitor.drop_after_s) + " s" + (monitor.debug ? "" : ", /debug is off");
}

json::object to_json(MonitorConfig const& monitor) {
  return {{"warn_after_s", monitor.warn_after_s},
          {"drop_after_s", monitor.drop_after_s},
          {"sweep_s", monitor.sweep_s},
          {"eio3", monitor.eio3},
          {"debug", monitor.debug},
          {"client_files", monitor.client_files}};
}

json::object to_json(BrowserConfig const& browser) {
  return {{"executable", browser.executable},
          {"max_contexts", browser.max_contexts},
          {"warm", browser.warm},
          {"idle_s", browser.idle_s},
          {"life_s", browser.life_s},
          {"keep_s", browser.keep_s},
          {"queue_max", browser.queue_max},
          {"wait_s", browser.wait_s},
          {"recover", browser.recover}};
}

}  // namespace

std::string describe_config(Config const& config) {
  std::string text = "The configuration is valid.\n";
  for (auto const& address : config.listen) add_line(text, "listen", to_text(address) + " (" + address.dialect + ")");
  add_line(text, "data", config.data);
  add_line(text, "store", config.store);
  for (auto const& origin : config.allow_origins) add_line(text, "allow origin", origin);
  add_line(text, "key", describe_key(config));
  for (auto const& [name, line] : config.users) add_line(text, "user", name);
  if (config.compression) add_line(text, "compression", "of WebSockets whose clients offer it");
  add_line(text, "idle minutes", json::to_text(to_minutes(config.idle_ms)));
  if (config.sessions_per_user > 0) add_line(text, "per user", std::to_string(config.sessions_per_user) + " sessions");
  if (config.test_token) add_line(text, "test token", "given to everybody who asks");
  for (auto const& [name, tool] : config.tools) {
    auto const place = tool.url.empty() ? std::string("no endpoint") : to_public_url(tool.url);
    add_line(text, "tool", name + ": " + place + (tool.update.empty() ? "" : ", update " + tool.update));
  }
  if (auto const& responder = config.responder; !responder.url.empty()) {
    add_line(text, "responder",
             to_public_url(responder.url) + (responder.model.empty() ? "" : ", model " + responder.model));
    add_line(text, "", "within " + std::to_string(responder.timeout_s) + " s");
  }
  add_line(text, "monitor", describe_monitor(config.monitor));
  add_line(text, "browser", describe_browsers(config.browser));
  add_line(text, "video", describe_retention(config.video_retention_s));
  add_line(text, "log level", to_level_word(config));
  return text;
}

json::object to_json(Config const& config) {
  json::array listen;
  for (auto const& address : config.listen) listen.push_back(json::value(to_text(address) + "=" + address.dialect));
  json::array origins;
  for (auto const& origin : config.allow_origins) origins.push_back(json::value(origin));
  json::array users;
  for (auto const& [name, line] : config.users) users.push_back(json::value(name));
  json::object tools;
  for (auto const& [name, tool] : config.tools) {
    tools[name] = json::object{{"url", to_public_url(tool.url)}, {"update", tool.update}};
  }
  json::object limits;
  for (auto const& limit : limit_table) limits[limit.name] = config.limits.*limit.member;
  json::object all{{"listen", std::move(listen)},
                   {"data", config.data},
                   {"store", config.store},
                   {"allow_origins", std::move(origins)},
                   {"documented_ports", config.documented_ports},
                   {"key_configured", config.has_key()},
                   {"compression", config.compression},
                   {"users", std::move(users)},
                   {"sessions",
                    {{"idle_minutes", to_minutes(config.idle_ms)},
                     {"per_user", config.sessions_per_user},
                     {"test_token", config.test_token}}},
                   {"tools", std::move(tools)},
                   {"responder",
                    {{"url", to_public_url(config.responder.url)},
                     {"timeout_s", config.responder.timeout_s},
                     {"model", config.responder.model}}},
                   {"monitor", to_json(config.monitor)},
                   {"debug_key_configured", !config.debug_key.empty()},
                   {"browser", to_json(config.browser)},
                   {"video", {{"retention_s", config.video_retention_s}}},
                   {"limits", std::move(limits)},
                   {"log", {{"level", to_level_word(config)}}}};
  if (!config.key_file.empty()) all["key_file"] = config.key_file;
  return all;
}

}  // namespace sojourn
