// Pages that are made up for tests and benchmarks, as DOMSnapshot.captureSnapshot would give them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "browser/capture.h"

namespace sojourn {

// Writes one document.
class PageWriter {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  PageWriter() {
    plain_ = {index("block"), index("visible"), index("visible"), index("static"), index("visible"),
              index("0px"),   index("0px"),     index("0px"),     index("0px")};
    add(-1, 9, "#document", "", {});
  }

  // Gives the index of the node.
  int element(int parent, std::string_view tag, Attributes attributes = {}, Box box = {0, 0, 100, 20}) {
    auto const node = add(parent, 1, tag, "", attributes);
    lay_out(node, box, "");
    return node;
  }
  // One that is not rendered.
  int bare(int parent, std::string_view tag, Attributes attributes = {}) { return add(parent, 1, tag, "", attributes); }
  int text(int parent, std::string_view text) {
    auto const node = add(parent, 3, "#text", text, {});
    lay_out(node, {0, 0, 50, 15}, text);
    return node;
  }
  // The word for one of captured_styles.
  void style(int node, std::string_view name, std::string_view word) {
    for (std::size_t i = 0; i < captured_styles.size(); ++i)
      if (captured_styles[i] == name) styles_[row_.at(node)][i] = index(word);
  }
  void scroll(double x, double y) { scroll_ = {x, y}; }
  // backendNodeId of a node.
  static std::int64_t id(int node) { return node + 100; }

  std::string json() const {
    json::object nodes{{"parentIndex", parents_}, {"nodeType", types_},    {"nodeName", names_},
                       {"nodeValue", values_},    {"backendNodeId", ids_}, {"attributes", attributes_}};
    json::array styles;
    for (auto const& row : styles_) styles.emplace_back(json::array(row.begin(), row.end()));
    json::object layout{{"nodeIndex", rows_}, {"styles", styles}, {"bounds", bounds_}, {"text", texts_}};
    json::object document{{"documentURL", 0},
                          {"title", 1},
                          {"baseURL", 0},
                          {"frameId", 2},
                          {"nodes", nodes},
                          {"layout", layout},
                          {"scrollOffsetX", scroll_[0]},
                          {"scrollOffsetY", scroll_[1]}};
    return json::to_text(json::object{{"documents", json::array{document}}, {"strings", strings_}});
  }

 private:
  int add(int parent, int type, std::string_view name, std::string_view value, Attributes attributes) {
    auto const node = static_cast<int>(parents_.size());
    parents_.emplace_back(parent);
    types_.emplace_back(type);
    names_.emplace_back(index(name));
    values_.emplace_back(index(value));
    ids_.emplace_back(id(node));
    json::array given;
    for (auto const& [key, text] : attributes) {
      given.emplace_back(index(key));
      given.emplace_back(index(text));
    }
    attributes_.emplace_back(std::move(given));
    return node;
  }
  void lay_out(int node, Box box, std::string_view text) {
    row_[node] = styles_.size();
    rows_.emplace_back(node);
    bounds_.emplace_back(json::array{box.x, box.y, box.width, box.height});
    texts_.emplace_back(text.empty() ? -1 : index(text));
    styles_.push_back(plain_);
  }
  std::int64_t index(std::string_view text) {
    auto const [place, is_new] = indexes_.try_emplace(std::string(text), static_cast<std::int64_t>(strings_.size()));
    if (is_new) strings_.emplace_back(text);
    return place->second;
  }

  std::map<std::string, std::int64_t> indexes_{{"http://site.example/page", 0}, {"Made up", 1}, {"frame", 2}};
  json::array strings_{"http://site.example/page", "Made up", "frame"};
  json::array parents_, types_, names_, values_, ids_, attributes_, rows_, bounds_, texts_;
  std::array<std::int64_t, captured_styles.size()> plain_;
  std::vector<std::array<std::int64_t, captured_styles.size()>> styles_;
  std::map<int, std::size_t> row_;
  std::array<double, 2> scroll_{};
};

// As many articles with a heading, a paragraph, a link and a button.
inline std::string big_page(int articles) {
  PageWriter page;
  auto const body = page.element(page.element(0, "HTML"), "BODY");
  for (int i = 1; i <= articles; ++i) {
    auto const number = std::to_string(i);
    auto const article = page.element(body, "ARTICLE", {{"id", "article-" + number}});
    page.text(page.element(article, "H3"), "Article number " + number);
    page.text(page.element(article, "P"), "What there is to say of the article with the number " + number);
    page.text(page.element(article, "A", {{"href", "/articles/" + number}}), "Read article " + number);
    page.text(page.element(article, "BUTTON", {{"class", "buy"}}), "Buy article " + number);
  }
  return page.json();
}

}  // namespace sojourn
