#include "browser/sight.h"

#include <algorithm>

namespace sojourn {
namespace {

using Display = DomNode::Display;
using Skips = DomNode::Skips;

std::size_t size(std::int32_t index) { return static_cast<std::size_t>(index); }

bool has_area(Box const& box) { return box.width > 0 && box.height > 0; }

void include(Box& all, Box const& box) {
  if (!has_area(box)) return;
  if (!has_area(all)) {
    all = box;
    return;
  }
  auto const right = std::max(all.x + all.width, box.x + box.width);
  auto const bottom = std::max(all.y + all.height, box.y + box.height);
  all.x = std::min(all.x, box.x);
  all.y = std::min(all.y, box.y);
  all.width = right - all.x;
  all.height = bottom - all.y;
}

// Whatever is clipped by html or body is clipped by the viewport instead.
bool clips_all(DomNode const& node) {
  return node.has_box && node.clips && !has_area(node.box) && node.tag != "body" && node.tag != "html";
}

bool is_never_shown(std::string_view tag) {
  return tag == "script" || tag == "style" || tag == "template" || tag == "noscript" || tag == "head";
}

bool says_hidden(DomDocument const& document, DomNode const& node) {
  return is_never_shown(node.tag) || document.has(node, "hidden") ||
         (node.tag == "dialog" && !document.has(node, "open"));
}

// Without a box nobody knows how it would be displayed, so its tag has to tell.
bool is_block_by_tag(std::string_view tag) {
  return tag == "div" || tag == "p" || tag == "li" || tag == "td" || tag == "th" || tag == "option" || tag == "tr" ||
         (tag.size() == 2 && tag[0] == 'h');
}

bool is_block(DomNode const& node) {
  if (node.is_element() && !node.has_box && is_block_by_tag(node.tag)) return true;
  return node.is_element() &&
         (node.tag == "br" || node.display == Display::block || node.display == Display::table_part);
}

}  // namespace

Sight::Sight(DomDocument const& document) : document_(document), seen_(document.nodes.size()) {
  find_boxes();
  inherit();
  gather();
  find_text();
}

void Sight::find_boxes() {
  for (auto i = document_.nodes.size(); i-- > 1;) {
    auto const& node = document_.nodes[i];
    if (node.has_box || seen_[i].has_boxes_below) seen_[size(node.parent)].has_boxes_below = true;
  }
}

void Sight::inherit_from(Seen const& above, DomNode const& parent, DomNode const& node, Seen& seen) const {
  seen.is_below_hidden = above.is_below_hidden || parent.skips == Skips::all;
  seen.is_clipped = !node.is_out_of_flow && (above.is_clipped || clips_all(parent));
  auto const is_off_screen = parent.skips == Skips::off_screen && parent.has_box && !above.has_boxes_below;
  if ((above.is_not_laid_out || is_off_screen) && !(node.is_element() && says_hidden(document_, node))) {
    seen.is_not_laid_out = true;
    seen.extent = is_off_screen ? parent.box : above.extent;
  }
}

void Sight::inherit() {
  for (std::size_t i = 1; i < seen_.size(); ++i) {
    auto const& node = document_.nodes[i];
    inherit_from(seen_[size(node.parent)], document_.nodes[size(node.parent)], node, seen_[i]);
  }
}

void Sight::gather() {
  for (auto i = seen_.size(); i-- > 0;) {
    auto const& node = document_.nodes[i];
    auto& seen = seen_[i];
    auto const can_be = !seen.is_below_hidden && !seen.is_clipped;
    if (can_be && node.has_box && node.is_visible && has_area(node.box)) seen.extent = node.box;
    seen.is_seen = can_be && has_area(seen.extent) && (!node.has_box || node.is_visible);
    if (node.kind == DomNode::Kind::pseudo || node.parent < 0) continue;
    // Where the parent has a box of its own, that one counts when its turn comes.
    auto& parent = seen_[size(node.parent)];
    if (!parent.is_not_laid_out) include(parent.extent, seen.extent);
  }
}

void Sight::find_text() {
  breaks_.assign(seen_.size() + 1, 0);
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    auto const& node = document_.nodes[i];
    if (!is_block(node)) continue;
    ++breaks_[i];
    ++breaks_[size(node.end)];
  }
  for (std::size_t i = 1; i < breaks_.size(); ++i) breaks_[i] += breaks_[i - 1];
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    auto const& node = document_.nodes[i];
    auto const is_skipped = node.kind == DomNode::Kind::pseudo || node.tag == "select" || node.tag == "textarea";
    if (seen_[i].is_seen && (node.is_text() || node.tag == "select")) texts_.push_back(static_cast<std::int32_t>(i));
    if (is_skipped) i = size(node.end) - 1;
  }
}

bool Sight::is_apart(std::int32_t from, std::int32_t to) const { return breaks_[size(from)] != breaks_[size(to)]; }

void Sight::read(DomNode const& node, TextLine& line) const {
  auto const begin = document_.index(node);
  auto last = begin;
  for (auto i = std::lower_bound(texts_.begin(), texts_.end(), begin); i != texts_.end() && *i < node.end; ++i) {
    if (line.is_full()) return;
    if (is_apart(last, *i)) line.part();
    last = *i;
    auto const& speaker = document_.nodes[size(*i)];
    if (speaker.is_text())
      line.add(speaker.text);
    else
      read_hidden(document_, speaker, line);
  }
}

void read_hidden(DomDocument const& document, DomNode const& node, TextLine& line) {
  constexpr std::int32_t nodes_max = 5'000;  // since many may name the same one
  auto const begin = document.index(node);
  for (auto i = begin; i < node.end && i < begin + nodes_max && !line.is_full();) {
    auto const& inner = document.nodes[size(i)];
    if (inner.is_text()) line.add(inner.text);
    if (is_block(inner)) line.part();
    i = inner.kind == DomNode::Kind::pseudo || is_never_shown(inner.tag) ? inner.end : i + 1;
  }
  line.part();
}

}  // namespace sojourn
