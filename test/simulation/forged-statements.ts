import { draft, noWishes } from '../../src/agreement/draft.ts'
import { newestOf } from '../../src/agreement/feeds.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { defaultLimits } from '../../src/events/limits.ts'
import { bytesToSign, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { foundedBy } from '../support/uid.ts'
import type { Sinner } from './sinner.ts'

const AHEAD_A_MESSAGE = 20

/** What a hostile member signs in place of what is due, or beside it. */
export class ForgedStatements {
  readonly #self: Sinner
  /** Contracts that nobody has asked for, in the order of their founding. */
  #founded = 0
  #hasLied = false

  constructor(self: Sinner) {
    this.#self = self
  }

  /** As its sins have it: with another head, another past, or refusals of what `founder` asks for. */
  inPlaceOf(honest: VerifiedStatement, founder: Handle): SignedStatement {
    const { random } = this.#self
    const { head, seen } = honest.statement
    if (this.#self.commits('wrong head') && random.chance(0.3)) {
      return this.#self.resigned(honest, { head: { ...head, root: head.record, record: head.root } })
    }
    if (this.#self.commits('lie once') && !this.#hasLied && head.size > 0) {
      this.#hasLied = true
      return this.#self.resigned(honest, { head: { ...head, record: head.root } })
    }
    if (this.#self.commits('impossible head') && random.chance(0.3)) {
      return this.#self.resigned(honest, { head: { ...head, size: head.size + 1 + random.below(1000) } })
    }
    const [named] = Object.entries(seen)
    if (this.#self.commits('lie in seen') && random.chance(0.1) && named !== undefined) {
      const [handle, place] = named
      const changed = random.chance(0.5) ? { ...place, hash: head.record } : { ...place, seq: place.seq + 7 }
      return this.#self.resigned(honest, { seen: { ...seen, [handle]: changed } })
    }
    return this.#wronglyRefusing(honest, founder)
  }

  #wronglyRefusing(honest: VerifiedStatement, founder: Handle): SignedStatement {
    const { random } = this.#self
    if (!this.#self.commits('wrong refusals') || !random.chance(0.2)) return honest
    const request = { handle: founder, seq: random.below(5), index: 0 }
    return this.#self.resigned(honest, { refusals: [{ request, code: 'person' }] })
  }

  /** Another statement for the same place. */
  forkOf(honest: VerifiedStatement): SignedStatement {
    return this.#self.resigned(honest, { time: '2026-01-01T00:00:00.001Z' })
  }

  /** A second version of an old statement of its own. */
  lateFork(state: AgreementState): string[] {
    const old = state.feeds.get(this.#self.handle)?.get(0)
    if (old === undefined) return []
    const { text, signature, payloads } = this.#self.resigned(old, { time: '2025-12-31T00:00:00.000Z' })
    return [encodeSigned(text, signature, payloads)]
  }

  /** The first statement of a contract of its own, under a UID that may be another's. */
  genesis(contract: Uid): string {
    const { card, handle } = this.#self
    const opening = {
      type: 'OpenContract',
      title: 'simulated',
      engine: 1,
      charter: defaultCharter,
      limits: defaultLimits,
      founder: card,
    }
    const request = { id: `${handle} founds ${contract}`, commands: [opening] }
    const wishes = { ...noWishes, requests: [request] }
    const made = draft(emptyAgreement(contract), handle, wishes, '2026-01-01T00:00:00.000Z')
    const { text, signature } = made.sign(this.#self.sign(made.bytesToSign)).held
    return encodeSigned(text, signature, {})
  }

  /** The first statement of a contract that nobody has asked for, another each time. */
  unasked(): string {
    return this.genesis(foundedBy(this.#self.card, this.#founded++))
  }

  /** Statements of its own for places that it never comes to, some well signed, and some of others, which are not. */
  ahead(state: AgreementState, neighbours: readonly Handle[]): string[] {
    const { handle, random } = this.#self
    const own = newestOf(state.feeds, handle)
    const others = neighbours.flatMap((other) => newestOf(state.feeds, other) ?? [])
    const from = random.chance(0.5) ? own : random.pick([...others, own])
    if (from === undefined) return []
    const { seq, clock } = from.statement
    return Array.from({ length: AHEAD_A_MESSAGE }, () => {
      const ahead = 1_000 + random.below(1_000_000)
      const text = canonicalJson({ ...from.statement, seq: seq + ahead, clock: clock + ahead, prev: from.hash })
      return encodeSigned(text, this.#self.sign(bytesToSign(text)), from.payloads)
    })
  }
}
