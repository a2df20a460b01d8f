#include "browser/roles.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sojourn {
namespace {

struct Pair {
  std::string_view word;
  std::string_view role;
};

template <std::size_t size> constexpr bool is_sorted(std::array<Pair, size> const& pairs) {
  return std::is_sorted(pairs.begin(), pairs.end(), [](Pair const& a, Pair const& b) { return a.word < b.word; });
}
template <std::size_t size> constexpr bool is_sorted(std::array<std::string_view, size> const& words) {
  return std::is_sorted(words.begin(), words.end());
}

template <std::size_t size> bool has(std::array<std::string_view, size> const& words, std::string_view word) {
  return std::binary_search(words.begin(), words.end(), word);
}

template <std::size_t size>
std::string_view look_up(std::array<Pair, size> const& pairs, std::string_view word, std::string_view otherwise) {
  auto const place = std::lower_bound(pairs.begin(), pairs.end(), word,
                                      [](Pair const& pair, std::string_view wanted) { return pair.word < wanted; });
  return place != pairs.end() && place->word == word ? place->role : otherwise;
}

constexpr std::string_view generic = "generic";

constexpr std::array<Pair, 45> native_roles{{
    {"article", "article"},
    {"aside", "complementary"},
    {"blockquote", "blockquote"},
    {"button", "button"},
    {"caption", "caption"},
    {"code", "code"},
    {"datalist", "listbox"},
    {"dd", "definition"},
    {"details", "group"},
    {"dialog", "dialog"},
    {"dt", "term"},
    {"fieldset", "group"},
    {"figure", "figure"},
    {"h1", "heading"},
    {"h2", "heading"},
    {"h3", "heading"},
    {"h4", "heading"},
    {"h5", "heading"},
    {"h6", "heading"},
    {"hr", "separator"},
    {"li", "listitem"},
    {"main", "main"},
    {"math", "math"},
    {"menu", "list"},
    {"meter", "meter"},
    {"nav", "navigation"},
    {"ol", "list"},
    {"optgroup", "group"},
    {"option", "option"},
    {"output", "status"},
    {"p", "paragraph"},
    {"progress", "progressbar"},
    {"search", "search"},
    {"summary", "button"},
    {"svg", "img"},
    {"table", "table"},
    {"tbody", "rowgroup"},
    {"td", "cell"},
    {"textarea", "textbox"},
    {"tfoot", "rowgroup"},
    {"th", "columnheader"},
    {"thead", "rowgroup"},
    {"time", "time"},
    {"tr", "row"},
    {"ul", "list"},
}};
static_assert(is_sorted(native_roles));

constexpr std::array<Pair, 10> input_roles{{
    {"button", "button"},
    {"checkbox", "checkbox"},
    {"file", "button"},
    {"image", "button"},
    {"number", "spinbutton"},
    {"radio", "radio"},
    {"range", "slider"},
    {"reset", "button"},
    {"search", "searchbox"},
    {"submit", "button"},
}};
static_assert(is_sorted(input_roles));

// Those that the attribute may say.
constexpr std::array<std::string_view, 75> known_roles{
    "alert",         "alertdialog",  "application",  "article",       "banner",
    "blockquote",    "button",       "caption",      "cell",          "checkbox",
    "code",          "columnheader", "combobox",     "complementary", "contentinfo",
    "definition",    "dialog",       "directory",    "document",      "feed",
    "figure",        "form",         "generic",      "grid",          "gridcell",
    "group",         "heading",      "img",          "link",          "list",
    "listbox",       "listitem",     "log",          "main",          "marquee",
    "math",          "menu",         "menubar",      "menuitem",      "menuitemcheckbox",
    "menuitemradio", "meter",        "navigation",   "none",          "note",
    "option",        "paragraph",    "presentation", "progressbar",   "radio",
    "radiogroup",    "region",       "row",          "rowgroup",      "rowheader",
    "scrollbar",     "search",       "searchbox",    "separator",     "slider",
    "spinbutton",    "status",       "switch",       "tab",           "table",
    "tablist",       "tabpanel",     "term",         "textbox",       "timer",
    "toolbar",       "tooltip",      "tree",         "treegrid",      "treeitem"};
static_assert(is_sorted(known_roles));

constexpr std::array<std::string_view, 17> widgets{
    "button",           "checkbox",      "combobox", "link",    "listbox",   "menuitem",
    "menuitemcheckbox", "menuitemradio", "option",   "radio",   "searchbox", "slider",
    "spinbutton",       "switch",        "tab",      "textbox", "treeitem"};
static_assert(is_sorted(widgets));

constexpr std::array<std::string_view, 18> named_by_content{
    "button", "cell",      "checkbox",         "columnheader",  "gridcell", "heading",
    "link",   "menuitem",  "menuitemcheckbox", "menuitemradio", "option",   "radio",
    "row",    "rowheader", "switch",           "tab",           "tooltip",  "treeitem"};
static_assert(is_sorted(named_by_content));

constexpr std::array<std::string_view, 8> landmarks{"banner", "complementary", "contentinfo", "form",
                                                    "main",   "navigation",    "region",      "search"};
static_assert(is_sorted(landmarks));

std::string_view find_known(std::string_view word) {
  auto const place = std::lower_bound(known_roles.begin(), known_roles.end(), word);
  return place != known_roles.end() && *place == word ? *place : std::string_view();
}

bool is_named(DomDocument const& document, DomNode const& node) {
  return !document.attribute(node, "aria-label").empty() || !document.attribute(node, "aria-labelledby").empty() ||
         !document.attribute(node, "title").empty();
}

// header and footer are parts of the page only when they are not parts of a part.
bool is_in_section(DomDocument const& document, DomNode const& node) {
  for (auto const* at = document.parent(node); at != nullptr; at = document.parent(*at))
    if (at->tag == "article" || at->tag == "aside" || at->tag == "main" || at->tag == "nav" || at->tag == "section")
      return true;
  return false;
}

std::string_view role_of_input(DomDocument const& document, DomNode const& node) {
  auto const type = input_type_of(document, node);
  if (type == "hidden") return generic;
  auto const role = look_up(input_roles, type, "textbox");
  if ((role == "textbox" || role == "searchbox") && document.has(node, "list")) return "combobox";
  return role;
}

std::string_view role_of_select(DomDocument const& document, DomNode const& node) {
  if (document.has(node, "multiple")) return "listbox";
  auto const size = document.attribute(node, "size");
  return size.empty() || size == "0" || size == "1" ? "combobox" : "listbox";
}

std::string_view role_by_tag(DomDocument const& document, DomNode const& node) {
  auto const tag = node.tag;
  if (tag == "div" || tag == "span") return generic;
  if (tag == "a" || tag == "area")
    return document.has(node, "href") || document.has(node, "xlink:href") ? std::string_view("link") : generic;
  if (tag == "input") return role_of_input(document, node);
  if (tag == "select") return role_of_select(document, node);
  if (tag == "img" || tag == "image") {
    auto const* const alt = document.find(node, "alt");
    return alt != nullptr && alt->empty() && !is_named(document, node) ? generic : std::string_view("img");
  }
  if (tag == "header") return is_in_section(document, node) ? generic : std::string_view("banner");
  if (tag == "footer") return is_in_section(document, node) ? generic : std::string_view("contentinfo");
  if (tag == "section") return is_named(document, node) ? std::string_view("region") : generic;
  if (tag == "form") return is_named(document, node) ? std::string_view("form") : generic;
  if (tag == "th" && document.attribute(node, "scope") == "row") return "rowheader";
  if (tag == "summary") {
    auto const* const parent = document.parent(node);
    // What a details element shows may stand in the slot of its own shadow tree.
    auto const* const above = parent != nullptr && parent->tag == "slot" ? document.parent(*parent) : parent;
    return above != nullptr && above->tag == "details" ? std::string_view("button") : generic;
  }
  return look_up(native_roles, tag, generic);
}

}  // namespace

