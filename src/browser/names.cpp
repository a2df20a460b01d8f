#include "browser/names.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "browser/roles.h"

namespace sojourn {
namespace {

std::size_t size(std::int32_t index) { return static_cast<std::size_t>(index); }

bool can_be_labelled(DomDocument const& document, DomNode const& node) {
  if (node.tag == "input") return input_type_of(document, node) != "hidden";
  return node.tag == "button" || node.tag == "meter" || node.tag == "output" || node.tag == "progress" ||
         node.tag == "select" || node.tag == "textarea";
}

bool is_custom(DomNode const& node) { return node.tag.find('-') != std::string_view::npos; }

bool is_hidden_from_names(DomDocument const& document, DomNode const& node) {
  return equal_ignoring_case(document.attribute(node, "aria-hidden"), "true");
}

void add_selected(DomDocument const& document, DomNode const& select, TextLine& line) {
  for (auto i = document.index(select) + 1; i < select.end; ++i) {
    auto const& option = document.nodes[size(i)];
    if (option.tag != "option" || !option.is_selected) continue;
    if (auto const label = document.attribute(option, "label"); !label.empty())
      line.add(label);
    else
      read_hidden(document, option, line);
    line.part();
  }
}

}  // namespace

std::optional<std::string> value_of(DomDocument const& document, DomNode const& node) {
  TextLine line(Names::name_characters_max);
  if (node.tag == "select") {
    add_selected(document, node, line);
    return line.take();
  }
  if (node.tag == "progress" || node.tag == "meter") {
    if (auto const* const value = document.find(node, "value")) return to_line(*value, Names::name_characters_max);
    return std::nullopt;
  }
  if (node.tag == "input") {
    static constexpr std::array<std::string_view, 7> without{"button", "checkbox", "hidden", "image",
                                                             "radio",  "reset",    "submit"};
    if (std::binary_search(without.begin(), without.end(), input_type_of(document, node))) return std::nullopt;
    if (is_secret(document, node)) return std::nullopt;
  } else if (node.tag != "textarea") {
    auto const* said = document.find(node, "aria-valuetext");
    if (said == nullptr) said = document.find(node, "aria-valuenow");
    if (said == nullptr) return std::nullopt;
    return to_line(*said, Names::name_characters_max);
  }
  line.add(node.value);
  return line.take();
}

Names::Names(DomDocument const& document, Sight const& sight) : document_(document), sight_(sight), ids_(document) {
  find_labels();
  find_speakers();
}

DomNode const* Names::control(DomNode const& label) {
  if (auto const* const id = document_.find(label, "for")) {
    auto const* const found = ids_.find(label, *id);
    return found != nullptr && (can_be_labelled(document_, *found) || is_custom(*found)) ? found : nullptr;
  }
  constexpr std::int32_t nodes_max = 2'000;  // since labels may be in labels
  auto const begin = document_.index(label);
  for (auto i = begin + 1; i < label.end && i < begin + nodes_max; ++i) {
    auto const& node = document_.nodes[size(i)];
    if (node.is_element() && can_be_labelled(document_, node)) return &node;
  }
  return nullptr;
}

void Names::find_labels() {
  for (auto const& node : document_.nodes) {
    if (node.tag != "label") continue;
    if (auto const* const found = control(node)) labels_[document_.index(*found)].push_back(document_.index(node));
  }
}

std::vector<std::int32_t> const& Names::labels(DomNode const& node) const {
  static std::vector<std::int32_t> const none;
  auto const place = labels_.find(document_.index(node));
  return place == labels_.end() ? none : place->second;
}

bool Names::speaks(DomNode const& node) const {
  if (!sight_.sees(node)) return false;
  if (node.is_text()) return true;
  if (!node.is_element()) return false;
  if (node.attributes == 0) return node.tag == "input" || node.tag == "textarea" || node.tag == "select";
  return node.tag == "img" || node.tag == "input" || node.tag == "textarea" || node.tag == "select" ||
         !document_.attribute(node, "aria-label").empty();
}

void Names::find_speakers() {
  for (std::int32_t i = 0; size(i) < document_.nodes.size();) {
    auto const& node = document_.nodes[size(i)];
    if (node.kind == DomNode::Kind::pseudo || (node.is_element() && is_hidden_from_names(document_, node))) {
      i = node.end;
      continue;
    }
    if (speaks(node)) speakers_.push_back(i);
    ++i;
  }
}

void Names::add_speaker(DomNode const& node, TextLine& line) {
  if (node.is_text()) return line.add(node.text);
  line.part();
  if (auto const label = document_.attribute(node, "aria-label"); !label.empty())
    line.add(label);
  else if (node.tag == "img")
    line.add(document_.attribute(node, "alt"));
  else if (auto const type = input_type_of(document_, node); type == "submit" || type == "reset" || type == "button")
    line.add(from_input(node));
  else if (auto const value = value_of(document_, node))
    line.add(*value);
  line.part();
}

void Names::add_content(DomNode const& node, DomNode const* skipped, TextLine& line) {
  auto const begin = document_.index(node);
  auto last = begin;
  auto at = std::upper_bound(speakers_.begin(), speakers_.end(), begin);
  while (at != speakers_.end() && *at < node.end && !line.is_full()) {
    if (sight_.is_apart(last, *at)) line.part();
    last = *at;
    auto const& speaker = document_.nodes[size(*at)];
    if (&speaker != skipped) add_speaker(speaker, line);
    at = speaker.is_text() ? at + 1 : std::lower_bound(at + 1, speakers_.end(), speaker.end);
  }
}

std::string Names::from_content(DomNode const& node, DomNode const* skipped) {
  TextLine line(name_characters_max);
  add_content(node, skipped, line);
  if (line.is_empty()) return from_child(node, "title");  // an icon
  return line.take();
}

void Names::add_referred(DomNode const& node, TextLine& line) {
  line.part();
  auto const label = document_.attribute(node, "aria-label");
  if (!trimmed(label).empty())
    line.add(label);
  else if (!sight_.sees(node))
    read_hidden(document_, node, line);
  else if (node.tag == "img" || node.tag == "input" || node.tag == "textarea" || node.tag == "select")
    add_speaker(node, line);
  else
    add_content(node, nullptr, line);
}

std::string Names::from_references(DomNode const& node) {
  constexpr int references_max = 20;
  auto rest = document_.attribute(node, "aria-labelledby");
  TextLine line(name_characters_max);
  for (int i = 0; !rest.empty() && i < references_max; ++i) {
    rest = rest.substr(std::min(rest.find_first_not_of(" \t\r\n\f"), rest.size()));
    auto const length = std::min(rest.find_first_of(" \t\r\n\f"), rest.size());
    if (auto const* const found = length > 0 ? ids_.find(node, rest.substr(0, length)) : nullptr)
      add_referred(*found, line);
    rest.remove_prefix(length);
  }
  return line.take();
}

std::string Names::from_labels(DomNode const& node) {
  TextLine line(name_characters_max);
  for (auto const i : labels(node)) {
    auto const& label = document_.nodes[size(i)];
    line.part();
    if (auto const said = document_.attribute(label, "aria-label"); !said.empty())
      line.add(said);
    else if (sight_.sees(label))
      add_content(label, &node, line);
    else
      read_hidden(document_, label, line);
  }
  return line.take();
}

std::string Names::from_child(DomNode const& node, std::string_view tag) {
  TextLine line(name_characters_max);
  constexpr std::int32_t nodes_max = 500;
  auto const begin = document_.index(node);
  for (auto i = begin + 1; i < node.end && i < begin + nodes_max; ++i) {
    auto const& child = document_.nodes[size(i)];
    if (child.tag != tag) continue;
    read_hidden(document_, child, line);
    break;
  }
  return line.take();
}

std::string Names::from_input(DomNode const& node) {
  auto const type = input_type_of(document_, node);
  if (type == "submit" || type == "reset" || type == "button") {
    if (auto const value = to_line(node.value, name_characters_max); !value.empty()) return value;
    return type == "submit" ? "Submit" : type == "reset" ? "Reset" : "";
  }
  if (type == "image") {
    auto const alt = to_line(document_.attribute(node, "alt"), name_characters_max);
    return !alt.empty() ? alt : document_.has(node, "title") ? "" : "Submit";
  }
  return {};
}

std::string Names::from_html(DomNode const& node) {
  if (auto labelled = from_labels(node); !labelled.empty()) return labelled;
  if (node.tag == "input") return from_input(node);
  if (node.tag == "img" || node.tag == "area" || node.tag == "image")
    return to_line(document_.attribute(node, "alt"), name_characters_max);
  if (node.tag == "fieldset") return from_child(node, "legend");
  if (node.tag == "table") return from_child(node, "caption");
  if (node.tag == "figure") return from_child(node, "figcaption");
  if (node.tag == "svg") return from_child(node, "title");
  return {};
}

std::string Names::name(DomNode const& node, std::string_view role) {
  std::string found;
  if (document_.has(node, "aria-labelledby")) found = from_references(node);
  if (found.empty()) found = to_line(document_.attribute(node, "aria-label"), name_characters_max);
  if (found.empty()) found = from_html(node);
  auto const is_field = node.tag == "input" || node.tag == "textarea" || node.tag == "select" || node.tag == "img";
  if (found.empty() && !is_field && is_named_by_content(role)) found = from_content(node, nullptr);
  if (found.empty()) found = to_line(document_.attribute(node, "title"), name_characters_max);
  if (found.empty()) found = to_line(document_.attribute(node, "placeholder"), name_characters_max);
  if (found.empty()) found = to_line(document_.attribute(node, "aria-placeholder"), name_characters_max);
  if (found.empty() && input_type_of(document_, node) == "file") found = "Choose File";
  return found;
}

}  // namespace sojourn
