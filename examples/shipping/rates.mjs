// What each carrier asks for a parcel: a base price, a step for each zone and a price a pound that grows with the zone.
// Prices are dollars, weights pounds. Made for this example: real carriers publish tables of their own each year.
import { zoneBetween } from './zones.mjs';

export class Refused extends Error {}

// `days` are working days by zone, from zone 2 to zone 9; `code` is what the carrier writes into its tracking number.
const services = [
  { carrier: 'USPS', service: 'Ground Advantage', base: 5.25, step: 0.55, pound: 0.48, poundsMax: 70, days: [2, 3, 3, 4, 4, 5, 5, 8], code: '92' },
  { carrier: 'USPS', service: 'Priority Mail', base: 8.7, step: 0.85, pound: 0.72, poundsMax: 70, days: [1, 2, 2, 2, 3, 3, 3, 4], code: '94' },
  { carrier: 'USPS', service: 'Priority Mail Express', base: 28.75, step: 2.4, pound: 2.1, poundsMax: 70, days: [1, 1, 1, 1, 2, 2, 2, 2], code: '95' },
  { carrier: 'UPS', service: 'Ground', base: 9.4, step: 0.5, pound: 0.41, poundsMax: 150, days: [1, 1, 2, 3, 4, 4, 5, 7], code: '03' },
  { carrier: 'UPS', service: '2nd Day Air', base: 18.6, step: 2.1, pound: 1.35, poundsMax: 150, days: [2, 2, 2, 2, 2, 2, 2, 3], code: '02' },
  { carrier: 'UPS', service: 'Next Day Air', base: 34.9, step: 4.2, pound: 2.6, poundsMax: 150, days: [1, 1, 1, 1, 1, 1, 1, 2], code: '01' },
  { carrier: 'FedEx', service: 'Ground', base: 9.15, step: 0.54, pound: 0.43, poundsMax: 150, days: [1, 2, 2, 3, 4, 4, 5, 7], code: '96' },
  { carrier: 'FedEx', service: '2Day', base: 19.25, step: 1.95, pound: 1.3, poundsMax: 150, days: [2, 2, 2, 2, 2, 2, 2, 3], code: '79' },
  { carrier: 'FedEx', service: 'Priority Overnight', base: 36.4, step: 4.05, pound: 2.75, poundsMax: 150, days: [1, 1, 1, 1, 1, 1, 1, 2], code: '80' },
];

function priced(row, zone, weight) {
  const steps = zone - 2;
  const pounds = Math.ceil(weight);
  const price = row.base + row.step * steps + row.pound * (pounds - 1) * (1 + 0.12 * steps);
  const days = row.days[steps];
  return { carrier: row.carrier, service: row.service, price: Math.round(price * 100) / 100, eta: days === 1 ? '1 day' : `${days} days` };
}

function zoneOf(from_zip, to_zip) {
  const zone = zoneBetween(from_zip, to_zip);
  if (zone === undefined) throw new Refused(`No carrier goes from ${from_zip} to ${to_zip}`);
  return zone;
}

/** All offers for a parcel, the cheapest first: [{carrier, service, price, eta}]. Throws Refused when there is none. */
export function quotesFor({ from_zip, to_zip, weight }) {
  const zone = zoneOf(from_zip, to_zip);
  const willing = services.filter(({ poundsMax }) => weight <= poundsMax);
  if (willing.length === 0) throw new Refused(`No carrier takes ${weight} lb; 150 lb is the most`);
  return willing.map((row) => priced(row, zone, weight)).sort((a, b) => a.price - b.price);
}

const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The row of a carrier's service, however it is spelled, and the days that it takes. Throws Refused and says what there is. */
export function serviceFor({ carrier, service_type, from_zip, to_zip, weight }) {
  const ofCarrier = services.filter((row) => plain(row.carrier) === plain(carrier));
  if (ofCarrier.length === 0) {
    throw new Refused(`Unknown carrier: ${carrier}; there are ${[...new Set(services.map((row) => row.carrier))].join(', ')}`);
  }
  const row = ofCarrier.find(({ service }) => plain(service) === plain(service_type));
  if (!row) throw new Refused(`Unknown service_type: ${service_type}; ${ofCarrier[0].carrier} has ${ofCarrier.map(({ service }) => service).join(', ')}`);
  if (weight > row.poundsMax) throw new Refused(`${row.carrier} ${row.service} takes at most ${row.poundsMax} lb`);
  return { ...row, workingDays: row.days[zoneOf(from_zip, to_zip) - 2] };
}
