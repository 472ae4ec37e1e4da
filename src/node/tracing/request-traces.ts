import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { type Handle, type RequestRef, requestKey, type Seq, type Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Statement } from '../../events/statement.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Span, Tracer } from './tracer.ts'

/** Requests that are followed at once. The oldest is given up first. */
const FOLLOWED_MAX = 10_000

interface Named {
  /** The `traceparent` of the call in which it was named. */
  readonly parent: string
  readonly at: number
}

/** A request that is signed and has not settled. */
interface UnderWay {
  readonly span: Span
  readonly settling: Span | undefined
  readonly contract: Uid
  readonly seq: Seq
}

/**
 * Traces own requests, from the call of the API that gives one its name to its place in the ledger. Nothing is
 * recorded before a statement carries the request: the span of the call shows what was refused before that.
 */
export class RequestTraces {
  readonly #tracer: Tracer
  readonly #clock: Clock
  readonly #named = new Map<string, Named>()
  readonly #underWay = new Map<string, UnderWay>()

  constructor(tracer: Tracer, clock: Clock) {
    this.#tracer = tracer
    this.#clock = clock
  }

  /** The request of that id is asked for in the call with that `traceparent`. */
  named(id: string, parent: string): void {
    this.#named.set(id, { parent, at: this.#clock.now() })
    if (this.#named.size > FOLLOWED_MAX) this.#named.delete(this.#named.keys().next().value as string)
  }

  /** For another process of this party, which is to go on with it. */
  parentOf(id: string): string | undefined {
    return this.#named.get(id)?.parent
  }

  /** Listens to what the contracts sign and settle. Returns a function that stops it. */
  watch(contracts: Contracts): () => void {
    /** The only member of a contract settles at once, before its statement is reported as signed. */
    const settledFirst = new Map<string, LedgerEntry>()
    const stop = contracts.listen({
      settled: (live, entries) => {
        for (const { entry } of entries) {
          const key = keyOf(live.contract, entry.request)
          if (this.#underWay.has(key)) this.#settled(key, entry)
          else if (entry.author === live.self && this.#named.size > 0) settledFirst.set(key, entry)
        }
      },
      news: (live, { made }) => {
        if (made !== undefined && this.#named.size > 0) this.#signed(live, made.statement, made.text.length)
        for (const [key, entry] of settledFirst) this.#settled(key, entry)
        settledFirst.clear()
      },
    })
    return () => {
      stop()
      for (const key of [...this.#underWay.keys()])
        this.#end(key, { 'concordata.outcome': 'unknown: the node stopped' })
    }
  }

  /** The spans of own requests that a call about these contracts carries on, each up to the given place of the own feed. */
  carriedBy(frontiers: ReadonlyMap<string, Seq | undefined>): Span[] {
    const carried: Span[] = []
    for (const { span, contract, seq } of this.#underWay.values()) {
      if (seq <= (frontiers.get(contract) ?? -1)) carried.push(span)
    }
    return carried
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0
  }

  #signed({ contract, self }: LiveContract, { party, seq, requests }: Statement, bytes: number): void {
    if (party !== self) return
    for (const [index, { id, commands }] of requests.entries()) {
      const named = this.#named.get(id)
      if (named === undefined) continue
      this.#named.delete(id)
      const place = { 'concordata.contract': contract, 'concordata.request': requestKey({ handle: self, seq, index }) }
      const attributes = { ...place, 'concordata.commands': commands.length }
      const { parent, at } = named
      const span = this.#tracer.start('request', { kind: 'internal', parent, startedAt: at, attributes })
      if (span === undefined) continue
      const size = { 'concordata.statement.bytes': bytes, 'concordata.statement.requests': requests.length }
      const within = { kind: 'internal', parent: span.traceparent } as const
      this.#tracer.start('sign', { ...within, startedAt: at, attributes: { ...place, ...size } })?.end()
      const settling = this.#tracer.start('settle', { ...within, attributes: place })
      this.#underWay.set(keyOf(contract, { handle: self, seq, index }), { span, settling, contract, seq })
    }
    const [oldest] = this.#underWay.size > FOLLOWED_MAX ? this.#underWay.keys() : []
    if (oldest !== undefined) this.#end(oldest, { 'concordata.outcome': 'unknown: too many are under way' })
  }

  #settled(key: string, { index, outcome }: LedgerEntry): void {
    this.#end(key, {
      'concordata.index': index,
      'concordata.outcome': outcome.kind,
      'concordata.tier': 3,
      ...(outcome.kind === 'void' ? { 'concordata.void': outcome.reason.code } : {}),
    })
  }

  #end(key: string, attributes: Record<string, string | number>): void {
    const found = this.#underWay.get(key)
    if (found === undefined) return
    this.#underWay.delete(key)
    found.settling?.set(attributes)
    found.settling?.end()
    found.span.set(attributes)
    found.span.end()
  }
}

function keyOf(contract: Uid, request: RequestRef | { handle: Handle; seq: number; index: number }): string {
  return `${contract} ${requestKey(request as RequestRef)}`
}
