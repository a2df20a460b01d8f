#include "browser/capture.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "base/text.h"
#include "browser/dom.h"
#include "browser/hyperlink.h"
#include "browser/listing.h"
#include "browser/names.h"
#include "browser/roles.h"
#include "browser/sight.h"

namespace sojourn {
namespace {

constexpr std::size_t frames_deep_max = 50;

// Where a document stands in the page.
struct Place {
  double x = 0;
  double y = 0;
  bool is_in_scope = true;
  std::size_t depth = 0;
};

double rounded(double pixels) { return std::round(pixels * 100) / 100; }

bool is_disabled(DomDocument const& document, DomNode const& node) {
  auto const is_field = node.tag == "button" || node.tag == "input" || node.tag == "select" || node.tag == "textarea";
  if (is_field && document.has(node, "disabled")) return true;
  auto is_in_legend = false;
  for (auto const* at = &node; at != nullptr; at = document.parent(*at)) {
    if (at->attributes > 0) {
      if (document.has(*at, "inert") || equal_ignoring_case(document.attribute(*at, "aria-disabled"), "true"))
        return true;
      if (is_field && at->tag == "fieldset" && !is_in_legend && document.has(*at, "disabled")) return true;
    }
    is_in_legend = at->tag == "legend" || (is_in_legend && at->tag != "fieldset");
  }
  return false;
}

Check check_of(DomDocument const& document, DomNode const& node, std::string_view role) {
  if (!can_be_checked(role)) return Check::none;
  if (node.tag == "input") return node.is_checked ? Check::on : Check::off;
  auto const said = document.attribute(node, "aria-checked");
  if (said == "mixed") return Check::mixed;
  return said == "true" ? Check::on : Check::off;
}

// One document and all that is made of it.
struct Reading {
  explicit Reading(DomDocument const& read, Interest interest)
      : document(read), sight(read), names(read, sight), listing(read, sight, names, interest) {}

  DomDocument const& document;
  Sight sight;
  Names names;
  Listing listing;
  Place place;
  std::size_t frame = 0;
  DomNode const* scope = nullptr;

  bool is_in_scope(DomNode const& node) const {
    return place.is_in_scope || (scope != nullptr && &node >= scope && document.index(node) < scope->end);
  }
};

Element to_element(Reading& reading, DomNode const& node) {
  auto const& document = reading.document;
  auto const& control = reading.listing.control(node);
  Element element;
  element.frame = reading.frame;
  element.backend_id = node.backend_id;
  element.tag = node.tag;
  element.role = reading.listing.role(node);
  element.text = reading.listing.text(node);
  element.is_interactive = reading.listing.is_action(node);
  element.name = reading.names.name(control, element.role);
  // What only listens has no role to be named by, and what is hidden from readers has no name: both are called what
  // they read.
  if (element.name.empty() && element.is_interactive &&
      (element.role == "generic" || is_named_by_content(element.role)) && node.tag != "input")
    element.name = reading.listing.inner_text(node);
  if (element.role == "img" && element.text.empty()) element.text = element.name;
  if (element.name.empty()) element.name = to_line(document.attribute(control, "name"), Names::name_characters_max);
  if (node.tag == "a" || node.tag == "area") {
    auto const* written = document.find(node, "href");
    if (written == nullptr) written = document.find(node, "xlink:href");
    if (written != nullptr) element.href = whole_address(*written, document.base_url);
  }
  element.input_type = input_type_of(document, node);
  element.value = value_of(document, node);
  element.check = check_of(document, control, element.role);
  element.is_disabled = element.is_interactive && is_disabled(document, control);
  element.is_in_scope = reading.is_in_scope(node);
  auto const& extent = reading.sight.extent(node);
  element.box = {rounded(extent.x + reading.place.x), rounded(extent.y + reading.place.y), rounded(extent.width),
                 rounded(extent.height)};
  return element;
}

// Goes through the documents of a page in the order in which a person reads them.
class PageReader {
 public:
  PageReader(std::vector<FrameCapture> const& given, Generations const& generations, CaptureWish const& wish)
      : given_(given), generations_(generations), wish_(wish) {}

