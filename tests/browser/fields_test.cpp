// Forms in real pages.
#include "browser/fields.h"

#include <fstream>

#include "support/page_stage.h"

namespace sojourn {
namespace {

using FieldsTest = test::PageTest;

TEST_F(FieldsTest, FillReplacesWhatIsThere) {
  show(
      "<input name=n value=old oninput='window.i=(window.i||0)+1'><textarea name=t>old</textarea>"
      "<div contenteditable role=textbox aria-label=e>old</div>");
  for (auto const* const name : {"n", "t", "e"}) {
    auto const output = act("fill", ref(name), "new text");
    EXPECT_TRUE(succeeded(output)) << name << message(output);
  }
  EXPECT_EQ(evaluate("[document.querySelector('input').value, document.querySelector('textarea').value, "
                     "document.querySelector('div').innerText, window.i]"),
            "['new text', 'new text', 'new text', 1]");
}

TEST_F(FieldsTest, FillWithNothingEmpties) {
  show("<input name=n value=old>");
  EXPECT_TRUE(succeeded(act(input("action", "fill", "ref", ref("n"), "text", ""))));
  EXPECT_EQ(evaluate("document.querySelector('input').value"), "");
}

TEST_F(FieldsTest, FieldsThatTakeNoKeysAreSet) {
  show(
      "<input type=date name=d><input type=range name=r min=0 max=10><input type=color name=c>"
      "<script>let n=0;document.addEventListener('change',()=>n++)</script>");
  EXPECT_TRUE(succeeded(act("fill", ref("d"), "2026-11-21")));
  EXPECT_TRUE(succeeded(act("fill", ref("r"), "7")));
  EXPECT_TRUE(succeeded(act("fill", ref("c"), "#ff0000")));
  EXPECT_EQ(evaluate("[...document.querySelectorAll('input')].map(i => i.value).concat(n)"),
            "['2026-11-21', '7', '#ff0000', 3]");
  auto const output = act("fill", ref("d"), "tomorrow");
  EXPECT_EQ(message(output), "Malformed value: tomorrow is not a date");
  EXPECT_EQ(json::find_string(output, "code"), "not_actionable");
}

TEST_F(FieldsTest, FillSaysWhatCanNotBeFilled) {
  show("<button>b</button><input type=number name=n><input type=checkbox aria-label=c><input name=r readonly>");
  EXPECT_EQ(message(act("fill", ref("b"), "x")), "Element is not an <input>, <textarea> or [contenteditable] element");
  EXPECT_EQ(message(act("fill", ref("n"), "x")), "Cannot type text into input[type=number]");
  EXPECT_EQ(message(act("fill", ref("c"), "x")), "Input of type \"checkbox\" cannot be filled");
  EXPECT_EQ(message(act(input("action", "fill", "ref", ref("r"), "text", "x", "timeout_ms", 100))),
            "Timeout 100ms exceeded: the element is not editable");
}

TEST_F(FieldsTest, TextThatTheElementDoesNotKeepIsAFailure) {
  show("<input name=n value=fixed oninput='this.value=\"fixed\"'>");
  auto const output = act("fill", ref("n"), "other");
  EXPECT_FALSE(succeeded(output));
  EXPECT_EQ(message(output), "the element did not keep the text; it has \"fixed\"");
}

TEST_F(FieldsTest, AFieldThatGivesItsFocusAwayLetsNobodyElseHaveTheText) {
  show(
      "<input name=thief value=mine><input name=n onfocus='thief.focus()'>"
      "<script>const thief=document.querySelector('input')</script>");
  auto const output = act(input("action", "fill", "ref", ref("n"), "text", "secret", "timeout_ms", 300));
  EXPECT_FALSE(succeeded(output));
  EXPECT_EQ(evaluate("thief.value"), "mine");
}

TEST_F(FieldsTest, AFrameThatTakesTheFocusGetsNothing) {
  for (auto const* const host : {"127.0.0.1", "localhost"}) {
    site.serve(
        "/thief",
        "<input id=i><script>setInterval(()=>{i.focus();if(i.value)parent.postMessage(i.value,'*')},1)</script>");
    site.serve("/", "<input name=n><script>onmessage=(event)=>{window.stolen=event.data}</script><iframe src='" +
                        site.url("/thief", host) + "'></iframe>");
    open(site.url("/"));
    for (int round = 0; round < 5; ++round) {
      auto const output = act("fill", ref("n"), "secret");
      EXPECT_TRUE(succeeded(output)) << message(output);
    }
    EXPECT_EQ(evaluate("document.querySelector('input').value"), "secret");
    EXPECT_EQ(evaluate("String(window.stolen)"), "undefined") << host;
  }
}

TEST_F(FieldsTest, WhatAFieldMakesOfATextIsTold) {
  show("<input name=n maxlength=3><input type=range name=r max=10><input type=number name=u>");
  auto const range = ref("r");
  auto const number = ref("u");
  auto output = act("fill", ref("n"), "abcdef");
  EXPECT_TRUE(succeeded(output));
  EXPECT_EQ(message(output), "The element has \"abc\" now.");
  EXPECT_EQ(message(act("fill", range, "99")), "The element has \"10\" now.");
  EXPECT_EQ(message(act("fill", range, "7")), "");
  EXPECT_EQ(message(act("fill", range, "banana")), "Malformed value: banana is not a range");
  EXPECT_FALSE(succeeded(act("fill", number, "0x10")));
}

TEST_F(FieldsTest, ABoxThatIsHalfOnIsSetAllTheWay) {
  show("<input type=checkbox name=h><script>document.querySelector('input').indeterminate=true</script>");
  EXPECT_TRUE(succeeded(act("uncheck", ref("h"))));
  EXPECT_EQ(evaluate("(({checked, indeterminate}) => `${checked} ${indeterminate}`)(document.querySelector('input'))"),
            "false false");
}

TEST_F(FieldsTest, FilesOfTheSameNameStayTwo) {
  show("<input type=file name=f multiple>");
  json::array both;
  for (auto const* const content : {"aGk=", "aGV5"}) both.emplace_back(input("filename", "a.txt", "content", content));
  json::object given = input("action", "upload", "ref", ref("Choose File"));
  given["file_paths"] = std::move(both);
  EXPECT_TRUE(succeeded(act(std::move(given))));
  EXPECT_EQ(
      evaluate(
          "Promise.all([...document.querySelector('input').files].map((f) => f.text())).then((all) => all.join())"),
      "hi,hey");
}

TEST_F(FieldsTest, OptionsAreChosenByTheirLabel) {
  show("<select name=s onchange='window.c=this.value'><option value=a>Apple<option value=b>Big  Pear</select>");
  EXPECT_TRUE(succeeded(act("select", ref("s"), "Big Pear")));
  EXPECT_EQ(evaluate("window.c"), "b");
  EXPECT_TRUE(succeeded(act("select", ref("s"), "a"))) << "by its value";
  EXPECT_EQ(message(act("select", ref("s"), "Plum")),
            "no option has the label \"Plum\"; there are: \"Apple\", \"Big Pear\"");
}

TEST_F(FieldsTest, AnOptionThatIsNotKeptIsAFailure) {
  show("<select name=s onchange='this.value=\"a\"'><option value=a>Apple<option value=b>Pear</select>");
  auto const output = act("select", ref("s"), "Pear");
  EXPECT_FALSE(succeeded(output));
  EXPECT_EQ(message(output), "the element did not keep the option \"Pear\"");
}

TEST_F(FieldsTest, BoxesAreCheckedOnce) {
  show(
      "<label><input type=checkbox id=c>Yes</label><input type=radio name=q aria-label=R>"
      "<div role=switch aria-checked=false tabindex=0 aria-label=S "
      "onclick=\"this.setAttribute('aria-checked',this.getAttribute('aria-checked')!=='true')\">s</div>"
      "<div role=checkbox aria-checked=false tabindex=0>stuck</div>");
  EXPECT_TRUE(succeeded(act("check", ref("Yes"))));
  EXPECT_TRUE(succeeded(act("check", ref("Yes")))) << "it is checked already";
  EXPECT_EQ(evaluate("c.checked"), "True");
  EXPECT_TRUE(succeeded(act("uncheck", ref("Yes"))));
  EXPECT_EQ(evaluate("c.checked"), "False");
  EXPECT_TRUE(succeeded(act("check", ref("S"))));
  EXPECT_TRUE(succeeded(act("check", ref("R"))));
  EXPECT_TRUE(message(act("uncheck", ref("R"))).starts_with("Cannot uncheck radio button."));
  EXPECT_EQ(message(act("check", ref("stuck"))), "Clicking the checkbox did not change its state");
}

TEST_F(FieldsTest, ACheckBoxBehindItsLabelIsReached) {
  show(
      "<style>input{position:absolute;opacity:0}span{position:relative;display:inline-block;width:60px;height:30px;"
      "background:#ccc}</style><label><input type=checkbox id=c><span>Fancy</span></label>");
  EXPECT_TRUE(succeeded(act("check", ref("Fancy"))));
  EXPECT_EQ(evaluate("c.checked"), "True");
}

TEST_F(FieldsTest, KeysGoToWhatHasTheFocus) {
  show("<input name=n onkeydown='if(event.key===\"Enter\")window.entered=this.value'>");
  act("click", ref("n"));
  EXPECT_TRUE(succeeded(act("type", "", "h\xC3\xA4llo W")));
  EXPECT_TRUE(succeeded(act("press", "", "Backspace")));
  EXPECT_TRUE(succeeded(act("press", "", "Enter")));
  EXPECT_EQ(evaluate("window.entered"), "h\xC3\xA4llo ");
  EXPECT_TRUE(succeeded(act("press", "", "Control+a")));
  EXPECT_TRUE(succeeded(act("type", "", "Z")));
  EXPECT_EQ(evaluate("document.activeElement.value"), "Z");
  EXPECT_EQ(message(act("press", "", "Entr")), "Unknown key: \"Entr\"");
}

TEST_F(FieldsTest, FilesAreUploadedByTheirContent) {
  show("<input type=file aria-label=F onchange='this.files[0].text().then(t=>window.got=this.files[0].name+\":\"+t)'>");
  std::filesystem::permissions(settings.data, std::filesystem::perms::all);
  auto const paths = *json::parse(R"([{"filename":"a.txt","content":"aGVsbG8="}])");
  auto const output = act(input("action", "upload", "ref", ref("F"), "file_paths", paths));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(evaluate("new Promise(r => setTimeout(() => r(window.got), 100))"), "a.txt:hello");
  auto const refused = act(input("action", "upload", "ref", ref("F"), "file_paths", json::array{"/etc/passwd"}));
  EXPECT_NE(message(refused).find("is not a file of this session"), std::string::npos);
}

}  // namespace
}  // namespace sojourn
