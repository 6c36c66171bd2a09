// Every call of Adobe's client, as its users make them; what came of each, as JSON, in a line.
// AHREFS_API_BASE_URL and AHREFS_API_KEY are where it asks and as whom: the client's own variables.

import { File } from 'node:buffer';

globalThis.File ??= File; // what the client imports needs it, and Debian 12's node 18 hides it
const { default: AhrefsAPIClient } = await import('@adobe/spacecat-shared-ahrefs-client');

const said = [];
const log = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map((level) => [level, (text) => said.push(String(text))]),
);
const client = AhrefsAPIClient.createFrom({ env: process.env, log });

const SITE = 'shop.example';
const CALLS = [
  ['getBrokenBacklinks', SITE],
  ['getBrokenBacklinks', SITE, 20],
  ['getTopPages', SITE],
  ['getBacklinks', SITE],
  ['getBacklinks', SITE, 30],
  ['getOrganicTraffic', SITE, '2025-01-01', '2025-12-31'],
  ['getOrganicKeywords', SITE],
  ['getOrganicKeywords', SITE, { country: 'gb', limit: 100, excludeBranded: true }],
  ['getOrganicKeywords', SITE, { keywordFilter: ['buy', 'best'], mode: 'exact' }],
  ['getOrganicKeywords', SITE, { keywordFilter: ['cheap'], excludeBranded: true, limit: 50 }],
  ['getPaidPages', SITE],
  ['getPaidPages', SITE, '2025-11-10', 50, 'exact'],
  ['getMetrics', SITE],
  ['getMetricsByCountry', SITE, '2025-11-10'],
  ['getLimitsAndUsage'],
];

for (const [name, ...given] of CALLS) {
  said.length = 0;
  let outcome;
  try {
    outcome = { result: (await client[name](...given)).result };
  } catch (error) {
    outcome = { error: error.message };
  }
  const cost = /total cost: (\d+)/.exec(said.join('\n'));
  console.log(JSON.stringify({ name, ...outcome, cost: cost && Number(cost[1]) }));
}
process.stdout.write('', () => process.exit(0)); // its connections would keep it
