// One answer of DOMSnapshot.captureSnapshot as arrays of nodes. The order is that of the flat tree: the content of a
// shadow root stands in its host, what is assigned to a slot stands in that slot, and what is assigned to none is not
// there. Invariant: a parent comes before its children, and [i, end) is the subtree of i. Views live as long as the
// DomCapture. Total over any text; any thread.
#pragma once

#include <boost/json/monotonic_resource.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "browser/capture.h"

namespace sojourn {

struct DomNode {
  enum class Kind : std::uint8_t { other, element, text, pseudo };
  enum class Display : std::uint8_t { block, in_line, contents, table_part };
  enum class Skips : std::uint8_t { nothing, off_screen, all };  // content-visibility

  std::string_view tag = {};    // of an element, lower case
  std::string_view text = {};   // of a text node: as it is rendered, and as it is written when it is not
  std::string_view value = {};  // of a field, as it is now
  Box box = {};                 // in the document
  std::int64_t backend_id = 0;
  std::int32_t parent = -1;
  std::int32_t end = 0;
  std::int32_t content = -1;  // index of the document in it, in the same capture
  std::uint32_t attributes_begin = 0;
  std::uint32_t attributes = 0;
  float inset_x = 0;  // of what is in it: border and padding
  float inset_y = 0;
  Kind kind = Kind::other;
  Display display = Display::in_line;
  Skips skips = Skips::nothing;
  bool has_box = false;
  bool is_visible = true;  // visibility
  bool is_out_of_flow = false;
  bool clips = false;
  bool has_value = false;
  bool is_checked = false;
  bool is_selected = false;
  bool is_clickable = false;
  bool is_in_shadow = false;

  bool is_element() const { return kind == Kind::element; }
  bool is_text() const { return kind == Kind::text; }
};

struct DomAttribute {
  std::string_view name;
  std::string_view value;
};

struct DomDocument {
  std::string_view frame_id;
  std::string_view url;
  std::string_view base_url;
  std::string_view title;
  double scroll_x = 0;
  double scroll_y = 0;
  std::vector<DomNode> nodes;
  std::vector<DomAttribute> attributes;  // of all nodes

  // Null when it has none of that name.
  std::string_view const* find(DomNode const& node, std::string_view name) const;
  // The empty text when it has none.
  std::string_view attribute(DomNode const& node, std::string_view name) const;
  bool has(DomNode const& node, std::string_view name) const { return find(node, name) != nullptr; }
  DomNode const* parent(DomNode const& node) const;
  std::int32_t index(DomNode const& node) const { return static_cast<std::int32_t>(&node - nodes.data()); }
};

class DomCapture {
 public:
  // Code::failed when it is not what the command gives. Half a surrogate pair, which pages may have in their texts and
  // JSON in UTF-8 may not, is read as U+FFFD.
  static Result<std::unique_ptr<DomCapture>> read(std::string_view text);

  std::vector<DomDocument> const& documents() const { return documents_; }

 private:
  friend class DomReader;
  DomCapture() : json_(boost::json::storage_ptr(&arena_)) {}

  boost::json::monotonic_resource arena_{std::size_t{64} * 1024};
  json::value json_;
  std::vector<std::string_view> strings_;
  std::deque<std::string> lower_;
  std::vector<DomDocument> documents_;
};

// A JSON text without escapes that name half a surrogate pair; each becomes \ufffd.
std::string mend_surrogates(std::string_view text);

}  // namespace sojourn
