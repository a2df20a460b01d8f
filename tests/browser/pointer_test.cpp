// The mouse against real pages: who gets a click, and who never does.
#include "browser/pointer.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

using PointerTest = test::PageTest;

TEST_F(PointerTest, AnElementOutOfSightIsBroughtIntoView) {
  show("<div style='height:3000px'></div><button onclick='this.textContent=1'>Far</button>");
  EXPECT_TRUE(succeeded(act("click", ref("Far"))));
  EXPECT_EQ(evaluate("document.querySelector('button').textContent"), "1");
}

TEST_F(PointerTest, ACoveredElementIsNotClickedAndItIsSaidWhy) {
  show(
      "<button onclick='window.hit=1'>Go</button><div id=overlay style='position:fixed;inset:0;background:#eee' "
      "onclick='window.wrong=1'></div>");
  auto given = input("action", "click", "ref", ref("Go"), "timeout_ms", 400);
  auto const output = act(std::move(given));
  EXPECT_FALSE(succeeded(output));
  EXPECT_EQ(message(output), "Timeout 400ms exceeded: the element is covered by <div id=\"overlay\">");
  EXPECT_EQ(json::find_string(output, "code"), "timeout");
  EXPECT_EQ(evaluate("String(window.hit) + window.wrong"), "undefinedundefined");
}

TEST_F(PointerTest, ItWaitsUntilTheElementIsReady) {
  show(
      "<button disabled onclick='this.textContent=2'>Go</button>"
      "<script>setTimeout(()=>document.querySelector('button').disabled=false,300)</script>");
  EXPECT_TRUE(succeeded(act("click", ref("Go"))));
  EXPECT_EQ(evaluate("document.querySelector('button').textContent"), "2");
}

TEST_F(PointerTest, ADisabledElementIsATimeoutThatSaysSo) {
  show("<button disabled>Go</button>");
  auto const output = act(input("action", "click", "ref", ref("Go"), "timeout_ms", 200));
  EXPECT_EQ(message(output), "Timeout 200ms exceeded: the element is not enabled");
}

TEST_F(PointerTest, ItWaitsUntilAMovingElementStands) {
  show(
      "<style>@keyframes m{from{margin-left:0}to{margin-left:400px}}button{animation:m .3s forwards}</style>"
      "<button onclick='this.textContent=3'>Go</button>");
  EXPECT_TRUE(succeeded(act("click", ref("Go"))));
  EXPECT_EQ(evaluate("document.querySelector('button').textContent"), "3");
}

TEST_F(PointerTest, APageThatChangesUnderTheMouseGetsNothing) {
  // The moment the mouse comes, another button is there instead; later it goes away again.
  show(
      "<button id=a style='position:absolute;left:50px;top:50px' onclick='window.good=1'>Good</button>"
      "<button id=b style='position:absolute;left:50px;top:50px;display:none' onclick='window.bad=1'>Bad</button>"
      "<script>let n=0;document.addEventListener('mousemove',()=>{if(n++)return;b.style.display='block';"
      "setTimeout(()=>b.style.display='none',150)})</script>");
  auto const output = act("click", ref("Good"));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(evaluate("[window.good, window.bad]"), "[1, None]");
}

TEST_F(PointerTest, FramesOfThisAndOfOtherProcessesAreReached) {
  site.serve("/inner", "<body style='margin:30px'><button onclick='this.textContent=\"done\"'>Inner</button>");
  show(
      "<h1>Outer</h1><iframe src='/inner'></iframe>"
      "<iframe style='border:7px solid;padding:5px' src='http://localhost:PORT/inner?2'></iframe>");
  call(Function::snapshot, {});
  std::vector<std::string> refs;
  for (auto const& element : elements) refs.emplace_back(json::find_string(element.get_object(), "ref"));
  ASSERT_EQ(refs.size(), 2U) << json::to_text(elements);
  for (auto const& one : refs) {
    auto const output = act("click", one);
    EXPECT_TRUE(succeeded(output)) << message(output);
    EXPECT_GT(find_number(find_object(find_object(output, "element"), "box"), "y"), 50) << "in the page's viewport";
  }
  call(Function::snapshot, {});
  for (auto const& element : elements) EXPECT_EQ(json::find_string(element.get_object(), "text"), "done");
}

TEST_F(PointerTest, AFrameThatIsCoveredIsNotClickedThrough) {
  site.serve("/inner", "<button onclick='parent.postMessage(1,\"*\")'>Inner</button>");
  show(
      "<iframe src='http://localhost:PORT/inner'></iframe>"
      "<div id=top style='position:fixed;inset:0;background:#eee' onclick='window.wrong=1'></div>");
  auto const snapshot = call(Function::snapshot, {});
  auto const output = act(input("action", "click", "ref", ref("Inner"), "timeout_ms", 400));
  EXPECT_EQ(message(output), "Timeout 400ms exceeded: the element's frame is covered by <div id=\"top\">");
  EXPECT_EQ(evaluate("String(window.wrong)"), "undefined");
}

