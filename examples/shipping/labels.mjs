// Shipping labels: what a carrier needs to know, checked; a tracking number; and the page that one prints and glues on.
import { randomUUID } from 'node:crypto';
import QRCode from 'qrcode';

import { serviceFor } from './rates.mjs';
import { barcodeSvg, trackingNumber } from './tracking.mjs';

const labelsMax = 1_000;

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

// Carriers count days on which they deliver; the day of today is not one of them.
function dayAfter(workingDays, today) {
  const day = new Date(today);
  for (let left = workingDays; left > 0;) {
    day.setUTCDate(day.getUTCDate() + 1);
    if (day.getUTCDay() !== 0 && day.getUTCDay() !== 6) left -= 1;
  }
  return day.toISOString().slice(0, 10);
}

const address = (parameters, side) => Object.fromEntries(
  ['name', 'street', 'city', 'state', 'zip'].map((field) => [field, parameters[`${side}_${field}`]]),
);

/** The labels made so far, the last 1,000 of them, in memory. */
export class Labels {
  #labels = new Map();

  /** Makes a label from checked parameters and keeps it; throws Refused for a service that the carrier does not have. */
  create(parameters) {
    const [shipper, recipient] = [address(parameters, 'shipper'), address(parameters, 'recipient')];
    const row = serviceFor({ ...parameters, from_zip: shipper.zip, to_zip: recipient.zip });
    const label = {
      id: randomUUID(), carrier: row.carrier, service: row.service, number: trackingNumber(row.carrier, row.code),
      due: dayAfter(row.workingDays, Date.now()), weight: parameters.weight, shipper, recipient,
    };
    this.#labels.set(label.id, label);
    if (this.#labels.size > labelsMax) this.#labels.delete(this.#labels.keys().next().value);
    return label;
  }

  find(id) {
    return this.#labels.get(id);
  }
}

/** A QR code as SVG, dark on light whatever is around it. On a screen level L will do; paper is folded and scratched: M. */
export function qrSvg(text, errorCorrectionLevel = 'M') {
  return QRCode.toString(text, { type: 'svg', errorCorrectionLevel, margin: 2 });
}

const grouped = (number) => (number.startsWith('1Z')
  ? number.replace(/^(1Z)(...)(...)(..)(....)(....)$/, '$1 $2 $3 $4 $5 $6')
  : number.replace(/(....)(?=.)/g, '$1 '));

const written = ({ name, street, city, state, zip }) => `${escaped(name)}<br>${escaped(street)}<br>${escaped(city)}, ${escaped(state)} ${escaped(zip)}`;

/** The label as a page, 4 by 6 inches when printed. `own` is its address, which its QR code holds. */
export async function labelPage(label, own) {
  const due = new Date(`${label.due}T00:00:00Z`).toLocaleDateString('en-US', { weekday: 'long', month: 'long', day: 'numeric', timeZone: 'UTC' });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Label ${escaped(label.number)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/label.css">
</head>
<body>
<main class="label">
  <header><strong>${escaped(label.carrier)}</strong><span>${escaped(label.service)}</span></header>
  <section class="from"><h2>From</h2><p>${written(label.shipper)}</p><p class="weight">${escaped(label.weight)} lb</p></section>
  <section class="to"><h2>Ship to</h2><p>${written(label.recipient)}</p></section>
  <section class="route"><div class="qr">${await qrSvg(own)}</div><p><b>${escaped(label.recipient.zip.slice(0, 5))}</b><span>Deliver by ${escaped(due)}</span></p></section>
  <section class="bars"><h2>Tracking number</h2>${barcodeSvg(label.number)}<p>${escaped(grouped(label.number))}</p></section>
</main>
<p class="note">A sample: no carrier has been asked to collect this parcel.</p>
</body>
</html>
`;
}
