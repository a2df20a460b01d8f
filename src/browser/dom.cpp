#include "browser/dom.h"

#include <boost/json/parser.hpp>

#include <array>
#include <utility>

#include "base/text.h"

namespace sojourn {
namespace {

using Kind = DomNode::Kind;
using Display = DomNode::Display;
using Skips = DomNode::Skips;

constexpr int element_type = 1;
constexpr int text_type = 3;

Error strange(std::string what) { return error(Code::failed, "The browser's snapshot can't be read: " + what); }

json::object const& object_in(json::object const& o, std::string_view key) {
  static json::object const none;
  auto const* const found = o.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : none;
}

json::array const& array_in(json::object const& o, std::string_view key) {
  static json::array const none;
  auto const* const found = o.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::int64_t to_int(json::value const& value, std::int64_t otherwise) {
  if (auto const* const number = value.if_int64()) return *number;
  return otherwise;
}

double to_double(json::value const& value) {
  if (auto const* const number = value.if_double()) return *number;
  return static_cast<double>(to_int(value, 0));
}

double number_in(json::object const& o, std::string_view key) {
  auto const* const found = o.if_contains(key);
  return found != nullptr ? to_double(*found) : 0;
}

std::int64_t int_at(json::array const& values, std::size_t i, std::int64_t otherwise = -1) {
  return i < values.size() ? to_int(values[i], otherwise) : otherwise;
}

json::array const& array_at(json::array const& values, std::size_t i) {
  static json::array const none;
  return i < values.size() && values[i].is_array() ? values[i].get_array() : none;
}

float pixels(std::string_view length) {
  float number = 0;
  float place = 0;
  for (char const c : length) {
    if (c == '.' && place == 0) {
      place = 1;
      continue;
    }
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<float>(c - '0');
    place *= 10;
  }
  return place == 0 ? number : number / place;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

enum class Half : std::uint8_t { none, first, second };

// Which half of a surrogate pair the escape at `at` names.
Half half_at(std::string_view text, std::size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return Half::none;
  if ((text[at + 2] | 0x20) != 'd' || !is_hex(text[at + 4]) || !is_hex(text[at + 5])) return Half::none;
  auto const digit = static_cast<char>(text[at + 3] | 0x20);
  if (digit == '8' || digit == '9' || digit == 'a' || digit == 'b') return Half::first;
  return digit >= 'c' && digit <= 'f' ? Half::second : Half::none;
}

}  // namespace

std::string mend_surrogates(std::string_view text) {
  std::string mended(text);
  for (std::size_t at = mended.find('\\'); at != std::string::npos; at = mended.find('\\', at)) {
    auto const half = half_at(mended, at);
    if (half == Half::none) {
      at += 2;
    } else if (half == Half::first && half_at(mended, at + 6) == Half::second) {
      at += 12;
    } else {
      mended.replace(at, 6, "\\ufffd");
      at += 6;
    }
  }
  return mended;
}

// Fills a DomCapture from its JSON.
class DomReader {
 public:
  explicit DomReader(DomCapture& capture) : capture_(capture) {}

  Result<> parse(std::string_view text) {
    boost::system::error_code failure;
    boost::json::parse_options options;
    options.max_depth = 16;
    boost::json::parser parser(&capture_.arena_, options);
    parser.write(text.data(), text.size(), failure);
    if (!failure) {
      capture_.json_ = parser.release();
      return {};
    }
    parser.reset(&capture_.arena_);
    auto const mended = mend_surrogates(text);
    parser.write(mended.data(), mended.size(), failure);
    if (failure) return strange(failure.message());
    capture_.json_ = parser.release();
    return {};
  }

  Result<> read() {
    if (!capture_.json_.is_object()) return strange("it is no object");
    auto const& root = capture_.json_.get_object();
    for (auto const& text : array_in(root, "strings")) {
      auto const* const found = text.if_string();
      capture_.strings_.emplace_back(found != nullptr ? std::string_view(*found) : std::string_view());
    }
    lower_.resize(capture_.strings_.size());
    for (auto const& document : array_in(root, "documents")) {
      if (!document.is_object()) return strange("a document is no object");
      if (auto done = read_document(document.get_object()); !done) return done;
    }
    if (capture_.documents_.empty()) return strange("it has no document");
    return {};
  }

 private:
  std::string_view string(std::int64_t index) const {
    if (index < 0 || static_cast<std::size_t>(index) >= capture_.strings_.size()) return {};
    return capture_.strings_[static_cast<std::size_t>(index)];
  }
  std::string_view string_in(json::object const& o, std::string_view key) const {
    auto const* const found = o.if_contains(key);
    return found != nullptr ? string(to_int(*found, -1)) : std::string_view();
  }

  // Names repeat, so each is made lower case once.
  std::string_view lower(std::int64_t index) {
    if (index < 0 || static_cast<std::size_t>(index) >= lower_.size()) return {};
    auto& known = lower_[static_cast<std::size_t>(index)];
    if (known.empty()) known = capture_.lower_.emplace_back(lower_case(string(index)));
    return known;
  }

  Result<> read_document(json::object const& given) {
    auto& document = capture_.documents_.emplace_back();
    document.frame_id = string_in(given, "frameId");
    document.url = string_in(given, "documentURL");
    document.base_url = string_in(given, "baseURL");
    document.title = string_in(given, "title");
    document.scroll_x = number_in(given, "scrollOffsetX");
    document.scroll_y = number_in(given, "scrollOffsetY");
    auto const& nodes = object_in(given, "nodes");
    if (auto done = read_tree(document, nodes); !done) return done;
    read_nodes(document, nodes);
    read_rare(document, nodes);
    read_layout(document, object_in(given, "layout"));
    return {};
  }

  Result<> read_tree(DomDocument& document, json::object const& nodes) {
    auto const& parents = array_in(nodes, "parentIndex");
    document.nodes.resize(parents.size());
    std::int32_t open = -1;  // the innermost node whose subtree is not closed
    for (std::size_t i = 0; i < parents.size(); ++i) {
      auto const parent = int_at(parents, i);
      while (open >= 0 && open != parent) {
        document.nodes[static_cast<std::size_t>(open)].end = static_cast<std::int32_t>(i);
        open = document.nodes[static_cast<std::size_t>(open)].parent;
      }
      if (open != parent || (parent < 0 && i > 0)) return strange("its nodes are in no order");
      document.nodes[i].parent = open;
      open = static_cast<std::int32_t>(i);
    }
    for (; open >= 0; open = document.nodes[static_cast<std::size_t>(open)].parent)
      document.nodes[static_cast<std::size_t>(open)].end = static_cast<std::int32_t>(parents.size());
    return {};
  }

  void read_nodes(DomDocument& document, json::object const& given) {
    auto const& types = array_in(given, "nodeType");
    auto const& names = array_in(given, "nodeName");
    auto const& values = array_in(given, "nodeValue");
    auto const& ids = array_in(given, "backendNodeId");
    auto const& attributes = array_in(given, "attributes");
    for (std::size_t i = 0; i < document.nodes.size(); ++i) {
      auto& node = document.nodes[i];
      auto const type = int_at(types, i);
      node.backend_id = int_at(ids, i, 0);
      if (type == text_type) {
        node.kind = Kind::text;
        node.text = string(int_at(values, i));
      } else if (type == element_type) {
        node.kind = Kind::element;
        node.tag = lower(int_at(names, i));
        read_attributes(document, node, array_at(attributes, i));
      }
    }
  }

  void read_attributes(DomDocument& document, DomNode& node, json::array const& given) {
    node.attributes_begin = static_cast<std::uint32_t>(document.attributes.size());
    for (std::size_t i = 0; i + 1 < given.size(); i += 2)
      document.attributes.push_back({string(to_int(given[i], -1)), string(to_int(given[i + 1], -1))});
    node.attributes = static_cast<std::uint32_t>(document.attributes.size()) - node.attributes_begin;
  }

  // Calls `set(node, value)` for each node that the sparse member `key` names.
  template <typename Set>
  static void each(DomDocument& document, json::object const& nodes, std::string_view key, Set const& set) {
    auto const& member = object_in(nodes, key);
    auto const& indexes = array_in(member, "index");
    auto const& values = array_in(member, "value");
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      auto const at = int_at(indexes, i);
      if (at >= 0 && static_cast<std::size_t>(at) < document.nodes.size())
        set(document.nodes[static_cast<std::size_t>(at)], int_at(values, i));
    }
  }

  void read_rare(DomDocument& document, json::object const& nodes) {
    auto const set_value = [this](DomNode& node, std::int64_t value) {
      node.value = string(value);
      node.has_value = true;
    };
    each(document, nodes, "inputValue", set_value);
    each(document, nodes, "textValue", set_value);
    each(document, nodes, "inputChecked", [](DomNode& node, std::int64_t) { node.is_checked = true; });
    each(document, nodes, "optionSelected", [](DomNode& node, std::int64_t) { node.is_selected = true; });
    each(document, nodes, "isClickable", [](DomNode& node, std::int64_t) { node.is_clickable = true; });
    each(document, nodes, "shadowRootType", [](DomNode& node, std::int64_t) { node.is_in_shadow = true; });
    each(document, nodes, "contentDocumentIndex",
         [](DomNode& node, std::int64_t value) { node.content = static_cast<std::int32_t>(value); });
    each(document, nodes, "pseudoType", [this](DomNode& node, std::int64_t value) {
      // The first letter is said there and nowhere else; other pseudo elements say what is in no document.
      node.kind = string(value) == "first-letter" ? Kind::text : Kind::pseudo;
      node.tag = {};
    });
  }

  void read_layout(DomDocument& document, json::object const& layout) {
    auto const& indexes = array_in(layout, "nodeIndex");
    auto const& bounds = array_in(layout, "bounds");
    auto const& texts = array_in(layout, "text");
    auto const& styles = array_in(layout, "styles");
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      auto const at = int_at(indexes, i);
      if (at < 0 || static_cast<std::size_t>(at) >= document.nodes.size()) continue;
      auto& node = document.nodes[static_cast<std::size_t>(at)];
      auto const& box = array_at(bounds, i);
      if (node.has_box || box.size() < 4 || (node.is_text() && int_at(texts, i) < 0)) continue;
      node.has_box = true;
      node.box = {to_double(box[0]), to_double(box[1]), to_double(box[2]), to_double(box[3])};
      if (node.is_text()) node.text = string(int_at(texts, i));
      read_styles(node, array_at(styles, i));
    }
  }

