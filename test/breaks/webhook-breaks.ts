import type { Break } from './break.ts'

const DELIVERIES = 'src/node/webhooks/deliveries.ts'
const RECEIVERS = 'src/node/webhooks/receivers.ts'
const WEBHOOKS_TEST = 'test/node/webhooks/webhooks.test.ts'
const RECEIVERS_TEST = 'test/node/webhooks/receivers.test.ts'
const SIGNATURES_TEST = 'test/node/webhooks/signatures.test.ts'

/** What leads out of a node, and what must arrive. */
export const webhookBreaks: readonly Break[] = [
  {
    name: 'a name is connected to wherever it leads',
    file: RECEIVERS,
    from: 'addresses.filter(({ address }) => this.isAllowed(address))',
    to: 'addresses',
    caughtBy: RECEIVERS_TEST,
  },
  {
    name: 'an address in a URL is called unseen',
    file: RECEIVERS,
    from: 'if (literal !== undefined && !this.isAllowed(literal))',
    to: "if (literal === '')",
    caughtBy: RECEIVERS_TEST,
  },
  {
    name: 'an IPv6 address that stands for an IPv4 one is public',
    file: 'src/node/webhooks/addresses.ts',
    from: "'2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'",
    to: "'2001:db8::/32', '3fff::/20'",
    caughtBy: RECEIVERS_TEST,
  },
  {
    name: 'a secret that was replaced signs for ever',
    file: 'src/node/webhooks/signatures.ts',
    from: 'at < until',
    to: 'at < until + 1e15',
    caughtBy: SIGNATURES_TEST,
  },
  {
    name: 'a message is tried for ever',
    file: 'src/node/webhooks/retry-times.ts',
    from: 'return next - first > RETRIED_FOR_MS ? undefined : next',
    to: 'return next',
    caughtBy: SIGNATURES_TEST,
  },
  {
    name: 'what is not taken is gone',
    file: DELIVERIES,
    from: "if (due === undefined) {\n      report.delivered('given_up')",
    to: "if (due !== undefined) {\n      report.delivered('given_up')",
    caughtBy: WEBHOOKS_TEST,
  },
  {
    name: 'a key that was revoked goes on being told',
    file: DELIVERIES,
    from: "if (caller?.roles.includes('reader') === true) {",
    to: 'if (running.checkedAt > Number.NEGATIVE_INFINITY || caller !== undefined) {',
    caughtBy: WEBHOOKS_TEST,
  },
  {
    name: 'a restore gives other messages the same ids',
    file: 'src/node/maintenance/backup.ts',
    from: '    renewEpochOf(webhooksPath(dir))\n',
    to: '',
    caughtBy: WEBHOOKS_TEST,
  },
  {
    name: 'webhooks are told what others made',
    file: 'src/node/webhooks/webhooks.ts',
    from: 'return owner.hasAll || holder === owner.holder',
    to: "return owner.hasAll || holder !== ''",
    caughtBy: WEBHOOKS_TEST,
  },
  {
    name: 'webhooks are sent by a node in one process alone',
    file: 'src/node/node.ts',
    from: 'if (projections !== undefined) {\n    const { standing } = callers',
    to: "if (projections !== undefined && role === 'node') {\n    const { standing } = callers",
    caughtBy: 'test/node/roles.test.ts',
  },
  {
    name: 'what was told of an entry is told once more',
    file: 'src/node/webhooks/messages.ts',
    from: 'if (index === from && place < part) return',
    to: '',
    caughtBy: WEBHOOKS_TEST,
  },
]
