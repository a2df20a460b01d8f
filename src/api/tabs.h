// The door to a browser's tabs through its extension: each REST call becomes a frame with a request id, and answers
// when the extension has. One constexpr table holds the operations; a failure is always reported as one. The hub's
// thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/router.h"
#include "base/json.h"
#include "core/hub.h"

namespace sojourn {

struct TabField {
  std::string_view name;
  std::string_view default_json;  // empty = left out when the body has none
  bool required = false;          // 400 "<name> is required" without it
};

struct TabOperation {
  std::string_view method;
  std::string_view pattern;
  std::string_view frame_type;
  std::int64_t timeout_s;
  std::string_view timeout_text;
  std::span<TabField const> fields;
  bool saves_image = false;
};

class Tabs {
 public:
  // `hub` outlives the door; screenshots go to `media_folder`.
  Tabs(Hub& hub, std::string media_folder, Random random)
      : hub_(hub), media_folder_(std::move(media_folder)), random_(std::move(random)) {}

  static std::span<Route const> routes();
  static std::span<TabOperation const> operations();

  void run(TabOperation const& operation, Request const& request, Parameters const& parameters, Respond respond);

 private:
  Response shape(TabOperation const& operation, std::string const& session_id, Result<Outcome> outcome, Moment started);

  Hub& hub_;
  std::string media_folder_;
  Random random_;
};

}  // namespace sojourn