  // In the order of captured_styles.
  void read_styles(DomNode& node, json::array const& styles) const {
    if (styles.size() < captured_styles.size()) return;
    std::array<std::string_view, captured_styles.size()> words;
    for (std::size_t i = 0; i < 5; ++i) words[i] = string(to_int(styles[i], -1));
    node.is_visible = words[1] == "visible";
    if (!node.is_element()) return;
    node.display = to_display(words[0]);
    if (words[2] != "visible") node.skips = words[2] == "hidden" ? Skips::all : Skips::off_screen;
    node.is_out_of_flow = words[3] == "absolute" || words[3] == "fixed";
    node.clips = words[4] != "visible";
    if (node.tag != "iframe" && node.tag != "frame" && node.tag != "object" && node.tag != "embed") return;
    for (std::size_t i = 5; i < styles.size(); ++i) words[i] = string(to_int(styles[i], -1));
    node.inset_x = pixels(words[5]) + pixels(words[7]);
    node.inset_y = pixels(words[6]) + pixels(words[8]);
  }

  static Display to_display(std::string_view word) {
    if (word == "contents") return Display::contents;
    if (word.starts_with("inline") || word.starts_with("ruby")) return Display::in_line;
    return word.starts_with("table-") ? Display::table_part : Display::block;
  }

  DomCapture& capture_;
  std::vector<std::string_view> lower_;
};

std::string_view const* DomDocument::find(DomNode const& node, std::string_view name) const {
  for (std::uint32_t i = 0; i < node.attributes; ++i)
    if (attributes[node.attributes_begin + i].name == name) return &attributes[node.attributes_begin + i].value;
  return nullptr;
}

std::string_view DomDocument::attribute(DomNode const& node, std::string_view name) const {
  auto const* const found = find(node, name);
  return found != nullptr ? *found : std::string_view();
}

DomNode const* DomDocument::parent(DomNode const& node) const {
  return node.parent < 0 ? nullptr : &nodes[static_cast<std::size_t>(node.parent)];
}

Result<std::unique_ptr<DomCapture>> DomCapture::read(std::string_view text) {
  std::unique_ptr<DomCapture> capture(new DomCapture);
  DomReader reader(*capture);
  if (auto done = reader.parse(text); !done) return std::move(done).error();
  if (auto done = reader.read(); !done) return std::move(done).error();
  return capture;
}

}  // namespace sojourn
