// What runs in a page to read what its origin keeps, and to put it back: localStorage, sessionStorage, IndexedDB with
// values of every kind that has a text. In a world that the page's scripts can't touch. Thread: any.
#pragma once

#include <string_view>

namespace sojourn {

// An expression that gives two functions:
//   read(bytes_max) -> {origin, text, lost, scroll: [x, y]}; text is empty where nothing is kept, origin where nothing
//     can be
//   write(text) -> {lost}
// `lost` are sentences for people. Both promise.
std::string_view storage_script();

}  // namespace sojourn
