// What the store keeps of a POST with an Idempotency-Key: that it began, and then what it was answered, as JSON text.
// The answer is sealed: there may be a token in it, or what a page shows. Reading is total: what is none of ours is
// Code::damaged. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/seal.h"

namespace sojourn {

struct ReplayNote {
  std::string body;           // a digest of the request's
  std::int64_t until_us = 0;  // UTC; of no use after it
  int status = 0;             // of the answer, as what follows; 0 = there is none, or none that can be opened
  std::string content_type = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string text = {};  // UTF-8
};

// `name` is what the note stands under: it can't be opened under another.
std::string to_text(ReplayNote const& note, SealKey const& seal_key, std::string_view name);
Result<ReplayNote> read_replay_note(std::string_view text, SealKey const& seal_key, std::string_view name);

}  // namespace sojourn
