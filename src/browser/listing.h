// Which elements of a document a client is told of, and the text of each. Invariant: what can be acted on and seen is
// there, each once and however alike two are; with Interest::all each text that is seen is said by one element.
// Reads what it is made of, which outlives it; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "browser/capture.h"
#include "browser/dom.h"
#include "browser/names.h"
#include "browser/sight.h"

namespace sojourn {

class Listing {
 public:
  static constexpr std::size_t text_characters_max = 80;
  static constexpr std::size_t prose_characters_max = 1'000;

  Listing(DomDocument const& document, Sight const& sight, Names& names, Interest interest);

  bool lists(DomNode const& node) const { return at(node).is_listed; }
  bool is_action(DomNode const& node) const { return at(node).is_action; }
  std::string_view role(DomNode const& node) const { return at(node).role; }
  // What it reads; of a field what is in it, or would be.
  std::string text(DomNode const& node) const;
  // All that can be read in it, within the limit of a documented text, whatever is listed.
  std::string inner_text(DomNode const& node) const;
  // Whose state this shows: itself, or of a label the control that is not shown.
  DomNode const& control(DomNode const& node) const;

 private:
  // Whoever has the click handler of so many things that can be acted on only passes the clicks on.
  static constexpr std::int32_t delegated_min = 9;

  struct Item {
    std::string_view role = "generic";
    std::int32_t owner = -1;    // who says the text in it, itself or something around it
    std::int32_t control = -1;  // of a label that stands for it
    bool is_action = false;
    bool is_listed = false;
    bool is_in_action = false;
    bool is_in_text_action = false;  // in an action that says all that is in it
    bool is_in_edited = false;
    bool is_in_select = false;
  };

  Item const& at(DomNode const& node) const { return items_[static_cast<std::size_t>(document_.index(node))]; }
  void find_actions();
  void inherit(std::size_t i);
  bool is_native_action(DomNode const& node, Item const& item) const;
  bool stands_for_control(DomNode const& node, Item& item);
  void find_listeners();
  bool is_listener(DomNode const& node, Item const& item) const;
  void find_prose();
  bool is_block(DomNode const& node, Item const& item) const;
  bool is_always_told(DomNode const& node, Item const& item) const;
  std::string own_text(DomNode const& node) const;

  DomDocument const& document_;
  Sight const& sight_;
  Names& names_;
  Interest interest_;
  std::vector<Item> items_;
  std::vector<std::pair<std::int32_t, std::int32_t>> texts_;  // who says it, and which of Sight::texts(); sorted
};

}  // namespace sojourn
