import type { AgreementState } from '../../src/agreement/state.ts'
import type { Handle, RequestRef } from '../../src/events/ids.ts'
import { type SignedStatement, encodeSigned } from '../../src/events/statement-codec.ts'
import { seedOf } from '../support/keys.ts'
import { CONTRACT, marketOf, Player } from '../support/market.ts'
import { expectationOf, resultOf, type Vector } from './protocol-vector.ts'

/** What is played, and becomes one vector. */
export interface Play {
  readonly about: string
  /** Plays, and answers who holds everything in the end, and what else is offered to it. */
  play(): {
    readonly all: Player
    readonly hostile?: Vector['hostile']
    /** Who has signed only what is hostile. */
    readonly more?: readonly string[]
  }
}

/** Ana, who founds, Ben and Cleo, who are admitted: a contract with the texts A (0.0) and B (0.1). */
export function three(): [Player, Player, Player] {
  return marketOf([new Player('ana'), new Player('ben'), new Player('cleo')])
}

export const lineOf = ({ text, signature, payloads }: SignedStatement) => encodeSigned(text, signature, payloads)

/** What a hostile member made of an honest statement, and what becomes of it. */
export function offered(to: AgreementState, about: string, line: string): Vector['hostile'][number] {
  return { about, line, result: resultOf(to, line) }
}

export const ref = ({ statement }: SignedStatement, index = 0): RequestRef => ({ handle: statement.party, seq: statement.seq, index })

/** The vector that a play makes. The same bytes on every machine and in every later version. */
export function vectorOf({ about, play }: Play): Vector {
  const { all, hostile = [], more = [] } = play()
  const held = [...all.state.feeds.values()].flatMap((feed) => [...feed])
  held.sort((one, other) => one.statement.clock - other.statement.clock || (one.statement.party < other.statement.party ? -1 : 1))
  const parties = [...new Set(held.map(({ statement }) => statement.party).concat(more as Handle[]))]
  return {
    about,
    contract: CONTRACT,
    seeds: Object.fromEntries(
      parties.map((handle) => [
        handle,
        { signing: seedOf(`${handle} signing`).toString('hex'), recovery: seedOf(`${handle} recovery`).toString('hex') },
      ]),
    ),
    statements: held.map(lineOf),
    hostile,
    expect: expectationOf(CONTRACT, held.map(lineOf)),
  }
}
