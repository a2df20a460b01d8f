#include "browser/outline.h"

#include <string_view>
#include <utility>
#include <vector>

#include "browser/hyperlink.h"
#include "browser/refs.h"
#include "browser/text_line.h"

namespace sojourn {
namespace {

constexpr std::size_t href_characters_max = 50;

json::value or_null(std::string const& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object to_json(Box const& box) {
  json::object o;
  o.reserve(4);
  o.emplace("x", box.x);
  o.emplace("y", box.y);
  o.emplace("width", box.width);
  o.emplace("height", box.height);
  return o;
}

void add_check(json::object& o, Check check) {
  if (check == Check::none) return;
  if (check == Check::mixed)
    o.emplace("checked", "mixed");
  else
    o.emplace("checked", check == Check::on);
}

json::value role_of(Element const& element) {
  return element.role == "generic" ? json::value(nullptr) : json::value(element.role);
}

json::object to_info(Element const& element, Capture const& capture, std::string_view desc) {
  auto const& frame = capture.frames[element.frame];
  json::object o;
  o.reserve(13);
  o.emplace("ref", ref_text(element.ref));
  o.emplace("desc", desc);
  o.emplace("tag", element.tag);
  o.emplace("text", element.text);
  o.emplace("role", role_of(element));
  o.emplace("name", or_null(element.name));
  o.emplace("href", or_null(element.href));
  o.emplace("input_type", or_null(element.input_type));
  o.emplace("frame", frame.is_main ? json::value(nullptr) : json::value(frame.url));
  if (element.value) o.emplace("value", *element.value);
  add_check(o, element.check);
  if (element.is_disabled) o.emplace("disabled", true);
  o.emplace("box", to_json(element.box));
  return o;
}

std::string_view nothing_found(OutlineWish const& wish, bool is_missing_some) {
  if (wish.kind == SnapshotKind::diff) return is_missing_some ? "(nothing new or changed)" : "(no changes)";
  return wish.interest == Interest::all ? "(no elements found)" : "(no interactive elements found)";
}

// Collects what fits.
struct Sheet {
  std::string text;
  std::size_t characters = 0;
  json::array elements;
  json::array added;
  json::array changed;
  bool is_truncated = false;

  // False: this and all that follows is left out.
  bool has_room(OutlineWish const& wish, std::string_view desc) {
    auto const more = count_characters(desc) + (text.empty() ? 0 : 1);
    is_truncated = (wish.elements_max != 0 && elements.size() >= wish.elements_max) ||
                   (wish.chars_max != 0 && characters + more > wish.chars_max);
    characters += more;
    return !is_truncated;
  }
};

Sheet fill(Capture const& capture, OutlineWish const& wish, Shown& shown) {
  Sheet sheet;
  sheet.text.reserve(capture.elements.size() * 48);
  for (auto const& element : capture.elements) {
    if (!element.is_in_scope) continue;
    auto const difference = shown.compare(element);
    if (wish.kind == SnapshotKind::diff && difference == Difference::none) continue;
    auto const desc = describe(element, capture);
    if (!sheet.has_room(wish, desc)) break;
    if (!sheet.text.empty()) sheet.text += '\n';
    sheet.text += desc;
    sheet.elements.push_back(to_info(element, capture, desc));
    if (wish.kind == SnapshotKind::diff)
      (difference == Difference::added ? sheet.added : sheet.changed).push_back(sheet.elements.back());
    shown.show(element);
  }
  return sheet;
}

}  // namespace

std::string describe(Element const& element, Capture const& capture) {
  std::string desc = ref_text(element.ref);
  desc.append(" [").append(element.tag);
  if (!element.input_type.empty()) desc.append(" type=").append(element.input_type);
  desc += ']';
  if (!element.text.empty())
    desc.append(" \"").append(element.text).append("\"");
  else if (!element.name.empty())
    desc.append(" name=\"").append(element.name).append("\"");
  if (element.href.empty()) return desc;
  auto const href = short_address(element.href, capture.url);
  auto const begin = first_characters(href, href_characters_max);
  desc.append(" href=\"").append(begin).append(begin.size() < href.size() ? "...\"" : "\"");
  return desc;
}

json::object outline(Capture const& capture, OutlineWish const& wish, Shown& shown) {
  auto const missing = shown.take_missing(capture, wish.interest);
  auto sheet = fill(capture, wish, shown);
  if (sheet.text.empty()) sheet.text = nothing_found(wish, !missing.empty());
  json::object o;
  o.reserve(8);
  o.emplace("url", capture.url);
  o.emplace("title", capture.title);
  o.emplace("screenshot", nullptr);
  o.emplace("elements", std::move(sheet.elements));
  o.emplace("elements_text", sheet.text);
  o.emplace("truncated", sheet.is_truncated || capture.is_cut);
  if (wish.kind == SnapshotKind::diff) {
    json::array removed;
    for (auto const ref : missing) removed.emplace_back(ref_text(ref));
    json::object diff;
    diff.emplace("added", std::move(sheet.added));
    diff.emplace("removed", std::move(removed));
    diff.emplace("changed", std::move(sheet.changed));
    o.emplace("diff", std::move(diff));
  } else {
    o.emplace("diff", nullptr);
  }
  o.emplace("output_meta", nullptr);
  return o;
}

json::object brief(Element const& element) {
  json::object o;
  o.reserve(5);
  o.emplace("ref", ref_text(element.ref));
  o.emplace("tag", element.tag);
  o.emplace("role", role_of(element));
  o.emplace("name", or_null(element.name));
  o.emplace("box", to_json(element.box));
  return o;
}

}  // namespace sojourn
