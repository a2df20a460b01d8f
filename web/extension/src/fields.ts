// What a scrape takes from each element: `{name: "css::text" | "css::attribute"}` turned into plain steps.
// Pure.

/** `css` is empty for the element itself; `attribute` is absent when the text is wanted. */
export interface Field {
  name: string;
  css: string;
  attribute?: string;
}

const attributePattern = /^[a-zA-Z_][\w.:-]*$/;

/** Throws an Error that names the field when one cannot be read. No fields at all means the text of each element, as `text`. */
export function parseFields(fields: unknown): Field[] {
  if (fields === undefined || fields === null) return [{ name: 'text', css: '' }];
  if (typeof fields !== 'object' || Array.isArray(fields)) throw new Error('fields must be an object such as {"title": ".css::text"}');
  const entries = Object.entries(fields);
  if (entries.length === 0) return [{ name: 'text', css: '' }];
  return entries.map(([name, text]) => parseField(name, text));
}

function parseField(name: string, text: unknown): Field {
  if (typeof text !== 'string') throw new Error(`fields.${name} must be text such as ".css::text"`);
  const at = text.lastIndexOf('::');
  if (at < 0) return { name, css: text.trim() };
  const css = text.slice(0, at).trim();
  const wanted = text.slice(at + 2).trim();
  if (wanted === 'text') return { name, css };
  const attribute = /^attr\((.*)\)$/.exec(wanted)?.[1]?.trim() ?? wanted;
  if (!attributePattern.test(attribute)) throw new Error(`fields.${name}: "${wanted}" is neither "text" nor the name of an attribute`);
  return { name, css, attribute };
}
