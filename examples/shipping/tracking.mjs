// Tracking numbers in the form of each carrier, with its check digit; and Code 128, the bars in which labels carry them.
import { randomInt } from 'node:crypto';

const digits = (count) => Array.from({ length: count }, () => randomInt(10)).join('');
const sum = (text, weight) => [...text].reduce((total, digit, at) => total + Number(digit) * weight(at), 0);
const upToTen = (total) => (10 - (total % 10)) % 10;

// UPS counts letters as digits, A as 2, and doubles every second place.
function upsCheck(text) {
  const numbers = [...text].map((sign) => (/\d/.test(sign) ? sign : String((sign.charCodeAt(0) - 63) % 10))).join('');
  return upToTen(sum(numbers, (at) => (at % 2 === 0 ? 1 : 2)));
}

const fedexCheck = (text) => (sum(text, (at) => [3, 1, 7][at % 3]) % 11) % 10;
const uspsCheck = (text) => upToTen(sum(text, (at) => ((text.length - at) % 2 === 1 ? 3 : 1)));

const forms = {
  UPS: { make: (code) => `1ZSJRN88${code}${digits(7)}`, known: /^1Z([0-9A-Z]{15})(\d)$/, check: upsCheck },
  FedEx: { make: (code) => `${code}${digits(9)}`, known: /^(\d{11})(\d)$/, check: fedexCheck },
  USPS: { make: (code) => `${code}${digits(19)}`, known: /^(\d{21})(\d)$/, check: uspsCheck },
};

/** A new tracking number of the carrier; `code` is the two digits that it gives to the service. */
export function trackingNumber(carrier, code) {
  const { make, check } = forms[carrier];
  const body = make(code);
  return body + check(body.replace(/^1Z/, ''));
}

/** Whether the text has the form of the carrier's numbers and its check digit is right. */
export function isTrackingNumber(carrier, text) {
  const { known, check } = forms[carrier];
  const [, body, digit] = known.exec(text) ?? [];
  return body !== undefined && check(body) === Number(digit);
}

// Widths of bars and gaps of the 106 signs of Code 128 and its stop, as ISO/IEC 15417 lists them.
const patterns = ('212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 '
  + '123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 '
  + '131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 '
  + '213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 '
  + '112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 '
  + '421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 '
  + '2331112').split(' ');
const startB = 104;
const stop = 106;

/** An SVG of the text (printable ASCII) as Code 128 B, one unit a module, with its quiet zones; it stretches to its box. */
export function barcodeSvg(text) {
  const values = [...text].map((sign) => sign.charCodeAt(0) - 32);
  const check = values.reduce((total, value, at) => total + value * (at + 1), startB) % 103;
  let [at, bars] = [10, ''];
  for (const value of [startB, ...values, check, stop]) {
    [...patterns[value]].forEach((width, place) => {
      if (place % 2 === 0) bars += `M${at} 0h${width}v60h-${width}z`;
      at += Number(width);
    });
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${at + 10} 60" preserveAspectRatio="none" shape-rendering="crispEdges" role="img" aria-label="Bars of ${text}"><path d="${bars}"/></svg>`;
}
