// The extension's worker: holds the one connection, answers commands and tells the popup what is going on.
// Invariant: every listener of Chrome is in place before the first wait, because a woken worker gets its event at once.
import { socketAddress } from 'sojourn-client/address';
import { Connection, type ConnectionState, type Frame } from 'sojourn-client/connection';
import { Commands, describeCommand } from './commands';
import { Indicator } from './indicator';
import { addLine, type LogLine } from './log';
import { Memory } from './memory';
import { portName, type View, type Wish } from './popup_port';
import { loadApiAddress } from './config';
import { createSession, deleteSession, validateSession } from './lib/api';
import { serveSession, SessionKeeper } from './session_keeper';
import { loadSettings, type Settings } from './settings';
import { messageOf } from './tabs';

const alarmName = 'wake';

class Background {
  #memory = new Memory();
  #indicator = new Indicator();
  #commands = new Commands((line) => this.#note(line));
  #ports = new Set<chrome.runtime.Port>();
  #log: LogLine[] = [];
  #logDirty = false;
  #settings!: Settings;
  #connection!: Connection;
  #shown: ConnectionState | undefined;
  #ready: Promise<void>;

  constructor() {
    this.#ready = this.#begin();
    const wake = () => this.#whenReady(() => this.#connection.wake());
    chrome.runtime.onStartup.addListener(wake);
    chrome.runtime.onInstalled.addListener(wake);
    // While the worker sleeps nothing else notices that a server is back.
    chrome.alarms.onAlarm.addListener(wake);
    chrome.runtime.onConnect.addListener((port) => this.#serve(port));
    chrome.storage.onChanged.addListener((changes, area) => {
      if (area === 'local' && changes['server']) this.#whenReady(() => this.#moveServer());
    });
    wake();
  }

  async #begin(): Promise<void> {
    const [settings, remembered] = await Promise.all([loadSettings(), this.#memory.recall()]);
    this.#settings = settings;
    this.#log = remembered.log;
    this.#connection = new Connection({
      address: () => socketAddress(this.#settings.address, { device: this.#settings.device, v: chrome.runtime.getManifest().version }),
      changed: (state) => this.#changed(state),
      received: (frame) => this.#receive(frame),
      noted: (line) => this.#note(line),
    }, remembered.state);
    this.#shown = this.#connection.state;
    if (settings.problem) this.#note(settings.problem);
    await chrome.alarms.create(alarmName, { periodInMinutes: 1 });
  }

  #whenReady(run: () => void | Promise<void>): void {
    this.#ready.then(run).catch((error: unknown) => console.error('Sojourn:', error));
  }

  async #moveServer(): Promise<void> {
    const before = this.#settings.address;
    this.#settings = await loadSettings();
    if (this.#settings.address === before) return this.#tell();
    this.#note(`Server: ${this.#settings.address}`);
    if (this.#connection.state.stopped !== 'user') this.#connection.reconnect();
    this.#tell();
  }

  #changed(state: ConnectionState): void {
    const before = this.#shown;
    this.#shown = state;
    if (state.sessionId && state.sessionId !== before?.sessionId) {
      this.#note('Connected');
      this.#note(`Session ID: ${state.sessionId}`);
    } else if (before?.sessionId && !state.sessionId) {
      this.#note(state.problem ? `Disconnected: ${state.problem}` : 'Disconnected');
    } else if (state.problem && state.problem !== before?.problem) {
      this.#note(state.problem);
    }
    if (state.status !== before?.status || state.retryCount !== before?.retryCount) this.#noteStatus(state, before);
    this.#memory.keepState(state);
    this.#memory.keepLog(this.#log);  // with the state that it tells of, whenever the worker ends
    this.#tell();
  }

  #noteStatus(state: ConnectionState, before: ConnectionState | undefined): void {
    if (state.status === 'connecting' && state.retryCount > (before?.retryCount ?? 0)) this.#note('Trying again in 5 s');
    else if (state.status === 'connecting') this.#note(`Connecting to ${this.#settings.address}`);
    else if (state.status === 'waiting') this.#note('Waiting for server');
    else if (state.status === 'disconnected' && !before?.sessionId) this.#note('Disconnected');
  }

  #receive(frame: Frame): void {
    if (frame.type === 'ping') {
      this.#note('Command: ping');
      this.#connection.send({
        type: 'pong', ...(frame['requestId'] === undefined ? {} : { requestId: frame['requestId'] }),
        sessionId: this.#connection.state.sessionId, timestamp: Date.now(),
      });
    } else if (this.#commands.knows(frame.type)) {
      void this.#obey(frame);
    } else if (frame.type === 'error') {
      this.#note(`The server reports: ${String(frame['message'])}`);
    } else {
      this.#note(`Ignored a message of type "${frame.type}"`);
    }
  }

  async #obey(frame: Frame): Promise<void> {
    const { sessionId } = this.#connection.state;
    if (!sessionId) return;
    const line = describeCommand(frame);
    this.#note(`Command: ${line}`);
    this.#indicator.began(line);
    try {
      const answer = await this.#commands.answer(frame, sessionId);
      if (answer['success'] === false) this.#note(`${frame.type} failed: ${String(answer['error'])}`);
      // An answer belongs to the session that asked; a new connection knows nothing of it.
      if (this.#connection.state.sessionId === sessionId) this.#connection.send(answer);
    } catch (error) {
      this.#note(`${frame.type} failed: ${messageOf(error)}`);
    } finally {
      this.#indicator.ended();
    }
  }

  #serve(port: chrome.runtime.Port): void {
    if (port.name !== portName) return;
    this.#ports.add(port);
    port.onDisconnect.addListener(() => this.#ports.delete(port));
    port.onMessage.addListener((wish: Wish) => this.#whenReady(() => {
      if (wish === 'reconnect') this.#connection.reconnect();
      if (wish === 'disconnect') this.#connection.disconnect();
    }));
    this.#whenReady(() => {
      if (this.#ports.has(port)) port.postMessage(this.#view());
    });
  }

  #note(text: string): void {
    console.log(text);
    this.#log = addLine(this.#log, { at: Date.now(), text });
    if (this.#logDirty) return;
    this.#logDirty = true;
    setTimeout(() => {
      this.#logDirty = false;
      this.#memory.keepLog(this.#log);
      this.#tell();
    }, 50);
  }

  #tell(): void {
    const view = this.#view();
    for (const port of this.#ports) port.postMessage(view);
  }

  #view(): View {
    const { address, problem } = this.#settings;
    return { state: this.#connection.state, log: this.#log, address, ...(problem ? { problem } : {}) };
  }
}

new Background();
serveSession(new SessionKeeper({ url: async () => (await loadApiAddress()).url, createSession, validateSession, deleteSession }));
