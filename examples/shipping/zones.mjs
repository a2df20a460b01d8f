// How far a parcel travels: ZIP codes as places, and the carriers' zones as distances between them.
// A place is the middle of the area that shares the first two digits, which is as fine as the zones are wide.

// Latitude and longitude by the first two digits, in order from 00; the third digit tells apart what lies across the sea.
const middles = [
  [18.2, -66.4], [42.3, -72.2], [42.2, -71.1], [43.3, -71.5], [44.5, -69.5], [44.0, -72.7], [41.6, -72.7], [40.8, -74.2], [39.9, -74.8], null,
  [40.8, -74.0], [40.7, -73.6], [42.5, -73.8], [43.1, -75.9], [42.8, -78.2], [40.4, -79.9], [41.3, -79.2], [40.3, -76.8], [41.0, -75.5], [40.0, -75.3],
  [38.9, -77.1], [39.2, -76.7], [38.5, -78.0], [37.2, -77.0], [37.3, -80.2], [38.2, -81.7], [39.3, -80.2], [35.9, -79.2], [35.2, -80.2], [34.0, -81.0],
  [33.8, -84.3], [32.2, -82.5], [29.9, -82.5], [26.6, -80.9], [27.2, -81.9], [33.7, -86.9], [31.9, -86.9], [35.7, -85.2], [35.0, -89.6], [32.0, -89.6],
  [38.1, -85.5], [38.3, -83.9], [37.0, -87.3], [40.4, -82.9], [41.2, -81.5], [39.5, -83.8], [40.7, -86.2], [39.1, -86.2], [42.8, -83.4], [43.3, -85.4],
  [41.9, -93.6], [42.2, -95.8], [41.9, -91.5], [43.1, -88.6], [44.8, -89.9], [44.9, -93.3], [46.0, -95.0], [44.3, -98.3], [47.2, -99.5], [46.6, -109.5],
  [41.9, -87.8], [41.2, -89.9], [39.2, -89.3], [38.5, -90.8], [39.4, -94.4], [38.0, -92.6], [38.9, -95.6], [37.9, -98.5], [41.0, -96.6], [41.4, -101.5],
  [30.2, -90.6], [32.1, -93.0], [35.2, -92.3], [35.3, -97.8], [36.0, -95.8], [32.8, -96.0], [32.3, -98.0], [29.8, -95.4], [28.8, -98.2], [32.7, -101.9],
  [39.8, -104.9], [38.3, -106.0], [42.9, -107.0], [43.6, -113.5], [40.4, -111.8], [33.1, -111.8], [35.1, -112.6], [35.2, -106.7], [33.3, -105.5], [38.0, -116.5],
  [34.0, -118.2], [34.1, -118.0], [33.4, -117.1], [35.8, -119.4], [37.7, -122.3], [38.0, -121.3], [40.6, -121.9], [44.6, -122.4], [47.4, -122.2], [47.3, -118.5],
];
const overseas = [
  { prefixes: ['006', '007', '008', '009'], at: [18.2, -66.4] },
  { prefixes: ['005'], at: [40.8, -73.1] },
  { prefixes: ['967', '968'], at: [21.3, -157.8] },
  { prefixes: ['969'], at: [13.5, 144.8] },
  { prefixes: ['995', '996', '997', '998', '999'], at: [61.2, -149.9] },
];
const remote = new Set(overseas.flatMap(({ prefixes }) => prefixes).filter((prefix) => prefix !== '005'));
const zoneMilesMax = [[2, 150], [3, 300], [4, 600], [5, 1000], [6, 1400], [7, 1800]];

function place(zip) {
  const far = overseas.find(({ prefixes }) => prefixes.includes(zip.slice(0, 3)));
  return far ? far.at : middles[Number(zip.slice(0, 2))];
}

/** Miles along the great circle between two places. */
export function miles([latitude, longitude], [otherLatitude, otherLongitude]) {
  const radians = Math.PI / 180;
  const [a, b] = [latitude * radians, otherLatitude * radians];
  const half = (angle) => Math.sin(angle / 2) ** 2;
  const between = half(b - a) + Math.cos(a) * Math.cos(b) * half((otherLongitude - longitude) * radians);
  return 2 * 3958.8 * Math.asin(Math.sqrt(between));
}

/** The zone from 2 (near) to 8 (across the country) or 9 (over the sea); undefined where a ZIP code names no place. */
export function zoneBetween(fromZip, toZip) {
  const [from, to] = [place(fromZip), place(toZip)];
  if (!from || !to) return undefined;
  const near = fromZip.slice(0, 3) === toZip.slice(0, 3);
  if (!near && (remote.has(fromZip.slice(0, 3)) || remote.has(toZip.slice(0, 3)))) return 9;
  const distance = miles(from, to);
  return zoneMilesMax.find(([, limit]) => distance <= limit)?.[0] ?? 8;
}
