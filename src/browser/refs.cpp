#include "browser/refs.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

namespace sojourn {
namespace {

constexpr std::string_view advice = "Run 'snapshot' to get current elements.";

// 0 when the text is no ref.
std::int64_t parse_ref(std::string_view text) {
  if (text.starts_with("ref=")) text.remove_prefix(4);
  if (text.starts_with('@')) text.remove_prefix(1);
  if (!text.starts_with('e')) return 0;
  text.remove_prefix(1);
  std::int64_t number = 0;
  auto const result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && number > 0 ? number : 0;
}

std::string document_key(CapturedFrame const& frame) { return frame.id + ' ' + std::to_string(frame.generation); }

std::size_t hash_called(std::int64_t document, Element const& element) {
  auto const hash = std::hash<std::string>();
  return (hash(element.role) * 31 + hash(element.name)) * 31 + static_cast<std::size_t>(document);
}

Error stale(std::int64_t ref, std::string const& what) {
  return error(Code::stale_ref, "Stale ref: " + ref_text(ref) + ' ' + what + ' ' + std::string(advice));
}

std::string describe(std::string_view tag, std::string_view role, std::string_view name) {
  auto text = role == "generic" ? '<' + std::string(tag) + '>' : std::string(role);
  return name.empty() ? text : text + " \"" + std::string(name) + '"';
}

// Without its numbers.
std::string to_letters(std::string_view name) {
  std::string letters;
  for (auto const c : name)
    if (!(c >= '0' && c <= '9')) letters += c;
  return letters;
}

}  // namespace

std::string ref_text(std::int64_t ref) { return "@e" + std::to_string(ref); }

std::size_t RefTable::Hash::operator()(Node const& node) const {
  return std::hash<std::int64_t>()(node.document * 1'000'003 + node.backend_id);
}

std::vector<std::int64_t> RefTable::number_documents(Capture const& capture) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(capture.frames.size());
  for (auto const& frame : capture.frames) {
    auto const [place, is_new] = documents_.try_emplace(document_key(frame), last_document_ + 1);
    if (is_new) names_[++last_document_] = {frame.id, frame.generation};
    numbers.push_back(place->second);
  }
  return numbers;
}

RefTable::Entry& RefTable::entry_of(Node const& node, Element& element) {
  auto const [place, is_new] = refs_.try_emplace(node, last_ref_ + 1);
  if (is_new) ++last_ref_;
  element.ref = place->second;
  auto& entry = entries_[element.ref];
  if (is_new) {
    entry.node = node;
    entry.first_seen = captures_;
  }
  return entry;
}

void RefTable::number(Capture& capture) {
  ++captures_;
  auto const documents = number_documents(capture);
  std::unordered_map<std::size_t, int> called;
  called.reserve(capture.elements.size());
  for (auto const& element : capture.elements) ++called[hash_called(documents[element.frame], element)];
  for (auto& element : capture.elements) {
    auto const document = documents[element.frame];
    auto& entry = entry_of({document, element.backend_id}, element);
    entry.tag = element.tag;
    entry.role = element.role;
    entry.name = element.name;
    entry.href = element.href;
    entry.last_seen = captures_;
    entry.was_unique = called[hash_called(document, element)] == 1;
  }
  forget(capture.elements.size());
}

// Half at a time, so that it is not done each time.
void RefTable::forget(std::size_t present) {
  if (entries_.size() <= present + kept_max && names_.size() <= documents_max) return;
  std::vector<std::pair<std::int64_t, std::int64_t>> gone;  // when it was seen last, ref
  for (auto const& [ref, entry] : entries_)
    if (entry.last_seen != captures_) gone.emplace_back(entry.last_seen, ref);
  std::sort(gone.begin(), gone.end());
  gone.resize(gone.size() - std::min(gone.size(), kept_max) / 2);
  for (auto const& [when, ref] : gone) {
    auto const place = entries_.find(ref);
    refs_.erase(place->second.node);
    entries_.erase(place);
  }
  forget_documents();
}

