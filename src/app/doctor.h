#pragma once
// What this machine offers to a server, and what is in the way: the findings of `sojourn doctor`.
// Invariant: every finding that is not ok names a remedy. Thread: the caller's, the only one of the process.

#include <cstdint>
#include <string>
#include <vector>

#include "app/question.h"
#include "app/terminal.h"
#include "base/result.h"

namespace sojourn {

enum class Verdict : std::uint8_t { ok, warn, fail };

struct Finding {
  std::string name;  // one word, for programs
  Verdict verdict = Verdict::ok;
  std::string message;
  std::string remedy;  // empty when all is well
};

struct Examination {
  Target target;
  Environment environment;
  std::uint16_t port = 5409;  // the one that the extension of the documents connects to
};

// Takes a few seconds at most.
[[nodiscard]] std::vector<Finding> examine(Examination const& examination);

// A line a finding, or with target.json one JSON object; gives the exit code: 0 unless something fails.
[[nodiscard]] Result<int> show_findings(Examination const& examination, Terminal& terminal);

}  // namespace sojourn
