#include "browser/ids.h"

namespace sojourn {
namespace {

std::size_t size(std::int32_t index) { return static_cast<std::size_t>(index); }

// Whether it stands in this slot because it was put there, rather than for want of anything else.
bool is_assigned(DomDocument const& document, DomNode const& slot, DomNode const& node) {
  if (!node.is_in_shadow) return true;
  return document.attribute(slot, "name") == document.attribute(node, "slot");
}

}  // namespace

std::int32_t Ids::tree_in(std::int32_t host) {
  auto const [place, is_new] = hosted_.try_emplace(host, static_cast<std::int32_t>(outer_.size()));
  if (is_new) outer_.push_back(trees_[size(host)]);
  return place->second;
}

std::int32_t Ids::tree_of(DomNode const& parent, DomNode const& node) {
  auto const above = document_.index(parent);
  auto const tree = trees_[size(above)];
  if (parent.tag == "slot" && parent.is_in_shadow)
    return is_assigned(document_, parent, node) ? outer_[size(tree)] : tree;
  if (!node.is_in_shadow) return tree;
  auto const is_host = !parent.is_in_shadow || parent.tag.find('-') != std::string_view::npos;
  return is_host ? tree_in(above) : tree;
}

void Ids::build() {
  is_built_ = true;
  trees_.assign(document_.nodes.size(), 0);
  outer_.assign(1, 0);
  for (std::size_t i = 1; i < document_.nodes.size(); ++i) {
    auto const& node = document_.nodes[i];
    trees_[i] = tree_of(document_.nodes[size(node.parent)], node);
    if (!node.is_element()) continue;
    if (auto const id = document_.attribute(node, "id"); !id.empty())
      named_[id].push_back(static_cast<std::int32_t>(i));
  }
}

DomNode const* Ids::find(DomNode const& from, std::string_view id) {
  if (!is_built_) build();
  auto const place = named_.find(id);
  if (place == named_.end()) return nullptr;
  auto const tree = trees_[size(document_.index(from))];
  for (auto const i : place->second)
    if (trees_[size(i)] == tree) return &document_.nodes[size(i)];
  return from.is_in_shadow ? find_near(from, place->second) : nullptr;
}

// For an element with a dash in its name that has no shadow root after all.
DomNode const* Ids::find_near(DomNode const& from, std::vector<std::int32_t> const& named) const {
  for (auto const* at = &from; at != nullptr && at->is_in_shadow; at = document_.parent(*at)) {
    for (auto const i : named) {
      auto const& node = document_.nodes[size(i)];
      if (node.is_in_shadow && i >= document_.index(*at) && i < at->end) return &node;
    }
  }
  return nullptr;
}

}  // namespace sojourn
