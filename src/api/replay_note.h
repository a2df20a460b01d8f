// What the store keeps of a POST with an Idempotency-Key: that it began, and then what it was answered, as JSON text.
// Reading is total: what is none of ours is Code::damaged. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sojourn {

struct ReplayNote {
  std::string body;           // a digest of the request's
  std::int64_t until_us = 0;  // UTC; of no use after it
  int status = 0;             // of the answer, as what follows; 0 = there was none yet
  std::string content_type = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string text = {};  // UTF-8
};

std::string to_text(ReplayNote const& note);
Result<ReplayNote> read_replay_note(std::string_view text);

}  // namespace sojourn
