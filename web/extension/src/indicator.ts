// The badge on the toolbar that shows when this browser is being commanded.
// Invariant: it is lit exactly while a command runs and for a moment after the last one.

const lingerMs = 1_500;

export class Indicator {
  #running = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#show('', 'Sojourn Browser Control');
    void chrome.action.setBadgeBackgroundColor({ color: '#d9480f' }).catch(() => {});
    void chrome.action.setBadgeTextColor({ color: '#ffffff' }).catch(() => {});
  }

  began(command: string): void {
    this.#running += 1;
    clearTimeout(this.#timer);
    this.#show('RUN', `This browser is being controlled: ${command}`);
  }

  ended(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    this.#timer = setTimeout(() => this.#show('', 'Sojourn Browser Control'), lingerMs);
  }

  #show(text: string, title: string): void {
    void chrome.action.setBadgeText({ text }).catch(() => {});
    void chrome.action.setTitle({ title }).catch(() => {});
  }
}
