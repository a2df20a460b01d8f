// Which element an id names, seen from another one: ids hold inside of one tree, the document's or that of one shadow
// root. The snapshot does not say where a shadow root is, only which nodes are in one, so trees in trees are told by
// the names of their hosts. Reads the document, which outlives it; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "browser/dom.h"

namespace sojourn {

class Ids {
 public:
  explicit Ids(DomDocument const& document) : document_(document) {}

  // The first element with that id in the tree of `from`, null when there is none.
  DomNode const* find(DomNode const& from, std::string_view id);

 private:
  void build();
  std::int32_t tree_in(std::int32_t host);
  std::int32_t tree_of(DomNode const& parent, DomNode const& node);
  DomNode const* find_near(DomNode const& from, std::vector<std::int32_t> const& named) const;

  DomDocument const& document_;
  bool is_built_ = false;
  std::vector<std::int32_t> trees_;  // of each node: the number of its tree, 0 = the document's own
  std::vector<std::int32_t> outer_;  // of each tree: the one that its host is in
  std::unordered_map<std::int32_t, std::int32_t> hosted_;  // host -> tree
  std::unordered_map<std::string_view, std::vector<std::int32_t>> named_;
};

}  // namespace sojourn
