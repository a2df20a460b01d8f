// The red dot of `show_cursor`: shows people, in videos and screenshots, where an action's mouse is. It is drawn by a
// script in the isolated world of the main frame, so the page's scripts can't call it, and lets every event through.
// How it is used: cursor_script() is added to the new documents of that world and run in the present one; after that
// cursor_move() is evaluated there before a mouse event, and again with the last point in a new document's world.
// Values; any thread.
#pragma once

#include <string>
#include <string_view>

namespace sojourn {

// The dot is the only thing in a closed shadow root of this element, a child of the document element. Snapshots leave
// elements of this name out, with all that is in them.
inline constexpr std::string_view cursor_element = "sojourn-cursor";

// For Page.addScriptToEvaluateOnNewDocument; may run twice. Frames other than the main one do nothing.
std::string_view cursor_script();

// An expression for Runtime.evaluate: the dot's middle is at this point of the viewport, in CSS pixels. Nobody has to
// wait for it. Where cursor_script() did not run, it does nothing.
std::string cursor_move(double x, double y);

}  // namespace sojourn
