#include "browser/listing.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "browser/roles.h"

namespace sojourn {
namespace {

std::size_t size(std::int32_t index) { return static_cast<std::size_t>(index); }

bool can_be_tabbed_to(DomDocument const& document, DomNode const& node) {
  auto const* const said = document.find(node, "tabindex");
  if (said == nullptr) return false;
  auto const text = trimmed(*said);
  int number = 0;
  auto const result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && number >= 0;
}

// The browser takes these for clickable whether or not anybody listens.
bool is_clickable_by_nature(std::string_view tag) {
  return tag == "html" || tag == "body" || tag == "label" || tag == "iframe" || tag == "frame" || tag == "object" ||
         tag == "embed" || tag == "video" || tag == "audio" || tag == "option" || tag == "optgroup";
}

bool has_words(std::string_view text) {
  TextLine line(1);
  line.add(text);
  return !line.is_empty();
}

}  // namespace

Listing::Listing(DomDocument const& document, Sight const& sight, Names& names, Interest interest)
    : document_(document), sight_(sight), names_(names), interest_(interest), items_(document.nodes.size()) {
  find_actions();
  find_listeners();
  if (interest == Interest::all) find_prose();
}

void Listing::inherit(std::size_t i) {
  auto const& node = document_.nodes[i];
  auto& item = items_[i];
  if (node.parent < 0) return;
  auto const& above = items_[size(node.parent)];
  auto const& parent = document_.nodes[size(node.parent)];
  item.is_in_action = above.is_in_action || above.is_action;
  item.is_in_text_action = above.is_in_text_action || (above.is_action && above.role != "generic");
  item.is_in_edited = above.is_in_edited || (parent.attributes > 0 && is_edited(document_, parent));
  item.is_in_select = above.is_in_select || parent.tag == "select";
}

bool Listing::is_native_action(DomNode const& node, Item const& item) const {
  auto const tag = node.tag;
  if (tag == "button" || tag == "textarea" || tag == "select") return true;
  if (tag == "input") return input_type_of(document_, node) != "hidden";
  if (tag == "summary") return item.role == "button";
  if (node.attributes == 0 || tag == "option" || tag == "optgroup") return false;
  if ((tag == "a" || tag == "area") && (document_.has(node, "href") || document_.has(node, "xlink:href"))) return true;
  if (is_widget(item.role) && document_.has(node, "role")) return true;
  return document_.has(node, "onclick") || can_be_tabbed_to(document_, node) || is_edited(document_, node);
}

// Pages that draw their own boxes hide the real one; then its label is what a person clicks.
bool Listing::stands_for_control(DomNode const& node, Item& item) {
  if (node.tag != "label") return false;
  auto const* const control = names_.control(node);
  if (control == nullptr || sight_.sees(*control)) return false;
  auto const type = input_type_of(document_, *control);
  if (type != "checkbox" && type != "radio" && type != "file") return false;
  item.role = role_of(document_, *control);
  item.control = document_.index(*control);
  return true;
}

void Listing::find_actions() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    inherit(i);
    auto const& node = document_.nodes[i];
    auto& item = items_[i];
    if (!node.is_element() || !sight_.sees(node) || item.is_in_select) continue;
    item.role = role_of(document_, node);
    auto const is_part_of_edited = item.is_in_edited && is_edited(document_, node);
    item.is_action = !is_part_of_edited && (is_native_action(node, item) || stands_for_control(node, item));
    item.is_listed = item.is_action;
  }
}

bool Listing::is_listener(DomNode const& node, Item const& item) const {
  return node.is_clickable && node.is_element() && !item.is_action && !item.is_in_action && !item.is_in_select &&
         item.role == "generic" && !is_clickable_by_nature(node.tag) && sight_.sees(node);
}

