// The parameters of the two tools, checked the way their callers expect: the first one that is missing or wrong is named.
import { Refused } from './rates.mjs';

const people = ['shipper', 'recipient'].flatMap((side) => ['name', 'street', 'city', 'state', 'zip'].map((field) => `${side}_${field}`));
const textCharactersMax = 200;

function text(parameters, name) {
  const value = parameters[name];
  if (value === undefined || value === null || value === '') throw new Refused(`Missing required parameter: ${name}`);
  if (typeof value !== 'string' || value.length > textCharactersMax) throw new Refused(`Invalid parameter: ${name} must be a text of at most ${textCharactersMax} characters`);
  return value.trim();
}

// A model writes 94105 as often as "94105", and a number has lost its leading zeros.
function zip(parameters, name) {
  const value = parameters[name];
  const given = Number.isInteger(value) && value > 0 ? String(value).padStart(5, '0') : text(parameters, name);
  if (!/^\d{5}(-\d{4})?$/.test(given)) throw new Refused(`Invalid parameter: ${name} must be a ZIP code such as 94105`);
  return given;
}

function weight(parameters) {
  const value = parameters.weight;
  if (value === undefined || value === null || value === '') throw new Refused('Missing required parameter: weight');
  const pounds = Number(value);
  if (!['number', 'string'].includes(typeof value) || !Number.isFinite(pounds) || pounds <= 0) throw new Refused('Invalid parameter: weight must be a number of pounds above 0');
  return pounds;
}

/** {from_zip, to_zip, weight}, or throws Refused. */
export function quoteRequest(parameters) {
  return { from_zip: zip(parameters, 'from_zip'), to_zip: zip(parameters, 'to_zip'), weight: weight(parameters) };
}

/** {carrier, service_type, shipper_*, recipient_*, weight}, or throws Refused. */
export function labelRequest(parameters) {
  const checked = { carrier: text(parameters, 'carrier'), service_type: text(parameters, 'service_type') };
  for (const name of people) checked[name] = (name.endsWith('_zip') ? zip : text)(parameters, name);
  return { ...checked, weight: weight(parameters) };
}
