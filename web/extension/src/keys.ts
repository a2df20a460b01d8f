// Which keys a text is typed with.
// Pure.

export interface Key {
  key: string;
  code: string;
  /** What the key writes. */
  text: string;
  windowsVirtualKeyCode: number;
}

/** The key of a character, or undefined for one that no plain keyboard has: that is inserted as it stands. */
export function keyOf(character: string): Key | undefined {
  if (character === '\n' || character === '\r') return { key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 };
  if (character === '\t') return { key: 'Tab', code: 'Tab', text: '', windowsVirtualKeyCode: 9 };
  if (character === ' ') return { key: ' ', code: 'Space', text: ' ', windowsVirtualKeyCode: 32 };
  const upper = character.toUpperCase();
  if (/^[A-Z]$/.test(upper)) return { key: character, code: `Key${upper}`, text: character, windowsVirtualKeyCode: upper.charCodeAt(0) };
  if (/^[0-9]$/.test(character)) return { key: character, code: `Digit${character}`, text: character, windowsVirtualKeyCode: character.charCodeAt(0) };
  if (/^[!-~]$/.test(character)) return { key: character, code: '', text: character, windowsVirtualKeyCode: 0 };
  return undefined;
}

/** The characters of a text as a person sees keys: a carriage return with its line feed is one Enter. */
export function charactersOf(text: string): string[] {
  return [...text.replace(/\r\n/g, '\n')];
}
