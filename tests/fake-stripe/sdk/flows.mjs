// The official Node SDK drives the stand-in through the flows that the shop uses, and signs webhooks for the shop's verifier.
//
// Usage: node flows.mjs http://127.0.0.1:PORT/ SIGNED.json

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import Stripe from 'stripe';

const base = new URL(process.argv[2]);
const stripe = new Stripe('sk_test_sdk', {
  host: base.hostname,
  port: Number(base.port),
  protocol: 'http',
  maxNetworkRetries: 0,
});
const control = async (what, params) => {
  const answer = await fetch(new URL(`_test/${what}?${new URLSearchParams(params)}`, base));
  return answer.json();
};
const refusal = async (promise, code) => {
  await assert.rejects(promise, (error) => error instanceof Stripe.errors.StripeError && error.code === code);
};

const session = await stripe.checkout.sessions.create(
  {
    mode: 'payment',
    client_reference_id: 'order-1',
    success_url: 'http://localhost/',
    cancel_url: 'http://localhost/',
    line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'Fox' } } }],
    payment_intent_data: { transfer_group: 'order-1' },
  },
  { idempotencyKey: 'checkout:order-1:0' },
);
assert.equal(session.status, 'open');
assert.equal((await control('pay', { session: session.id, card: '4242424242424242', country: 'US' })).paid, true);
const paid = await stripe.checkout.sessions.retrieve(session.id, {
  expand: ['payment_intent.latest_charge.balance_transaction', 'line_items'],
});
assert.equal(paid.payment_status, 'paid');
const charge = paid.payment_intent.latest_charge;
assert.equal(charge.balance_transaction.fee, 59);
assert.equal(paid.line_items.data[0].amount_total, 1000);
await assert.rejects(stripe.checkout.sessions.expire(session.id));

const account = await stripe.accounts.create({
  country: 'DE',
  controller: { fees: { payer: 'application' }, losses: { payments: 'application' }, stripe_dashboard: { type: 'express' } },
  capabilities: { card_payments: { requested: true }, transfers: { requested: true } },
});
const link = await stripe.accountLinks.create({
  account: account.id,
  type: 'account_onboarding',
  return_url: 'http://localhost/',
  refresh_url: 'http://localhost/',
});
assert.match(link.url, /^https:/);
const send = (key) =>
  stripe.transfers.create(
    { currency: 'usd', amount: 800, destination: account.id, source_transaction: charge.id, transfer_group: 'order-1', metadata: { op: 'o1' } },
    { idempotencyKey: key },
  );
await refusal(send('a:1'), 'transfers_not_allowed');
await control('onboard', { account: account.id, bank: '000123456789' });
await refusal(send('a:1'), 'transfers_not_allowed'); // saved for the key
const transfer = await send('b:1');
assert.equal((await send('b:1')).id, transfer.id);
const found = await stripe.transfers.list({ transfer_group: 'order-1' });
assert.deepEqual(found.data.map((one) => one.metadata.op), ['o1']);
const reversal = await stripe.transfers.createReversal(transfer.id, { amount: 300 });
assert.equal(reversal.transfer, transfer.id);

const refund = await stripe.refunds.create({ charge: charge.id, amount: 400 }, { idempotencyKey: 'r:1' });
assert.equal(refund.status, 'succeeded');
await refusal(stripe.refunds.create({ charge: charge.id, amount: 700 }), 'charge_already_refunded');
await assert.rejects(
  stripe.refunds.create({ charge: charge.id, amount: 1 }, { idempotencyKey: 'r:1' }),
  (error) => error instanceof Stripe.errors.StripeIdempotencyError,
);
await control('fault', { path: 'refunds', fault: 'too-many' });
await assert.rejects(stripe.refunds.create({ charge: charge.id, amount: 1 }), (error) => error instanceof Stripe.errors.StripeRateLimitError);

await control('dispute', { charge: charge.id, reason: 'product_not_received' });
const listed = [];
for await (const event of stripe.events.list({ limit: 3 })) listed.push(event.type);
assert.ok(listed.includes('charge.dispute.funds_withdrawn') && listed.includes('checkout.session.completed'));
await refusal(stripe.refunds.create({ charge: charge.id, amount: 1 }), 'charge_disputed');

await control('advance', { seconds: 0 });
await control('advance', { seconds: 3 * 86400 });
const payouts = await stripe.payouts.list({}, { stripeAccount: account.id });
assert.deepEqual(payouts.data.map((payout) => [payout.amount, payout.status]), [[500, 'paid']]);
const balance = await stripe.balance.retrieve();
const transactions = await stripe.balanceTransactions.list({ limit: 100 });
const sum = transactions.data.reduce((total, one) => total + one.net, 0);
assert.equal(balance.available[0].amount + balance.pending[0].amount, sum);

// The SDK accepts what the stand-in signs, and signs what the shop must accept.
const payload = JSON.stringify({ id: 'evt_sdk', object: 'event', type: 'payout.paid', created: 1, livemode: false, data: { object: { id: 'po_1' } } });
const signed = await control('sign', { secret: 'whsec_x', body: payload, time: String(Math.floor(Date.now() / 1000)) });
assert.equal(stripe.webhooks.constructEvent(payload, signed.header, 'whsec_x').id, 'evt_sdk');
const timestamp = 1_800_000_000;
const header = stripe.webhooks.generateTestHeaderString({ payload, secret: 'whsec_y', timestamp });
writeFileSync(process.argv[3], JSON.stringify({ payload, header, secret: 'whsec_y', timestamp }));
console.log('the official SDK agrees');
