// What a person sees of a page, out of what DOMSnapshot.captureSnapshot gives of each CDP session of that page: the
// elements in document order, frames and shadow trees where they stand. Invariant: hidden things are left out, and the
// value of a password field never gets into anything here. Pure; total over any text; the browser thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace sojourn {

// What "computedStyles" of the command has to be, in this order; includePaintOrder and includeDOMRects are false.
inline constexpr std::array<std::string_view, 9> captured_styles{
    "display",           "visibility",       "content-visibility", "position",   "overflow-y",
    "border-left-width", "border-top-width", "padding-left",       "padding-top"};

// One answer to the command.
struct FrameCapture {
  std::string cdp_session;
  std::string frame_id;         // of its root document
  std::string text;             // JSON, the result
  std::string owner_session;    // of the capture that has the iframe element
  std::int64_t owner_node = 0;  // backend node id of that element; 0 = this is the page itself
};

// Frame id -> which document of that frame it is (counted up by whoever hears the frame navigate); absent = 0.
using Generations = std::unordered_map<std::string, std::int64_t>;

// A node for as long as its document lives.
struct NodeKey {
  std::string frame_id;
  std::int64_t generation = 0;
  std::int64_t backend_id = 0;

  bool operator==(NodeKey const&) const = default;
};

// In CSS pixels of the page's viewport, in frames too. Off screen it is outside of that.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

enum class Check : std::uint8_t { none, off, on, mixed };  // none = not a thing that can be checked

struct CapturedFrame {
  std::string id;
  std::int64_t generation = 0;
  std::string cdp_session;
  std::string url;
  bool is_main = false;
};

struct Element {
  std::int64_t ref = 0;   // given by RefTable::number(); 0 = none yet
  std::size_t frame = 0;  // index into Capture::frames
  std::int64_t backend_id = 0;
  std::string tag;         // lower case
  std::string role;        // ARIA, computed; "generic" = none
  std::string name;        // accessible name, else the attribute "name"; whitespace collapsed, 200 characters at most
  std::string text;        // inner text, else value, placeholder, alt; collapsed; 80 characters, of plain text 1,000
  std::string href;        // whole address of a link; empty = no link
  std::string input_type;  // of <input>, lower case
  std::optional<std::string> value;  // of fields, of a select the label of what is selected; 200 characters at most
  Check check = Check::none;
  bool is_interactive = false;
  bool is_disabled = false;
  bool is_in_scope = true;  // inside of CaptureWish::scope
  Box box;
};

enum class Interest : std::uint8_t {
  interactive,  // what can be acted on
  all,          // and headings, text, images, list items, table cells, landmarks; each text once
};

struct CaptureWish {
  Interest interest = Interest::interactive;
  std::optional<NodeKey> scope = {};  // only this subtree (frames in it too) is in scope
};

struct Capture {
  std::string url;
  std::string title;
  std::vector<CapturedFrame> frames;  // the main one first
  std::vector<Element> elements;      // document order
  bool has_scope = true;              // false: the node of the wish is not in the page (any more)
  bool is_cut = false;                // there were more than elements_max

  NodeKey key(Element const& element) const;
};

inline constexpr std::size_t elements_max = 50'000;

// The order of `captures` does not matter. One that no iframe of the others owns is left out. Code::failed when the
// page's own can't be read.
Result<Capture> read_captures(std::vector<FrameCapture> const& captures, Generations const& generations,
                              CaptureWish const& wish);

}  // namespace sojourn
