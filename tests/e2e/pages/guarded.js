window.clicks = 0;
document.getElementById('go').addEventListener('click', (event) => { if (event.isTrusted) window.clicks += 1; });
try {
  window.policy = new Function('return "open"')();
} catch (error) {
  window.policy = error.name;
}
