// What a browser session is made of again after its browser or the server has ended: what it wished to be, where its
// page is, its cookies, and what the origins that it visited keep. Bounded in bytes: what does not fit is left out and
// named. As text it is JSON; reading it is total. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/browser.h"

namespace sojourn {

// What one origin keeps, in pages of one origin: a frame of somebody else's page has a storage of its own.
struct OriginStorage {
  std::string top;     // origin of the page; the same where it is the page itself
  std::string origin;  // "https://shop.example"
  std::string text;    // of storage_script(), and read by nothing else; empty = nothing that could be kept
  std::vector<std::string> lost;

  bool operator==(OriginStorage const&) const = default;
};

struct Checkpoint {
  static constexpr std::size_t bytes_max = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t cookie_bytes_max = std::size_t{1} * 1024 * 1024;
  static constexpr std::size_t origins_max = 100;

  BrowserWish wish;
  bool is_open = false;  // it has a page; what follows is empty otherwise
  std::string url;
  double scroll_x = 0;
  double scroll_y = 0;
  std::int64_t last_ref = 0;           // numbers up to here have been given to elements
  json::array cookies;                 // as Storage.setCookies takes them
  std::int64_t cookies_lost = 0;       // more than could be kept
  std::vector<OriginStorage> origins;  // the one that was read last is last

  bool operator==(Checkpoint const&) const = default;

  // Takes the place of what was known of that origin.
  void put(OriginStorage storage);
  void put_cookies(json::array const& given);  // of Storage.getCookies
  // Leaves out what is too much, the oldest first.
  void fit();
  // What nobody gets back: sentences for people.
  std::vector<std::string> lost() const;
};

std::string to_text(Checkpoint const& checkpoint);
// Code::damaged.
Result<Checkpoint> read_checkpoint(std::string_view text);

// "https://shop.example:8443" of an address of the web; empty for all others, which keep nothing.
std::string origin_of(std::string_view url);

}  // namespace sojourn