void Listing::find_listeners() {
  std::vector<std::int32_t> before(items_.size() + 1, 0);  // how many actions there are before each node
  for (std::size_t i = 0; i < items_.size(); ++i) before[i + 1] = before[i] + (items_[i].is_action ? 1 : 0);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    auto const& node = document_.nodes[i];
    auto& item = items_[i];
    if (!is_listener(node, item) || before[size(node.end)] - before[i + 1] >= delegated_min) continue;
    item.is_action = item.is_listed = true;
  }
}

bool Listing::is_block(DomNode const& node, Item const& item) const {
  if (node.tag == "body" || node.tag == "img") return true;
  if (node.has_box && (node.display == DomNode::Display::block || node.display == DomNode::Display::table_part))
    return true;
  return item.role == "heading" || item.role == "listitem" || item.role == "paragraph" || is_landmark(item.role);
}

bool Listing::is_always_told(DomNode const& node, Item const& item) const {
  if (is_landmark(item.role) || item.role == "dialog" || item.role == "alertdialog" || item.role == "progressbar" ||
      item.role == "meter")
    return true;
  return item.role == "img" && !names_.name(node, item.role).empty();
}

void Listing::find_prose() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    auto const& node = document_.nodes[i];
    auto& item = items_[i];
    if (node.parent >= 0) {
      inherit(i);
      item.owner = items_[size(node.parent)].owner;
    }
    if (!node.is_element() || !sight_.sees(node)) continue;
    auto const is_told = !item.is_in_text_action && !item.is_in_select;
    if (item.is_action || (is_told && is_block(node, item))) item.owner = static_cast<std::int32_t>(i);
    if (is_told && is_always_told(node, item)) item.is_listed = true;
  }
  auto const& texts = sight_.texts();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto const& node = document_.nodes[size(texts[i])];
    auto const owner = items_[size(texts[i])].owner;
    if (owner < 0 || !node.is_text()) continue;
    texts_.emplace_back(owner, static_cast<std::int32_t>(i));
    if (has_words(node.text)) items_[size(owner)].is_listed = true;
  }
  std::sort(texts_.begin(), texts_.end());
}

std::string Listing::own_text(DomNode const& node) const {
  TextLine line(prose_characters_max);
  auto const index = document_.index(node);
  auto last = std::int32_t{-1};
  auto text = std::lower_bound(texts_.begin(), texts_.end(), std::pair(index, std::int32_t{0}));
  for (; text != texts_.end() && text->first == index && !line.is_full(); ++text) {
    auto const at = sight_.texts()[size(text->second)];
    // Where something is left out, the words around it are apart.
    if (last >= 0 && (text->second != last + 1 || sight_.is_apart(sight_.texts()[size(last)], at))) line.part();
    last = text->second;
    line.add(document_.nodes[size(at)].text);
  }
  return line.take();
}

std::string Listing::text(DomNode const& node) const {
  auto const attribute_line = [&](std::string_view name) {
    return to_line(document_.attribute(node, name), text_characters_max);
  };
  if (node.tag == "input") {
    auto const type = input_type_of(document_, node);
    auto const is_box = type == "checkbox" || type == "radio";
    auto const is_told = !is_secret(document_, node) && (!is_box || document_.has(node, "value"));
    std::string text = is_told ? to_line(node.value, text_characters_max) : std::string();
    if (text.empty()) text = attribute_line("placeholder");
    return text.empty() ? attribute_line("alt") : text;
  }
  if (node.tag == "textarea") {
    auto text = to_line(node.value, text_characters_max);
    return text.empty() ? attribute_line("placeholder") : text;
  }
  if (node.tag == "img" || node.tag == "area") return attribute_line("alt");
  if (interest_ == Interest::all && node.tag != "select") return own_text(node);
  auto text = inner_text(node);
  return text.empty() && node.tag == "button" ? attribute_line("value") : text;
}

std::string Listing::inner_text(DomNode const& node) const {
  TextLine line(text_characters_max);
  sight_.read(node, line);
  return line.take();
}

DomNode const& Listing::control(DomNode const& node) const {
  auto const control = at(node).control;
  return control < 0 ? node : document_.nodes[size(control)];
}

}  // namespace sojourn
