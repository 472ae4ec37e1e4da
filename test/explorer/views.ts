import { draft, noWishes, type Wishes } from '../../src/agreement/draft.ts'
import { frontierOf } from '../../src/agreement/feeds.ts'
import type { Acknowledged } from '../../src/agreement/ledger.ts'
import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle } from '../../src/events/ids.ts'
import { placesOf } from '../../src/events/statement.ts'
import { decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { CONTRACT, type Party } from './party.ts'
import { Violation } from './violation.ts'

/** Constant: what a statement says about time decides nothing, and would only tell equal states apart. */
const TIME = '2026-01-01T00:00:00.000Z'

/** What somebody holds, with all that the real code makes of it. There is one object for each set of statements. */
export interface View {
  readonly id: number
  readonly state: AgreementState
  /** The whole acknowledged ledger. */
  readonly entries: readonly Acknowledged[]
}

/** What it is to take statements in. */
export interface Heard {
  readonly view: View
  /** The first error code of what was refused. */
  readonly refused: string | undefined
}

/**
 * Every view that was ever met, by the statements that it holds, and every step from one to another: the real code runs once
 * for each. That two ways to the same statements lead to the same view is a law of its own, and is checked here.
 */
export class Views {
  readonly empty: View
  readonly #byFrontier = new Map<string, { readonly view: View; readonly meaning: string }>()
  readonly #heard = new Map<string, Heard>()
  readonly #said = new Map<string, View>()
  readonly #onTheWire = new Map<Hash, SignedStatement>()
  readonly #check: (view: View) => void

  /** `check` is called once with every new view, and throws what it finds wrong in it. */
  constructor(check: (view: View) => void) {
    this.#check = check
    this.empty = this.#intern(emptyAgreement(CONTRACT), [])
  }

  get size(): number {
    return this.#byFrontier.size
  }

  /** The real `receive`, of what came over the wire. */
  hear(before: View, self: Handle, statements: readonly VerifiedStatement[]): Heard {
    const key = `${before.id} ${self} ${statements.map(({ hash }) => hash).join(' ')}`
    let heard = this.#heard.get(key)
    if (heard === undefined) {
      const arrived = statements.map((held) => this.#decoded(held))
      const { state, acknowledged, refused } = receive(before.state, arrived, self)
      heard = { view: this.#intern(state, [...before.entries, ...acknowledged]), refused: refused[0]?.error.code }
      this.#heard.set(key, heard)
    }
    return heard
  }

  /** The real `draft`, signed. */
  say(before: View, party: Party, wishes: Partial<Wishes>): View {
    const key = `${before.id} ${party.handle} ${canonicalJson(wishes)}`
    let view = this.#said.get(key)
    if (view === undefined) {
      const drafted = draft(before.state, party.handle, { ...noWishes, ...wishes }, TIME)
      const { state, acknowledged } = drafted.sign(party.sign(drafted.bytesToSign))
      view = this.#intern(state, [...before.entries, ...acknowledged])
      this.#said.set(key, view)
    }
    return view
  }

  #decoded({ hash, text, signature, payloads }: VerifiedStatement): SignedStatement {
    let decoded = this.#onTheWire.get(hash)
    if (decoded === undefined) {
      decoded = decodeSigned(encodeSigned(text, signature, payloads))
      this.#onTheWire.set(hash, decoded)
    }
    return decoded
  }

  #intern(state: AgreementState, entries: readonly Acknowledged[]): View {
    const key = placesOf(frontierOf(state.feeds))
      .map(([handle, { hash }]) => `${handle} ${hash}`)
      .sort()
      .join()
    const meaning = meaningOf(state, entries)
    const known = this.#byFrontier.get(key)
    if (known !== undefined) {
      if (known.meaning === meaning) return known.view
      throw new Violation('the same statements, in another order, mean something else', [known.meaning, meaning])
    }
    const view: View = { id: this.#byFrontier.size, state, entries }
    this.#byFrontier.set(key, { view, meaning })
    this.#check(view)
    return view
  }
}

/** All that the real code derives from the statements and later steps depend on. */
function meaningOf({ undecided, ledger, settling }: AgreementState, entries: readonly Acknowledged[]): string {
  return canonicalJson({
    agreedRoot: ledger.log.rootAt(settling.settled),
    decisions: [...ledger.decisions.keys()].sort(),
    divergences: settling.divergences.length,
    lastEntry: entries.at(-1)?.text ?? null,
    ledger: ledger.log.size,
    need: Object.fromEntries(ledger.need),
    next: ledger.next,
    open: ledger.open.map(({ hash }) => hash),
    root: ledger.log.root(),
    settled: settling.settled,
    signed: Object.fromEntries(settling.signed),
    undecided: [...undecided.keys()].sort(),
    unsettled: settling.unsettled.map(({ text }) => text),
  })
}
