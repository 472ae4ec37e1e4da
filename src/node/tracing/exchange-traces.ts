import type { Contracts } from '../../contracts/registry/contracts.ts'
import { type Handle, type Seq, UID_PATTERN, type Uid } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { RateLimit } from '../../runtime/rate-limit.ts'
import type { RequestTraces } from './request-traces.ts'
import { isRecorded, isTraceparent } from './traceparent.ts'
import type { Span, Tracer } from './tracer.ts'

/** How many other requests that a call carries are named in its span. */
const LINKS_MAX = 32

interface Answering {
  readonly span: Span
  readonly contracts: ReadonlySet<string>
  settled: number
}

/**
 * Calls between nodes that carry on requests whose traces are recorded. A call is a part of the oldest of them, and linked to
 * the others. The other member goes on with the trace if it records traces, too, and no more of them than it wants (decision 0092).
 */
export class ExchangeTraces {
  readonly #tracer: Tracer
  readonly #requests: RequestTraces
  readonly #others: RateLimit<string>
  readonly #answering = new Set<Answering>()

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(tracer: Tracer, requests: RequestTraces, othersPerSecond: number, now: () => number) {
    this.#tracer = tracer
    this.#requests = requests
    this.#others = new RateLimit({ perSecond: othersPerSecond, burst: 10 * othersPerSecond }, now)
  }

  /** The parent of one more trace that another party began, if it is continued here; else undefined. */
  admitted(who: string, traceparent: unknown): string | undefined {
    if (!isTraceparent(traceparent) || !isRecorded(traceparent) || this.#others.waitMs(who) > 0) return undefined
    this.#others.take(who, 1)
    return traceparent
  }

  /** A call to a peer. `body`: of ours, as message.ts makes it. */
  async calling(
    self: Handle,
    peer: Handle,
    body: string,
    call: (traceparent?: string) => Promise<string>,
  ): Promise<string> {
    if (this.#requests.isIdle) return call()
    const [oldest, ...others] = this.#requests.carriedBy(frontiersIn(body, self))
    if (oldest === undefined) return call()
    const span = this.#tracer.start('exchange call', {
      kind: 'client',
      parent: oldest.traceparent,
      links: others.slice(0, LINKS_MAX).map(({ traceparent }) => traceparent),
      attributes: {
        ...http,
        'concordata.peer': peer,
        'concordata.requests': others.length + 1,
        'http.request.body.size': body.length,
      },
    })
    return spanning(span, () => call(span?.traceparent))
  }

  /** A call of an approved peer. Attacker-controlled: `traceparent`, `body`. */
  async answering(peer: Handle, traceparent: unknown, body: string, answer: () => Promise<string>): Promise<string> {
    const parent = this.admitted(`peer ${peer}`, traceparent)
    if (parent === undefined) return answer()
    const attributes = { ...http, 'concordata.peer': peer, 'http.request.body.size': body.length }
    const span = this.#tracer.start('exchange answer', { kind: 'server', parent, attributes })
    if (span === undefined) return answer()
    const answering: Answering = { span, contracts: new Set(frontiersIn(body, peer).keys()), settled: 0 }
    this.#answering.add(answering)
    try {
      return await spanning(span, answer, () => span.set({ 'concordata.settled': answering.settled }))
    } finally {
      this.#answering.delete(answering)
    }
  }

  /** Listens to what is signed and settled while a call is answered. Returns a function that stops it. */
  watch(contracts: Contracts): () => void {
    return contracts.listen({
      news: ({ contract }, { made }) => {
        if (made === undefined) return
        for (const { span } of this.#about(contract)) {
          const attributes = {
            'concordata.contract': contract,
            'concordata.seq': made.statement.seq,
            'concordata.statement.bytes': made.text.length,
          }
          this.#tracer.start('sign answer', { kind: 'internal', parent: span.traceparent, attributes })?.end()
        }
      },
      settled: ({ contract }, entries) => {
        for (const answering of this.#about(contract)) answering.settled += entries.length
      },
    })
  }

  #about(contract: Uid): Answering[] {
    if (this.#answering.size === 0) return []
    return [...this.#answering].filter(({ contracts }) => contracts.has(contract))
  }
}

const http = { 'http.request.method': 'POST', 'url.path': '/exchange' }

async function spanning(span: Span | undefined, work: () => Promise<string>, atEnd?: () => void): Promise<string> {
  try {
    const answer = await work()
    span?.set({ 'http.response.body.size': answer.length })
    atEnd?.()
    span?.end()
    return answer
  } catch (error) {
    atEnd?.()
    span?.end(error instanceof ConcordataError ? error.code : 'internal')
    throw error
  }
}

const uidForm = new RegExp(UID_PATTERN)

/** Attacker-controlled: `body`. Of which contracts a message speaks, and how long a party's feed is in each as the sender has it; nothing if it is no message. */
export function frontiersIn(body: string, party: Handle): ReadonlyMap<string, Seq | undefined> {
  const end = body.indexOf('\n')
  try {
    const { contracts } = JSON.parse(end === -1 ? body : body.slice(0, end))
    // Of a text, or of an array, each character or item would be an entry: a message of megabytes takes gigabytes.
    const found = new Map<string, Seq | undefined>()
    if (typeof contracts !== 'object' || Array.isArray(contracts)) return found
    for (const uid in contracts) if (uidForm.test(uid)) found.set(uid, seqIn(contracts[uid], party))
    return found
  } catch {
    return new Map()
  }
}

function seqIn(frontier: unknown, party: Handle): Seq | undefined {
  const place = (frontier as { [party: string]: { seq?: unknown } } | null)?.[party]
  return typeof place?.seq === 'number' ? (place.seq as Seq) : undefined
}
