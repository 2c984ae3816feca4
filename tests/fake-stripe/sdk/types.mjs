// Type-checks what we send and what the stand-in answers against the official package's TypeScript types, as literals with
// `satisfies`: an invented parameter, a wrong type or a missing field is an error. Values of open enums are not caught.
//
// Usage: node types.mjs FOLDER

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const dumps = readdirSync(process.argv[2]).map((name) => JSON.parse(readFileSync(join(process.argv[2], name), 'utf8')));
const dump = {
  requests: dumps.flatMap((one) => one.requests),
  objects: dumps.flatMap((one) => Object.values(one.objects)),
  events: dumps.flatMap((one) => one.events),
  lines: dumps.flatMap((one) => Object.values(one.lines)),
};

const REQUESTS = [
  [/^POST checkout\/sessions$/, 'Stripe.Checkout.SessionCreateParams'],
  [/^POST checkout\/sessions\/[^/]+\/expire$/, 'Stripe.Checkout.SessionExpireParams'],
  [/^GET checkout\/sessions\/[^/]+$/, 'Stripe.Checkout.SessionRetrieveParams'],
  [/^POST refunds$/, 'Stripe.RefundCreateParams'],
  [/^GET refunds$/, 'Stripe.RefundListParams'],
  [/^GET refunds\/[^/]+$/, 'Stripe.RefundRetrieveParams'],
  [/^POST disputes\/[^/]+$/, 'Stripe.DisputeUpdateParams'],
  [/^POST disputes\/[^/]+\/close$/, 'Stripe.DisputeCloseParams'],
  [/^GET disputes\/[^/]+$/, 'Stripe.DisputeRetrieveParams'],
  [/^GET radar\/early_fraud_warnings\/[^/]+$/, 'Stripe.Radar.EarlyFraudWarningRetrieveParams'],
  [/^POST accounts$/, 'Stripe.AccountCreateParams'],
  [/^GET accounts\/[^/]+$/, 'Stripe.AccountRetrieveParams'],
  [/^POST account_links$/, 'Stripe.AccountLinkCreateParams'],
  [/^POST transfers$/, 'Stripe.TransferCreateParams'],
  [/^GET transfers$/, 'Stripe.TransferListParams'],
  [/^POST transfers\/[^/]+\/reversals$/, 'Stripe.TransferCreateReversalParams'],
  [/^GET transfers\/[^/]+\/reversals$/, 'Stripe.TransferListReversalsParams'],
  [/^GET payouts$/, 'Stripe.PayoutListParams'],
  [/^GET payouts\/[^/]+$/, 'Stripe.PayoutRetrieveParams'],
  [/^GET balance$/, 'Stripe.BalanceRetrieveParams'],
  [/^GET balance_transactions$/, 'Stripe.BalanceTransactionListParams'],
  [/^GET events$/, 'Stripe.EventListParams'],
];

// A line's price holds a decimal class of the SDK's own; an account's fields vary by stub.
const OBJECTS = {
  'checkout.session': 'Stripe.Checkout.Session',
  payment_intent: 'Stripe.PaymentIntent',
  charge: 'Stripe.Charge',
  balance_transaction: 'Stripe.BalanceTransaction',
  refund: 'Stripe.Refund',
  dispute: 'Stripe.Dispute',
  'radar.early_fraud_warning': 'Stripe.Radar.EarlyFraudWarning',
  account: 'Stripe.Account',
  transfer: 'Stripe.Transfer',
  transfer_reversal: 'Stripe.TransferReversal',
  payout: 'Stripe.Payout',
};

const NUMBERS = new Set(['amount', 'unit_amount', 'quantity', 'limit', 'gte']);

// A form knows only text; the SDK's types know numbers and booleans.
function typed(key, value) {
  if (Array.isArray(value)) return value.map((item) => typed(key, item));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, typed(name, part)]));
  }
  if (NUMBERS.has(key) && /^-?\d+$/.test(value)) return Number(value);
  return value === 'true' ? true : value === 'false' ? false : value;
}

const lines = ["import type Stripe from 'stripe';"];
const seen = new Map();
function judge(type, value, what) {
  const text = JSON.stringify(value);
  const key = `${type} ${text}`;
  if (seen.has(key)) return;
  seen.set(key, what);
  lines.push(`export const v${seen.size} = ${text} satisfies ${type};`);
}

for (const { method, path, params } of dump.requests) {
  const name = `${method} ${path}`;
  const found = REQUESTS.find(([pattern]) => pattern.test(name));
  if (!found) throw new Error(`nobody knows the type of ${name}`);
  judge(found[1], typed('', params), name);
}
const kinds = new Set();
for (const object of dump.objects) {
  const type = OBJECTS[object.object];
  if (!type) throw new Error(`nobody knows the type of ${object.object}`);
  kinds.add(object.object);
  judge(`Omit<${type}, 'lastResponse'>`, object, object.id);
}
for (const item of dump.lines.flat()) {
  const { price, ...rest } = item;
  judge(`Omit<Stripe.LineItem, 'lastResponse' | 'price'>`, rest, item.id);
  const { unit_amount_decimal, ...known } = price;
  judge(`Omit<Stripe.Price, 'lastResponse' | 'unit_amount_decimal'>`, known, price.id);
}
for (const event of dump.events) {
  const { data, type, ...head } = event;
  judge(`Stripe.Event['type']`, type, event.id);
  judge(`Omit<Stripe.EventBase, 'data' | 'type' | 'lastResponse'>`, head, event.id);
}

writeFileSync('judged.ts', lines.join('\n'));
const program = ts.createProgram(['judged.ts'], {
  strict: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  skipLibCheck: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
});
const errors = ts.getPreEmitDiagnostics(program);
for (const error of errors.slice(0, 20)) {
  const at = error.file?.getLineAndCharacterOfPosition(error.start ?? 0).line ?? 0;
  const text = ts.flattenDiagnosticMessageText(error.messageText, '\n');
  console.error(`${[...seen.values()][at - 1] ?? ''}: ${text}`);
}
console.log(`${seen.size} literals of ${dump.requests.length} requests and ${kinds.size} kinds of objects, ${errors.length} errors`);
process.exit(errors.length ? 1 : 0);