std::string_view input_type_of(DomDocument const& document, DomNode const& node) {
  static constexpr std::array<std::string_view, 22> types{
      "button", "checkbox", "color",    "date",  "datetime-local", "email", "file",   "hidden", "image",
      "month",  "number",   "password", "radio", "range",          "reset", "search", "submit", "tel",
      "text",   "time",     "url",      "week"};
  static_assert(is_sorted(types));
  if (node.tag != "input") return {};
  auto const type = lower_case(document.attribute(node, "type"));
  auto const place = std::lower_bound(types.begin(), types.end(), std::string_view(type));
  return place != types.end() && *place == type ? *place : std::string_view("text");
}

bool is_secret(DomDocument const& document, DomNode const& node) {
  if (node.tag != "input") return false;
  if (input_type_of(document, node) == "password") return true;
  auto const use = lower_case(document.attribute(node, "autocomplete"));
  return use.find("current-password") != std::string::npos || use.find("new-password") != std::string::npos;
}

bool is_edited(DomDocument const& document, DomNode const& node) {
  auto const* const said = document.find(node, "contenteditable");
  return said != nullptr &&
         (said->empty() || equal_ignoring_case(*said, "true") || equal_ignoring_case(*said, "plaintext-only"));
}

std::string_view role_of(DomDocument const& document, DomNode const& node) {
  auto rest = document.attribute(node, "role");
  auto const native = role_by_tag(document, node);
  while (!rest.empty()) {
    auto const word = lower_case(take_until(rest, ' '));
    auto const role = find_known(word);
    if (role.empty()) continue;
    // What can be acted on is never without a role, whatever it says.
    if (role == "none" || role == "presentation") return is_widget(native) ? native : generic;
    return role;
  }
  return native == generic && is_edited(document, node) ? std::string_view("textbox") : native;
}

bool is_widget(std::string_view role) { return has(widgets, role); }
bool is_named_by_content(std::string_view role) { return has(named_by_content, role); }
bool is_landmark(std::string_view role) { return has(landmarks, role); }

bool can_be_checked(std::string_view role) {
  return role == "checkbox" || role == "radio" || role == "switch" || role == "menuitemcheckbox" ||
         role == "menuitemradio";
}

}  // namespace sojourn
