// The types of session_monitor.mjs, which are those of the script beside it.
export * from './session_monitor.js';
export { SessionMonitor as default } from './session_monitor.js';
