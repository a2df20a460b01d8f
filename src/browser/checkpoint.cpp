#include "browser/checkpoint.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "browser/params.h"

namespace sojourn {
namespace {

constexpr std::size_t lost_max = 100;
constexpr std::size_t sentence_bytes_max = 500;

Error damaged() { return error(Code::damaged, "the checkpoint of this session can't be read"); }

// One of Storage.getCookies as Storage.setCookies takes it. A cookie of one host has no domain: with one it would be
// that of all hosts below too.
json::object to_cookie(json::object const& given) {
  json::object cookie;
  for (auto const* const name : {"name", "value", "path", "secure", "httpOnly", "sameSite", "priority", "sourceScheme",
                                 "sourcePort", "partitionKey"})
    if (auto const* const value = given.if_contains(name)) cookie[name] = *value;
  auto const domain = json::find_string(given, "domain");
  if (domain.starts_with('.')) cookie["domain"] = domain;
  auto const scheme = find_bool(given, "secure") ? std::string("https://") : std::string("http://");
  cookie["url"] = scheme + std::string(domain.substr(domain.starts_with('.') ? 1 : 0)) +
                  std::string(json::find_string(given, "path", "/"));
  if (!find_bool(given, "session")) cookie["expires"] = find_number(given, "expires");
  return cookie;
}

json::object to_json(BrowserWish const& wish) {
  json::object o;
  o["width"] = wish.width;
  o["height"] = wish.height;
  o["user_agent"] = wish.user_agent;
  o["locale"] = wish.locale;
  o["time_zone"] = wish.time_zone;
  o["proxy_url"] = wish.proxy_url;
  o["proxy_username"] = wish.proxy_username;
  o["proxy_password"] = wish.proxy_password;
  o["is_alone"] = wish.is_alone;
  o["is_full"] = wish.is_full;
  o["records_video"] = wish.records_video;
  o["shows_cursor"] = wish.shows_cursor;
  return o;
}

BrowserWish to_wish(json::object const& o) {
  BrowserWish wish;
  wish.width = find_integer(o, "width", wish.width);
  wish.height = find_integer(o, "height", wish.height);
  wish.user_agent = json::find_string(o, "user_agent");
  wish.locale = json::find_string(o, "locale");
  wish.time_zone = json::find_string(o, "time_zone");
  wish.proxy_url = json::find_string(o, "proxy_url");
  wish.proxy_username = json::find_string(o, "proxy_username");
  wish.proxy_password = json::find_string(o, "proxy_password");
  wish.is_alone = find_bool(o, "is_alone");
  wish.is_full = find_bool(o, "is_full");
  wish.records_video = find_bool(o, "records_video");
  wish.shows_cursor = find_bool(o, "shows_cursor");
  return wish;
}

json::object to_json(OriginStorage const& storage) {
  json::object o;
  o["top"] = storage.top;
  o["origin"] = storage.origin;
  o["text"] = storage.text;
  o["lost"] = json::array(storage.lost.begin(), storage.lost.end());
  return o;
}

std::size_t size_of(OriginStorage const& storage) {
  auto const add = [](std::size_t sum, std::string const& text) { return sum + text.size(); };
  return storage.top.size() + storage.origin.size() +
         std::accumulate(storage.lost.begin(), storage.lost.end(), storage.text.size(), add);
}

// Of somebody else's page: nobody could be sent there to put it back otherwise.
bool is_origin(std::string const& text) { return !text.empty() && origin_of(text) == text; }

Result<OriginStorage> read_storage(json::value const& given) {
  if (!given.is_object()) return damaged();
  auto const& o = given.get_object();
  OriginStorage storage;
  storage.top = json::find_string(o, "top");
  storage.origin = json::find_string(o, "origin");
  storage.text = json::find_string(o, "text");
  for (auto const& sentence : find_array(o, "lost"))
    if (sentence.is_string()) storage.lost.emplace_back(sentence.get_string());
  if (!is_origin(storage.top) || !is_origin(storage.origin)) return damaged();
  return storage;
}

}  // namespace

void Checkpoint::put(OriginStorage storage) {
  std::erase_if(origins, [&](auto const& one) { return one.top == storage.top && one.origin == storage.origin; });
  if (storage.text.empty() && storage.lost.empty()) return;
  if (storage.lost.size() > lost_max) storage.lost.resize(lost_max);
  for (auto& sentence : storage.lost)
    if (sentence.size() > sentence_bytes_max) sentence = "more of " + storage.origin;
  origins.push_back(std::move(storage));
}

void Checkpoint::put_cookies(json::array const& given) {
  cookies.clear();
  cookies_lost = 0;
  std::size_t bytes = 0;
  for (auto const& one : given) {
    if (!one.is_object()) continue;
    auto cookie = to_cookie(one.get_object());
    bytes += json::to_text(cookie).size();
    if (bytes > cookie_bytes_max)
      ++cookies_lost;
    else
      cookies.emplace_back(std::move(cookie));
  }
}

void Checkpoint::fit() {
  if (origins.size() > origins_max)
    origins.erase(origins.begin(), origins.end() - static_cast<std::ptrdiff_t>(origins_max));
  auto bytes = cookie_bytes_max + url.size();
  for (auto const& one : origins) bytes += size_of(one);
  for (auto& one : origins) {
    if (bytes <= bytes_max) break;
    bytes -= one.text.size();
    if (!one.text.empty()) one.lost = {"the storage of " + one.origin + ", which is too large"};
    one.text.clear();
  }
}

std::vector<std::string> Checkpoint::lost() const {
  std::vector<std::string> all;
  if (cookies_lost > 0) all.push_back(std::to_string(cookies_lost) + " cookies, which are too many");
  for (auto const& one : origins) all.insert(all.end(), one.lost.begin(), one.lost.end());
  if (all.size() > lost_max) all.resize(lost_max);
  return all;
}

std::string to_text(Checkpoint const& checkpoint) {
  json::object o;
  o["wish"] = to_json(checkpoint.wish);
  o["is_open"] = checkpoint.is_open;
  o["url"] = checkpoint.url;
  o["scroll_x"] = checkpoint.scroll_x;
  o["scroll_y"] = checkpoint.scroll_y;
  o["last_ref"] = checkpoint.last_ref;
  o["cookies"] = checkpoint.cookies;
  o["cookies_lost"] = checkpoint.cookies_lost;
  json::array origins;
  for (auto const& one : checkpoint.origins) origins.emplace_back(to_json(one));
  o["origins"] = std::move(origins);
  return json::to_text(o);
}

Result<Checkpoint> read_checkpoint(std::string_view text) {
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return damaged();
  auto const& o = parsed->get_object();
  auto const* const wish = o.if_contains("wish");
  if (wish == nullptr || !wish->is_object()) return damaged();
  Checkpoint checkpoint;
  checkpoint.wish = to_wish(wish->get_object());
  checkpoint.is_open = find_bool(o, "is_open");
  checkpoint.url = json::find_string(o, "url");
  checkpoint.scroll_x = find_number(o, "scroll_x");
  checkpoint.scroll_y = find_number(o, "scroll_y");
  checkpoint.last_ref = std::max<std::int64_t>(find_integer(o, "last_ref"), 0);
  for (auto const& one : find_array(o, "cookies")) {
    if (!one.is_object()) return damaged();
    checkpoint.cookies.push_back(one);
  }
  checkpoint.cookies_lost = find_integer(o, "cookies_lost");
  for (auto const& one : find_array(o, "origins")) {
    auto storage = read_storage(one);
    if (!storage) return storage.error();
    checkpoint.origins.push_back(*std::move(storage));
  }
  return checkpoint;
}

std::string origin_of(std::string_view url) {
  for (std::string_view const scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    auto const end = url.find_first_of("/?#", scheme.size());
    auto const host = url.substr(scheme.size(), end - scheme.size());
    auto const name = host.substr(host.find('@') + 1);  // from the beginning where there is none
    return name.empty() ? std::string() : std::string(scheme).append(name);
  }
  return {};
}

}  // namespace sojourn
