window.events = [];
const record = (line) => window.events.push(line);
for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', (event) => record(`click ${button.id} ${event.isTrusted}`));
}
const field = document.getElementById('note');
field.addEventListener('keydown', (event) => record(`key ${event.key} ${Math.round(event.timeStamp)}`));
field.addEventListener('input', () => record(`input ${field.value}`));
document.getElementById('size').addEventListener('change', (event) => record(`size ${event.target.value}`));
