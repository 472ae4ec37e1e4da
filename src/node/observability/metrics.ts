import { X509Certificate } from 'node:crypto'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { memberOf } from '../../aggregates/contract/state.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { type Backlog, waitingIn } from '../../contracts/passive/backlog.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { type Handle, requestKey } from '../../events/ids.ts'
import type { GossipReport } from '../../gossip/gossip-report.ts'
import type { ProjectionRunner } from '../../projections/runner.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Obstacles } from './obstacles.ts'

/** From signed to settled: a local network takes milliseconds, people take hours. */
const SETTLING_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600]
/** Own requests that are timed at once; beyond that new ones are not. */
const TIMED_MAX = 100_000

/**
 * What an operator watches, in the terms of Prometheus. Labels are parties, codes and outcomes: their number is bounded
 * by the directory, not by the contracts. No values, no titles, no names of elements (decision 0090).
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #clock: Clock
  readonly #signedAt = new Map<string, number>()
  readonly #settling
  readonly #settled
  readonly #refused
  readonly #proofs
  readonly #failures
  readonly #storeFailures

  constructor(clock: Clock) {
    this.#clock = clock
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    this.#settling = new Histogram({
      name: 'concordata_settling_seconds',
      help: 'Own requests, from signed to settled by everybody.',
      buckets: SETTLING_SECONDS,
      registers,
    })
    this.#settled = new Counter({
      name: 'concordata_settled_entries_total',
      help: 'Ledger entries that have settled since the start.',
      labelNames: ['outcome'] as const,
      registers,
    })
    this.#refused = new Counter({
      name: 'concordata_statements_refused_total',
      help: 'Statements that came and were not valid.',
      labelNames: ['peer', 'code'] as const,
      registers,
    })
    this.#proofs = new Counter({
      name: 'concordata_misbehaviour_total',
      help: 'Parties that signed two statements for one place (equivocation), or a head that is not that of the ledger (divergence).',
      labelNames: ['party', 'kind'] as const,
      registers,
    })
    this.#failures = new Counter({
      name: 'concordata_exchange_failures_total',
      help: 'Calls to a peer that did not come about.',
      labelNames: ['peer'] as const,
      registers,
    })
    this.#storeFailures = new Counter({
      name: 'concordata_store_failures_total',
      help: 'Writes whose outcome was unknown.',
      registers,
    })
  }

  /** For Prometheus: the text of the exposition format, and its media type. */
  async expose(): Promise<{ readonly text: string; readonly mediaType: string }> {
    return { text: await this.#registry.metrics(), mediaType: this.#registry.contentType }
  }

  /**
   * Listens to the contracts, and counts what is under way in them whenever it is asked. `known`: the parties that get a label of
   * their own; all others, which a member may have made up, share the empty one. Returns a function that stops listening.
   */
  watch(contracts: Contracts, known: () => ReadonlySet<Handle>): () => void {
    this.#showContracts(contracts)
    this.#showUnderWay(contracts)
    this.#showParties(contracts, known)
    return contracts.listen({
      news: (live, { made }) => {
        if (made !== undefined) this.#signed(live, made)
      },
      settled: (live, entries) => this.#countSettled(live, entries),
      equivocated: (_, found) => {
        for (const { party } of found) this.#proofs.inc({ party: labelOf(party, known()), kind: 'equivocation' })
      },
      diverged: (_, found) => {
        for (const { party } of found) this.#proofs.inc({ party: labelOf(party, known()), kind: 'divergence' })
      },
      failed: () => this.#storeFailures.inc(),
    })
  }

  /** How many there are, and what is kept for those that are not joined, or not held so far. */
  #showContracts(contracts: Contracts): void {
    this.#gauge('concordata_contracts', 'Contracts that are held.', () => contracts.size)
    this.#gauge(
      'concordata_contracts_active',
      'Contracts that are in memory.',
      () => [...contracts.cache.active()].length,
    )
    this.#gauge(
      'concordata_statements_ahead_bytes',
      'Memory that statements take which run ahead of what is held, nearly.',
      () => contracts.reorderBuffer.bytes,
    )
    this.#gauge(
      'concordata_statements_ahead_given_up',
      'Statements that ran ahead and were given up for want of room since the start.',
      () => total(contracts.reorderBuffer.givenUp),
    )
    this.#gauge(
      'concordata_unasked_contracts',
      'Contracts that others have brought and this party has not joined, nor accepted.',
      () => contracts.unasked.size,
    )
    this.#gauge(
      'concordata_unasked_contracts_given_up',
      'Of those, how many were given up for others since the start.',
      () => total(contracts.unasked.givenUp),
    )
  }

  /** What waits in them. */
  #showUnderWay(contracts: Contracts): void {
    this.#gauge('concordata_queued_requests', 'Requests of local users that are not signed yet.', () =>
      sum(contracts, ({ requests }) => requests.queue.length),
    )
    this.#gauge('concordata_unsettled_entries', 'Ledger entries that not everybody has signed for yet.', () =>
      [...underWay(contracts)].reduce((total, { unsettled }) => total + unsettled, 0),
    )
    this.#gauge('concordata_questions', 'Requests on which a person is asked here.', () =>
      sum(contracts, ({ questions }) => questions.length),
    )
    this.#gauge(
      'concordata_signing_blocked_contracts',
      'Contracts in which this node signs nothing at the moment.',
      () =>
        [...contracts.cache.standingStill()].reduce(
          (total, [, code]) => total + (code === 'key_missing' ? 1 : 0),
          sum(contracts, ({ obstacle }) => (obstacle === undefined ? 0 : 1)),
        ),
    )
  }

  /** For whom it waits. */
  #showParties(contracts: Contracts, known: () => ReadonlySet<Handle>): void {
    this.#partyGauge('concordata_waiting_for', 'Contracts in which the oldest request waits for the party.', () =>
      perParty(contracts, known(), ({ waitsFor }) => waitsFor.map((party) => [party, 1])),
    )
    this.#partyGauge('concordata_member_lag_entries', 'Ledger entries that the party has not signed for yet.', () =>
      perParty(contracts, known(), ({ lags }) => lags),
    )
  }

  /** From then on it is timed how long its requests take to settle. */
  #signed(live: LiveContract, made: VerifiedStatement): void {
    const { party: handle, seq, requests } = made.statement
    const { ledger, settling } = live.state
    const isUnderWay =
      ledger.open.includes(made) ||
      settling.unsettled.some(({ entry: { request } }) => request.handle === handle && request.seq === seq)
    for (const index of requests.keys()) {
      // The only member of a contract settles at once, before its statement is reported as signed.
      if (!isUnderWay) this.#settling.observe(0)
      else if (this.#signedAt.size < TIMED_MAX) {
        this.#signedAt.set(keyOf(live, { handle, seq, index }), this.#clock.now())
      }
    }
  }

  #countSettled(live: LiveContract, entries: readonly Acknowledged[]): void {
    for (const { entry } of entries) {
      this.#settled.inc({ outcome: entry.outcome.kind })
      const key = keyOf(live, entry.request)
      const signedAt = this.#signedAt.get(key)
      if (signedAt === undefined) continue
      this.#signedAt.delete(key)
      this.#settling.observe((this.#clock.now() - signedAt) / 1000)
    }
  }

  /** Counts what gossip reports, and passes it on. */
  report(report: GossipReport): GossipReport {
    const { unreachable, refused } = report
    return {
      ...report,
      unreachable: (peer, error) => {
        this.#failures.inc({ peer: peer.handle })
        unreachable(peer, error)
      },
      refused: (peer, errors) => {
        for (const { code } of errors) this.#refused.inc({ peer: peer.handle, code })
        refused(peer, errors)
      },
    }
  }

  /** `pem`: the certificate that is shown at the moment. */
  watchCertificate(pem: () => string): void {
    this.#gauge(
      'concordata_certificate_expiry_timestamp_seconds',
      'When the outward certificate expires.',
      () => Date.parse(new X509Certificate(pem()).validTo) / 1000,
    )
  }

  /** What stops contracts; of an obstacle that concerns no party the label is empty. */
  watchObstacles(obstacles: Pick<Obstacles, 'counts'>): void {
    const gauge: Gauge<'code' | 'party'> = new Gauge({
      name: 'concordata_obstacles',
      help: 'Contracts that an obstacle stops; 1 for one of the node, or of all contracts with a party.',
      labelNames: ['code', 'party'],
      registers: [this.#registry],
      collect() {
        gauge.reset()
        for (const { code, party, count } of obstacles.counts()) gauge.set({ code, party }, count)
      },
    })
  }

  /** What becomes of messages of webhooks, and how many of these there are, by state. */
  watchWebhooks(counts: () => Readonly<Record<string, number>>): (outcome: string) => void {
    const registers = [this.#registry]
    const gauge: Gauge<'state'> = new Gauge({
      name: 'concordata_webhooks',
      help: 'Webhooks, by state: active, failing for more than ten minutes, or ended.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(counts())) gauge.set({ state }, count)
      },
    })
    const deliveries = new Counter({
      name: 'concordata_webhook_deliveries_total',
      help: 'Attempts to deliver messages of webhooks, by outcome: taken, failed, or given up after the last.',
      labelNames: ['outcome'] as const,
      registers,
    })
    return (outcome) => deliveries.inc({ outcome })
  }

  /** How the read model keeps up with the store. */
  watchProjections(runner: Pick<ProjectionRunner, 'failures' | 'lagSeconds'>): void {
    this.#gauge(
      'concordata_projection_lag_seconds',
      'For how long the read model has not had all that is stored.',
      () => runner.lagSeconds(),
    )
    this.#gauge(
      'concordata_projection_failed_contracts',
      'Contracts that stand still in the read model.',
      () => runner.failures().length,
    )
  }

  #gauge(name: string, help: string, count: () => number | Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: async () => gauge.set(await count()),
    })
  }

  #partyGauge(name: string, help: string, count: () => ReadonlyMap<string, number>): void {
    const gauge: Gauge<'party'> = new Gauge({
      name,
      help,
      labelNames: ['party'],
      registers: [this.#registry],
      collect() {
        gauge.reset()
        for (const [party, value] of count()) gauge.set({ party }, value)
      },
    })
  }
}

