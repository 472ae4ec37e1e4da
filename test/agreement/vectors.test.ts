import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { contentOf, type Hashed } from '../../src/aggregates/contract/document/element-hash.ts'
import { recordOf } from '../../src/aggregates/contract/record-hash.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { CONTRACT } from '../support/market.ts'
import { vectorOf } from '../vectors/protocol-play.ts'
import { plays } from '../vectors/protocol-scenarios.ts'
import { expectationOf, resultOf, type Vector } from '../vectors/protocol-vector.ts'

const folder = new URL('../vectors/protocol/', import.meta.url)
const filesIn = (folder: URL) => readdirSync(folder).filter((file) => file.endsWith('.json'))
const vectors = new Map(
  filesIn(folder).map((file) => [
    file.replace('.json', ''),
    JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector,
  ]),
)

t.same([...vectors.keys()].sort(), Object.keys(plays).sort(), 'one file a play')

/** What its hash covers besides what is its own. */
function partsOf(stored: Hashed): Iterable<Hashed> {
  switch (stored.kind) {
    case 'block':
      return stored.children
    case 'list':
      return [stored.prototype, stored.entries]
    case 'entry':
      return stored.own === null ? [] : [stored.own]
    case 'entries':
    case 'children':
      return stored.tree
    default:
      return []
  }
}

for (const [name, vector] of vectors) {
  t.test(`${name}: ${vector.about}`, async (t) => {
    const { statements, hostile, expect } = vector
    t.same(expectationOf(vector.contract, statements), expect, 'ledger, roots, settling and divergences')
    const decoded = statements.map(decodeSigned)
    for (const order of [decoded.toReversed(), decoded.toSorted((one, other) => (one.hash < other.hash ? -1 : 1))]) {
      const { state, refused, waiting } = receive(emptyAgreement(CONTRACT), order)
      t.same([refused, waiting], [[], []])
      t.equal(state.ledger.log.root(), expect.roots.at(-1), 'in whatever order they come')
      t.equal(state.settling.settled, expect.settled)
    }
    let one = emptyAgreement(CONTRACT)
    for (const statement of decoded) one = receive(one, [statement]).state
    t.equal(one.ledger.log.root(), expect.roots.at(-1), 'one by one')
    for (const { about, line, result } of hostile) t.equal(resultOf(one, line), result, about)
  })

  t.test(
    `${name}: members are in canonical order wherever bytes are made, so that writing them costs least`,
    async (t) => {
      const { acknowledged } = receive(emptyAgreement(CONTRACT), vector.statements.map(decodeSigned))
      for (const { entry, text, document } of acknowledged) {
        t.equal(JSON.stringify(entry), text)
        const hashed: unknown[] = [recordOf(document), document.parties]
        for (const rest: Hashed[] = [document.document]; rest.length > 0; ) {
          const stored = rest.pop() as Hashed
          hashed.push(contentOf(stored))
          rest.push(...partsOf(stored))
        }
        for (const content of hashed) t.equal(JSON.stringify(content), canonicalJson(content))
      }
    },
  )

  t.test(`${name}: this version makes the same bytes`, async (t) => {
    const play = plays[name]
    if (play === undefined) return
    t.same(JSON.parse(JSON.stringify(vectorOf(play))), vector)
  })
}
