// Pictures of what a window shows, small enough for one frame.
// Invariant: the data URL is at most `dataUrlCharactersMax` long, and `format` says what it really holds.
import type { Page } from './debuggee';
import type { Data } from './tabs';

export const dataUrlCharactersMax = 950_000;

type Format = 'png' | 'jpeg';

export interface Shot {
  format: Format;
  quality: number;
}

/** Reads what kind of picture is wanted; throws when there is no such kind. */
export function readShot(data: Data): Shot {
  const format = data['format'] ?? 'png';
  if (format !== 'png' && format !== 'jpeg' && format !== 'jpg') throw new Error(`format must be png or jpeg, not ${JSON.stringify(format)}`);
  const quality = Number(data['quality'] ?? 90);
  if (!(quality >= 0 && quality <= 100)) throw new Error('quality must be a number from 0 to 100');
  return { format: format === 'png' ? 'png' : 'jpeg', quality: Math.round(quality) };
}

/** What to try, best first: the picture that was asked for, then ever smaller ones. */
export function attemptsFor(shot: Shot): Shot[] {
  const qualities = [85, 70, 55, 40, 25, 10].filter((quality) => shot.format === 'png' || quality < shot.quality);
  return [shot, ...qualities.map((quality): Shot => ({ format: 'jpeg', quality }))];
}

/** Takes the picture through the debugger, which unlike Chrome's own function has no quota of two a second. */
export async function captureShown(page: Page, shot: Shot): Promise<Data> {
  for (const { format, quality } of attemptsFor(shot)) {
    const { data } = await page.send<{ data: string }>(
      'Page.captureScreenshot', { format, ...(format === 'jpeg' ? { quality } : {}) });
    const dataUrl = `data:image/${format};base64,${data}`;
    if (dataUrl.length <= dataUrlCharactersMax) return { dataUrl, format };
  }
  throw new Error('The picture is too large for one frame, even at the lowest quality');
}