  Result<Capture> read() {
    auto main = given_.size();
    for (std::size_t i = 0; i < given_.size(); ++i) {
      auto dom = DomCapture::read(given_[i].text);
      if (given_[i].owner_node == 0) {
        if (!dom) return std::move(dom).error();
        main = i;
      } else {
        owned_.emplace(std::pair(std::string_view(given_[i].owner_session), given_[i].owner_node), i);
      }
      doms_.push_back(dom ? std::move(*dom) : nullptr);
      walked_.emplace_back(doms_.back() ? doms_.back()->documents().size() : 0, false);
    }
    if (main == given_.size()) return error(Code::failed, "The page has no snapshot of its own");
    auto const& document = doms_[main]->documents().front();
    capture_.url = document.url;
    capture_.title = to_line(document.title, title_characters_max);
    capture_.has_scope = !wish_.scope;
    walk(main, 0, {0, 0, !wish_.scope, 0});
    return std::move(capture_);
  }

 private:
  static constexpr std::size_t title_characters_max = 1'000;

  void walk(std::size_t source, std::size_t index, Place const& place) {
    if (!doms_[source] || index >= walked_[source].size() || walked_[source][index]) return;
    if (place.depth > frames_deep_max) return;
    walked_[source][index] = true;
    auto const& document = doms_[source]->documents()[index];
    Reading reading(document, wish_.interest);
    reading.place = place;
    reading.place.x -= document.scroll_x;
    reading.place.y -= document.scroll_y;
    reading.frame = add_frame(document, source);
    if (wish_.scope) reading.scope = find_scope(document, capture_.frames.back());
    for (auto const& node : document.nodes) {
      if (!node.is_element()) continue;
      if (reading.listing.lists(node)) add(reading, node);
      enter(source, reading, node);
    }
  }

  std::size_t add_frame(DomDocument const& document, std::size_t source) {
    CapturedFrame frame;
    frame.id = document.frame_id;
    auto const generation = generations_.find(frame.id);
    if (generation != generations_.end()) frame.generation = generation->second;
    frame.cdp_session = given_[source].cdp_session;
    frame.url = document.url;
    frame.is_main = capture_.frames.empty();
    capture_.frames.push_back(std::move(frame));
    return capture_.frames.size() - 1;
  }

  DomNode const* find_scope(DomDocument const& document, CapturedFrame const& frame) {
    if (frame.id != wish_.scope->frame_id || frame.generation != wish_.scope->generation) return nullptr;
    for (auto const& node : document.nodes) {
      if (node.backend_id != wish_.scope->backend_id) continue;
      capture_.has_scope = true;
      return &node;
    }
    return nullptr;
  }

  void add(Reading& reading, DomNode const& node) {
    if (capture_.elements.size() >= elements_max)
      capture_.is_cut = true;
    else
      capture_.elements.push_back(to_element(reading, node));
  }

  // Into the document of a frame, wherever that was captured.
  void enter(std::size_t source, Reading const& reading, DomNode const& node) {
    auto const is_frame = node.tag == "iframe" || node.tag == "frame" || node.tag == "object" || node.tag == "embed";
    if (!is_frame || !reading.sight.sees(node)) return;
    auto const& extent = reading.sight.extent(node);
    Place const place{reading.place.x + extent.x + static_cast<double>(node.inset_x),
                      reading.place.y + extent.y + static_cast<double>(node.inset_y), reading.is_in_scope(node),
                      reading.place.depth + 1};
    if (node.content >= 0) return walk(source, static_cast<std::size_t>(node.content), place);
    auto const owned = owned_.find(std::pair(std::string_view(given_[source].cdp_session), node.backend_id));
    if (owned != owned_.end()) walk(owned->second, 0, place);
  }

  std::vector<FrameCapture> const& given_;
  Generations const& generations_;
  CaptureWish const& wish_;
  std::vector<std::unique_ptr<DomCapture>> doms_;
  std::vector<std::vector<bool>> walked_;  // a document stands in one place only
  std::map<std::pair<std::string_view, std::int64_t>, std::size_t> owned_;
  Capture capture_;
};

}  // namespace

NodeKey Capture::key(Element const& element) const {
  auto const& frame = frames[element.frame];
  return {frame.id, frame.generation, element.backend_id};
}

Result<Capture> read_captures(std::vector<FrameCapture> const& captures, Generations const& generations,
                              CaptureWish const& wish) {
  return PageReader(captures, generations, wish).read();
}

}  // namespace sojourn
