// The accessible names of a document's elements, after "Accessible Name and Description Computation 1.2" for what
// occurs on pages, and the documented text of an element. Invariant: nothing of a password field is ever in them.
// Reads the document and what is seen of it, which outlive it; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "browser/dom.h"
#include "browser/ids.h"
#include "browser/sight.h"

namespace sojourn {

class Names {
 public:
  static constexpr std::size_t name_characters_max = 200;

  Names(DomDocument const& document, Sight const& sight);

  // The accessible name, empty when it has none.
  std::string name(DomNode const& node, std::string_view role);
  // The labels that name a control, in order.
  std::vector<std::int32_t> const& labels(DomNode const& control) const;
  // What a label is for, null when it is for nothing.
  DomNode const* control(DomNode const& label);

 private:
  struct Visit {
    DomNode const* skipped = nullptr;  // a control does not name itself
    bool is_shown_only = true;
  };

  void find_labels();
  void find_speakers();
  bool speaks(DomNode const& node) const;
  std::string from_references(DomNode const& node);
  std::string from_labels(DomNode const& node);
  std::string from_html(DomNode const& node);
  std::string from_input(DomNode const& node);
  std::string from_child(DomNode const& node, std::string_view tag);
  std::string from_content(DomNode const& node, DomNode const* skipped);
  void add_content(DomNode const& node, DomNode const* skipped, TextLine& line);
  void add_speaker(DomNode const& node, TextLine& line);
  void add_referred(DomNode const& node, TextLine& line);

  DomDocument const& document_;
  Sight const& sight_;
  Ids ids_;
  std::vector<std::int32_t> speakers_;                                  // what may say something in a name, in order
  std::unordered_map<std::int32_t, std::vector<std::int32_t>> labels_;  // by control
};

// What a field holds: text, the label of what is selected, the place of a slider. Nothing of what has no value, and of
// passwords.
std::optional<std::string> value_of(DomDocument const& document, DomNode const& node);

}  // namespace sojourn
