// The whole of the package for those who build on it.
export { SojournClient } from './client';
export { SojournError, type ClientCode } from './errors';
export type * from './types';
