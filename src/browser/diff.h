// What a client was shown of a page, as small as can be: number of the element -> hash of what was said of it. So a
// later snapshot can say what is new, different or gone. A value; the browser thread.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "browser/capture.h"

namespace sojourn {

enum class Difference : std::uint8_t { none, added, changed };

// Hash of all that is said of an element except where it stands, since scrolling moves everything.
std::uint64_t digest(Element const& element);

class Shown {
 public:
  // How this element differs from what was shown.
  Difference compare(Element const& element) const;
  // It is shown now.
  void show(Element const& element);
  // Numbers that were shown and are not in the page any more, in order; they are forgotten. Of a capture with
  // Interest::interactive only interactive elements can be missed.
  std::vector<std::int64_t> take_missing(Capture const& capture, Interest interest);

 private:
  struct Entry {
    std::uint64_t digest = 0;
    bool is_interactive = false;
  };
  std::unordered_map<std::int64_t, Entry> entries_;
};

}  // namespace sojourn
