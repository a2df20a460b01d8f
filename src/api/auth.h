// Who may talk to this server at all, before any door is asked: Host against DNS rebinding, Origin and Sec-Fetch-Site
// against other people's pages, on every route, upgrade and preflight. Then who is asking.
// A value made when the listeners are known. The hub's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"

namespace sojourn {

// The id that the manifest's key gives to our extension.
inline constexpr std::string_view extension_origin = "chrome-extension://afhojlogdaahibfnhgbcocjbmdnggcfn";

class Access {
 public:
  // `allow_origins` as configured; `any_extension` lets every extension use the documented paths.
  Access(std::vector<std::string> allow_origins, bool any_extension);

  // A port that one of our listeners has; it is reached by the usual names of this machine, and by `own_name` where a
  // listener stands elsewhere (127.0.0.2).
  void add_port(std::uint16_t port, std::string_view own_name = "localhost");

  // Code::forbidden with what to put into the configuration, or the Origin to be echoed (empty without one).
  Result<std::string> admit(Request const& request) const;

 private:
  bool is_our_host(std::string_view host) const;
  bool is_allowed_origin(std::string_view origin, std::string_view path) const;

  std::vector<std::string> hosts_;  // host:port, lower case
  std::vector<std::string> origins_;
  bool any_extension_;
};

}  // namespace sojourn
