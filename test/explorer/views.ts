import { draft, noWishes, type Wishes } from '../../src/agreement/draft.ts'
import { frontierOf } from '../../src/agreement/feeds.ts'
import type { Acknowledged } from '../../src/agreement/ledger.ts'
import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle } from '../../src/events/ids.ts'
import { isFor, recipientsIn } from '../../src/events/recipients.ts'
import { placesOf } from '../../src/events/statement.ts'
import { decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { CONTRACT, type Party } from './party.ts'
import { Violation } from './violation.ts'

/** Constant: what a statement says about time decides nothing, and would only tell equal states apart. */
const TIME = '2026-01-01T00:00:00.000Z'

/**
 * What somebody holds, with all that the real code makes of it. There is one object for each set of statements and of confidential
 * values in them.
 */
export interface View {
  readonly id: number
  /** Names the set of statements. */
  readonly statements: string
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
 * for each. That two ways to the same statements lead to the same view is a law of its own, and is checked here; so is that the same
 * statements mean the same to whoever has which of the confidential values in them.
 */
export class Views {
  readonly empty: View
  readonly #meanings = new Map<string, string>()
  readonly #views = new Map<string, View>()
  readonly #heard = new Map<string, Heard>()
  readonly #said = new Map<string, View>()
  readonly #onTheWire = new Map<string, SignedStatement>()
  readonly #check: (view: View) => void

  /** `check` is called once with every new view, and throws what it finds wrong in it. */
  constructor(check: (view: View) => void) {
    this.#check = check
    this.empty = this.#intern(emptyAgreement(CONTRACT), [])
  }

  get size(): number {
    return this.#views.size
  }

  /** The real `receive`, of what came over the wire, with those of its values that are for the party. */
  hear(before: View, self: Handle, statements: readonly VerifiedStatement[]): Heard {
    const key = `${before.id} ${self} ${statements.map((held) => `${held.hash} ${confidentialIn(held, self).join()}`).join(' ')}`
    let heard = this.#heard.get(key)
    if (heard === undefined) {
      const arrived = statements.map((held) => this.#decoded(held, self))
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

  #decoded(held: VerifiedStatement, self: Handle): SignedStatement {
    const { hash, text, signature, payloads, statement } = held
    const key = `${hash} ${confidentialIn(held, self).join()}`
    let decoded = this.#onTheWire.get(key)
    if (decoded === undefined) {
      const recipients = recipientsIn(statement)
      const given = Object.entries(payloads).filter(([seal]) => isFor(recipients, seal as Hash, self))
      decoded = decodeSigned(encodeSigned(text, signature, Object.fromEntries(given)))
      this.#onTheWire.set(key, decoded)
    }
    return decoded
  }

  #intern(state: AgreementState, entries: readonly Acknowledged[]): View {
    const statements = placesOf(frontierOf(state.feeds))
      .map(([handle, { hash }]) => `${handle} ${hash}`)
      .sort()
      .join()
    const meaning = meaningOf(state, entries)
    const meant = this.#meanings.get(statements) ?? meaning
    if (meant !== meaning)
      throw new Violation('the same statements, in another order, mean something else', [meant, meaning])
    this.#meanings.set(statements, meaning)
    const key = [statements, ...confidencesIn(state)].join(' ')
    const known = this.#views.get(key)
    if (known !== undefined) return known
    const view: View = { id: this.#views.size, statements, state, entries }
    this.#views.set(key, view)
    this.#check(view)
    return view
  }
}

/** The seals of confidential values that are held with a statement, or given to a party by whoever holds it so. */
function confidentialIn({ payloads, statement }: VerifiedStatement, to?: Handle): Hash[] {
  const recipients = recipientsIn(statement)
  if (recipients.size === 0) return []
  return [...recipients.keys()].filter((seal) => {
    return payloads[seal] !== undefined && (to === undefined || isFor(recipients, seal, to))
  })
}

function confidencesIn({ feeds }: AgreementState): Hash[] {
  return [...feeds.values()].flatMap((feed) => feed.kept.flatMap((held) => confidentialIn(held))).sort()
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
