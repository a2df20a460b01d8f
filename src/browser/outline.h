// A page as clients get it: the documented PageSnapshot. Pure; the browser thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/json.h"
#include "browser/capture.h"
#include "browser/diff.h"

namespace sojourn {

enum class SnapshotKind : std::uint8_t { full, diff };

struct OutlineWish {
  SnapshotKind kind = SnapshotKind::full;
  Interest interest = Interest::interactive;  // as the capture was wished
  std::size_t elements_max = 0;               // 0 = all
  std::size_t chars_max = 0;                  // of elements_text, in characters; 0 = all
};

// `@e1 [input type=email] "Email"`
std::string describe(Element const& element, Capture const& capture);

// {url, title, screenshot: null, elements, elements_text, truncated, diff, output_meta: null}. The elements are
// numbered. `shown` is what this client was shown so far, and then has this too.
json::object outline(Capture const& capture, OutlineWish const& wish, Shown& shown);

// {ref, tag, role, name, box}: which element an action was done to.
json::object brief(Element const& element);

}  // namespace sojourn
