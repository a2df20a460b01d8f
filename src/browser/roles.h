// Which ARIA role an element has: the one it says, else the one of its HTML. After WAI-ARIA 1.2 and HTML-AAM, for what
// occurs on pages. Pure; any thread.
#pragma once

#include <string_view>

#include "browser/dom.h"

namespace sojourn {

// "generic" when it has none. Static text.
std::string_view role_of(DomDocument const& document, DomNode const& node);

// Roles of what is acted on: button, link, checkbox...
bool is_widget(std::string_view role);
// Whose name, when nothing else gives one, is what is in it.
bool is_named_by_content(std::string_view role);
// Parts of a page: navigation, main, ...
bool is_landmark(std::string_view role);
// Roles with a state of being checked.
bool can_be_checked(std::string_view role);

// The type of an <input> in lower case, "text" when it says none; empty of anything else.
std::string_view input_type_of(DomDocument const& document, DomNode const& node);
// Whether what is in it must not be told: a password, shown as dots or not.
bool is_secret(DomDocument const& document, DomNode const& node);
// Whether it is where editing begins: contenteditable.
bool is_edited(DomDocument const& document, DomNode const& node);

}  // namespace sojourn