function keyOf({ contract }: LiveContract, request: Parameters<typeof requestKey>[0]): string {
  return `${contract} ${requestKey(request)}`
}

function total(counts: ReadonlyMap<Handle, number>): number {
  return [...counts.values()].reduce((all, count) => all + count, 0)
}

function sum(contracts: Contracts, count: (live: LiveContract) => number): number {
  return [...contracts.cache.active()].reduce((total, live) => total + count(live), 0)
}

/** The backlogs of active and passive contracts of which this party is a member: a silent party holds up contracts that are passive by now. */
function* underWay(contracts: Contracts): Generator<Backlog> {
  for (const { state, self } of contracts.cache.active()) {
    if (memberOf(state.settling.agreed, self) !== undefined) yield waitingIn(state, self)
  }
  for (const [, waiting] of contracts.cache.underWay()) yield waiting
}

function perParty(
  contracts: Contracts,
  known: ReadonlySet<Handle>,
  counts: (waiting: Backlog) => readonly (readonly [Handle, number])[],
): Map<string, number> {
  const totals = new Map<string, number>()
  for (const waiting of underWay(contracts)) {
    for (const [party, count] of counts(waiting)) {
      const label = labelOf(party, known)
      totals.set(label, (totals.get(label) ?? 0) + count)
    }
  }
  return totals
}

function labelOf(party: Handle, known: ReadonlySet<Handle>): string {
  return known.has(party) ? party : ''
}