TEST_F(PointerTest, ShadowRootsOpenAndClosedAreReached) {
  show(
      "<x-open></x-open><x-closed>slotted</x-closed><script>"
      "for (const mode of ['open','closed']) customElements.define('x-'+mode, class extends HTMLElement {"
      "constructor(){super();const r=this.attachShadow({mode});r.innerHTML='<button>'+mode+' <slot></slot></button>';"
      "r.querySelector('button').onclick=()=>{window['my'+mode]=1}}})</script>");
  call(Function::snapshot, {});
  for (auto const& element : json::array(elements)) {
    if (json::find_string(element.get_object(), "tag") != "button") continue;
    auto const output = act("click", json::find_string(element.get_object(), "ref"));
    EXPECT_TRUE(succeeded(output)) << message(output);
  }
  EXPECT_EQ(evaluate("[window.myopen, window.myclosed]"), "[1, 1]");
}

TEST_F(PointerTest, DoubleClickAndHover) {
  show(
      "<button ondblclick='window.d=(window.d||0)+1' onclick='window.c=(window.c||0)+1'>Twice</button>"
      "<button onmouseenter='window.h=1'>Over</button>");
  EXPECT_TRUE(succeeded(act("dblclick", ref("Twice"))));
  EXPECT_TRUE(succeeded(act("hover", ref("Over"))));
  EXPECT_EQ(evaluate("[window.c, window.d, window.h]"), "[2, 1, 1]");
}

TEST_F(PointerTest, TheSecondClickOfTwoDoesNotReachWhatTheFirstOneShowed) {
  show(
      "<style>button{position:absolute;left:0;top:0;width:80px}</style>"
      "<button onclick='other.hidden=false;this.hidden=true'>go</button>"
      "<button id=other hidden onclick='window.n=1' ondblclick='window.n=2'>delete</button>");
  auto const output = act("dblclick", ref("go"));
  EXPECT_FALSE(succeeded(output));
  EXPECT_TRUE(message(output).starts_with("only the first click reached the element")) << message(output);
  EXPECT_EQ(evaluate("String(window.n)"), "undefined");
}

TEST_F(PointerTest, ADragThatHasNoEndIsNoClick) {
  show(
      "<button onclick='window.n=1'>Delete all</button><button id=t>target</button>"
      "<div id=over style='position:fixed;inset:0;top:100px;z-index:9' hidden></div>"
      "<style>#t{position:absolute;top:200px}#over:not([hidden]){display:block}</style>");
  auto const from = ref("Delete all");
  auto const to = ref("target");
  evaluate("document.getElementById('over').hidden = false; 0");
  auto const drag = [&] { return act(input("action", "drag", "ref", from, "target_ref", to, "timeout_ms", 600)); };
  EXPECT_FALSE(succeeded(drag()));
  evaluate("over.hidden = true; document.querySelector('button').onmousedown = () => { over.hidden = false; }; 0");
  EXPECT_FALSE(succeeded(drag())) << "also when the end goes after the beginning";
  EXPECT_EQ(evaluate("String(window.n)"), "undefined");
}

TEST_F(PointerTest, WhatActsByItselfInAButtonIsCoveredLikeAnyOther) {
  show(
      "<div role=button aria-label=card style='position:relative;width:200px;height:80px'>"
      "<span tabindex=0 onclick='window.n=1' style='position:absolute;left:20px;top:20px'>X</span>"
      "<div style='position:absolute;inset:0' onclick='window.n=2'></div></div>");
  EXPECT_FALSE(succeeded(act(input("action", "click", "ref", ref("span"), "timeout_ms", 300))));
  EXPECT_EQ(evaluate("String(window.n)"), "undefined");
}

TEST_F(PointerTest, DraggingByTheMouse) {
  show(
      "<div id=a role=button tabindex=0 style='position:absolute;left:10px;top:10px;width:40px;height:40px'>A</div>"
      "<div id=b role=button tabindex=0 style='position:absolute;left:400px;top:300px;width:80px;height:80px'>B</div>"
      "<script>let on=0;a.onmousedown=()=>on=1;document.onmouseup=e=>{window.at=on&&e.target.id}</script>");
  auto given = input("action", "drag", "ref", ref("A"), "target_ref", ref("B"));
  auto const output = act(std::move(given));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(evaluate("window.at"), "b");
}

TEST_F(PointerTest, DraggingAsHtmlDoesIt) {
  show(
      "<div id=a draggable=true role=button tabindex=0 style='width:80px;height:40px'>Item</div>"
      "<div id=b role=button tabindex=0 style='position:absolute;left:400px;top:300px;width:80px;height:80px'>Bin</div>"
      "<script>a.ondragstart=e=>e.dataTransfer.setData('text/plain','cargo');b.ondragover=e=>e.preventDefault();"
      "b.ondrop=e=>{e.preventDefault();window.got=e.dataTransfer.getData('text/plain')}</script>");
  auto const output = act(input("action", "drag", "ref", ref("Item"), "target_ref", ref("Bin")));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(evaluate("window.got"), "cargo");
}

}  // namespace
}  // namespace sojourn
