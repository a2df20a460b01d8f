// The numbers by which a client names elements. Invariant: a number means one node for ever; it is never used again,
// and when the node is gone the number says so rather than mean another one. One for each session; the browser thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "browser/capture.h"

namespace sojourn {

class RefTable {
 public:
  // What is remembered of an element.
  struct Known {
    std::int64_t ref = 0;
    NodeKey key;
    std::string tag;
    std::string role;
    std::string name;
  };

  // Gives every element its number: the one it has, else the next.
  void number(Capture& capture);

  // `text` is @e12, e12 or ref=e12. Code::invalid: not of that form; Code::not_found: no such number was given;
  // Code::stale_ref: it was, and is forgotten. What is found may still be gone from the page.
  Result<Known> find(std::string_view text) const;

  // For a node that is not in the page any more: the element that took its place. That is the only one in the same
  // document with its role and name, if the old one was the only one too and this one came after it was seen last.
  // Otherwise Code::stale_ref, which says what it was. `capture` is a fresh one with Interest::all and without a scope,
  // numbered or not; the result points into it. While the old one is in it, it is the result.
  Result<Element const*> recover(std::int64_t ref, Capture const& capture) const;

  // For a node that is in the page: the element as it is now. A page may show something else in the same node, as lists
  // do that draw only what is in view. So another name is Code::stale_ref, which says both, unless it only counts
  // ("Inbox 3", "Inbox 4") and no other element of its kind has got another one. Null while nobody can see it.
  Result<Element const*> recognize(std::int64_t ref, Capture const& capture) const;

  std::int64_t last_ref() const { return last_ref_; }
  // Before the first is given: numbers up to here were given to elements that are gone.
  void begin_after(std::int64_t last_ref) { last_ref_ = last_ref; }

 private:
  static constexpr std::size_t kept_max = 20'000;  // of nodes that the last capture did not have
  static constexpr std::size_t documents_max = 2'000;

  struct Node {
    std::int64_t document = 0;
    std::int64_t backend_id = 0;

    bool operator==(Node const&) const = default;
  };
  struct Hash {
    std::size_t operator()(Node const& node) const;
  };
  struct Entry {
    Node node;
    std::string tag;
    std::string role;
    std::string name;
    std::string href;
    std::int64_t first_seen = 0;  // the number of that capture
    std::int64_t last_seen = 0;
    bool was_unique = true;  // nothing else in its document had its role and name when it was seen last
  };

  std::vector<std::int64_t> number_documents(Capture const& capture);
  Entry& entry_of(Node const& node, Element& element);
  void forget(std::size_t present);
  void forget_documents();
  std::int64_t find_document(CapturedFrame const& frame) const;
  std::size_t count_renamed(Entry const& like, Capture const& capture) const;
  bool is_later(Element const& element, Entry const& entry) const;

  std::int64_t last_ref_ = 0;
  std::int64_t captures_ = 0;
  std::int64_t last_document_ = 0;
  std::unordered_map<std::string, std::int64_t> documents_;                       // "frame id, generation" -> number
  std::unordered_map<std::int64_t, std::pair<std::string, std::int64_t>> names_;  // number -> frame id, generation
  std::unordered_map<std::int64_t, Entry> entries_;                               // by ref
  std::unordered_map<Node, std::int64_t, Hash> refs_;
};

// "@e12"
std::string ref_text(std::int64_t ref);

}  // namespace sojourn
