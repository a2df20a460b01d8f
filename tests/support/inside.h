// Reaches a private member of a class from a test, by the one door the language leaves open: an explicit instantiation
// may name it. For promises that no public call can provoke; nothing else. See core/turn_test.cpp for its use.
#pragma once

namespace sojourn {

// `Tag` has a `Type` (the pointer to member) and declares `friend Type reach(Tag)`.
template <typename Tag, typename Tag::Type member> struct Inside {
  friend typename Tag::Type reach(Tag) { return member; }
};

}  // namespace sojourn