void RefTable::forget_documents() {
  std::unordered_map<std::int64_t, bool> used;
  for (auto const& [ref, entry] : entries_) used[entry.node.document] = true;
  std::erase_if(names_, [&](auto const& name) { return !used.contains(name.first); });
  std::erase_if(documents_, [&](auto const& document) { return !used.contains(document.second); });
}

Result<RefTable::Known> RefTable::find(std::string_view text) const {
  auto const ref = parse_ref(text);
  if (ref == 0) return error(Code::invalid, "Invalid ref format: " + std::string(text) + ". Expected @e1, @e2, etc.");
  if (ref > last_ref_) return error(Code::not_found, "Unknown ref: " + ref_text(ref) + ". " + std::string(advice));
  auto const place = entries_.find(ref);
  if (place == entries_.end()) return stale(ref, "is not on the page any more.");
  auto const& entry = place->second;
  Known known{ref, {}, entry.tag, entry.role, entry.name};
  if (auto const name = names_.find(entry.node.document); name != names_.end())
    known.key = {name->second.first, name->second.second, entry.node.backend_id};
  return known;
}

std::int64_t RefTable::find_document(CapturedFrame const& frame) const {
  auto const place = documents_.find(document_key(frame));
  return place == documents_.end() ? 0 : place->second;
}

bool RefTable::is_later(Element const& element, Entry const& entry) const {
  auto const ref = refs_.find({entry.node.document, element.backend_id});
  return ref == refs_.end() || entries_.at(ref->second).first_seen > entry.last_seen;
}

Result<Element const*> RefTable::recover(std::int64_t ref, Capture const& capture) const {
  auto const place = entries_.find(ref);
  if (place == entries_.end()) return stale(ref, "is not on the page any more.");
  auto const& entry = place->second;
  auto what = "was " + describe(entry.tag, entry.role, entry.name);
  Element const* found = nullptr;
  std::size_t count = 0;
  std::vector<bool> is_same;
  for (auto const& frame : capture.frames) is_same.push_back(find_document(frame) == entry.node.document);
  for (auto const& element : capture.elements) {
    if (!is_same[element.frame]) continue;
    if (element.backend_id == entry.node.backend_id) return &element;
    if (element.role != entry.role || element.name != entry.name || element.href != entry.href) continue;
    found = &element;
    ++count;
  }
  if (std::find(is_same.begin(), is_same.end(), true) == is_same.end())
    return stale(ref, what + " on a page that is gone.");
  what += " and is not on the page any more";
  if (count == 0) return stale(ref, what + '.');
  if (count > 1) return stale(ref, what + "; " + std::to_string(count) + " elements are called that now.");
  if (entry.name.empty()) return stale(ref, what + "; nothing tells that another one took its place.");
  if (!entry.was_unique || !is_later(*found, entry))
    return stale(ref, what + "; one element is called that now, and it need not be the same.");
  return found;
}

std::size_t RefTable::count_renamed(Entry const& like, Capture const& capture) const {
  return static_cast<std::size_t>(std::ranges::count_if(capture.elements, [&](Element const& element) {
    if (element.tag != like.tag || element.role != like.role) return false;
    auto const ref = refs_.find({find_document(capture.frames[element.frame]), element.backend_id});
    return ref != refs_.end() && entries_.at(ref->second).name != element.name;
  }));
}

Result<Element const*> RefTable::recognize(std::int64_t ref, Capture const& capture) const {
  auto const place = entries_.find(ref);
  if (place == entries_.end()) return stale(ref, "is not on the page any more.");
  auto const& entry = place->second;
  auto const now = std::ranges::find_if(capture.elements, [&](Element const& element) {
    return element.backend_id == entry.node.backend_id &&
           find_document(capture.frames[element.frame]) == entry.node.document;
  });
  if (now == capture.elements.end()) return nullptr;
  bool const is_counter = to_letters(now->name) == to_letters(entry.name);
  if (now->name == entry.name || (is_counter && count_renamed(entry, capture) == 1)) return &*now;
  return stale(ref, "was " + describe(entry.tag, entry.role, entry.name) + " and is " +
                        describe(now->tag, now->role, now->name) + " now; if that is the one, ask again.");
}

}  // namespace sojourn
