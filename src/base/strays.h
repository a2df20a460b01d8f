// Processes that left the group in which they were started, as crash handlers do that make a session of their own. When
// whoever started them is gone they are ours (PR_SET_CHILD_SUBREAPER), and nobody else waits for them. Those that are
// to be found again carry a mark in their environment. Any thread; nobody's own children are touched.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sojourn {

class Strays {
 public:
  Strays();

  // NAME=value that no other process has.
  std::string const& mark() const { return mark_; }
  // Kills those with the mark, and takes those of anybody that have ended. True when some with the mark may be left:
  // then again, a moment later.
  bool end();

 private:
  std::string mark_;
  std::vector<pid_t> killed_;
};

}  // namespace sojourn
