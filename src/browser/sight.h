// What can be seen of a document, where, and what it reads: the answers to "is it shown" and to innerText.
// Invariant: nothing that a person could not see by scrolling is seen; what is only covered, transparent or off screen
// is. Reads the document, which outlives it; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "browser/dom.h"
#include "browser/text_line.h"

namespace sojourn {

class Sight {
 public:
  explicit Sight(DomDocument const& document);

  bool sees(DomNode const& node) const { return at(node).is_seen; }
  // In the document; of an element without an area of its own, where its content is.
  Box const& extent(DomNode const& node) const { return at(node).extent; }
  // Adds the text in `node`, words of different blocks apart. Of a select that is what can be selected.
  void read(DomNode const& node, TextLine& line) const;
  // The text nodes (and selects) that can be read, in order.
  std::vector<std::int32_t> const& texts() const { return texts_; }
  // Whether a block begins or ends between these two nodes, `from` excluded and `to` included.
  bool is_apart(std::int32_t from, std::int32_t to) const;

 private:
  struct Seen {
    Box extent;
    bool is_seen = false;
    bool is_below_hidden = false;  // content-visibility: hidden
    bool is_clipped = false;       // by something without area
    bool is_not_laid_out = false;  // content-visibility: auto, off screen: nobody knows yet, so it counts as shown
    bool has_boxes_below = false;
  };

  Seen const& at(DomNode const& node) const { return seen_[static_cast<std::size_t>(document_.index(node))]; }
  void find_boxes();
  void inherit();
  void inherit_from(Seen const& above, DomNode const& parent, DomNode const& node, Seen& seen) const;
  void gather();
  void find_text();

  DomDocument const& document_;
  std::vector<Seen> seen_;
  std::vector<std::int32_t> breaks_;  // how many block boundaries there are up to and with this node
  std::vector<std::int32_t> texts_;   // nodes that say something, in order
};

// The text of all that is in `node`, shown or not, but for what is never shown.
void read_hidden(DomDocument const& document, DomNode const& node, TextLine& line);

}  // namespace sojourn
