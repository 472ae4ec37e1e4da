import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { statementAt } from '../../src/agreement/feeds.ts'
import { lookBack, lookingBack, needsHistory, withHistory } from '../../src/agreement/history/looking-back.ts'
import { pruned } from '../../src/agreement/history/pruning.ts'
import type { AgreementState, HeldState } from '../../src/agreement/state.ts'
import { market, owes, type Player, talk } from '../support/market.ts'

const SRC = new URL('../../src/', import.meta.url)
/** Who asks for what may be pruned, and the one file that makes a result of it. */
const NAME_IT = [
  'agreement/feeds.ts',
  'agreement/history/looking-back.ts',
  'agreement/values/computed-lineage.ts',
  'agreement/values/opened-values.ts',
  'contracts/replica/opening/lost-computed.ts',
  'merkle/subtree-hashes.ts',
  'runtime/history-pruned.ts',
]

/** A party whose oldest statements are out of memory, and the same with all of them. */
function long(): { readonly held: HeldState; readonly whole: AgreementState; readonly player: Player } {
  const [ana, ben] = market('ana', 'ben')
  for (let n = 0; n < 12; n++) {
    const asked = ana.says({ requests: [ana.request([{ type: 'AddBlock', parent: '0', name: `block ${n}` }])] })
    ben.hears(asked)
    talk([ana, ben], owes)
  }
  return { held: pruned(ana.state), whole: ana.state, player: ana }
}

const { held, whole, player } = long()
const first = (state: AgreementState) => statementAt(state.feeds, player.handle, 0)

t.test('who looks back is told that history is missing, or gets what the whole state says', async (t) => {
  t.ok((held.feeds.get(player.handle)?.base ?? 0) > 0, 'it is missing')
  t.equal(lookBack(held, first), needsHistory)
  t.equal(lookBack(whole, first), first(whole))
  t.equal(await lookingBack(held, async (state) => first(state)), needsHistory)
  // @ts-expect-error: what may be pruned is not to be had without saying what happens then.
  t.throws(() => statementAt(held.feeds, player.handle, 0))
})

t.test('whatever else goes wrong is thrown as it is', async (t) => {
  const fails = (): never => {
    throw new TypeError('a fault')
  }
  t.throws(() => lookBack(held, fails), TypeError)
  await t.rejects(
    lookingBack(held, async () => fails()),
    TypeError,
  )
})

t.test('history is loaded once, and only for work that needs it', async (t) => {
  let recalls = 0
  const source = {
    state: held,
    async recall() {
      recalls++
      source.state = whole
    },
  }
  t.equal(await withHistory(source, ({ feeds }) => feeds.size), whole.feeds.size)
  t.equal(recalls, 0)
  t.equal(await withHistory(source, first), first(whole))
  t.equal(recalls, 1)
})

t.test('nobody else throws or catches it', async (t) => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const named = files.filter((file) => /\bHistoryPruned\b.*history-pruned\.ts|class HistoryPruned/.test(textOf(file)))
  t.same(named.map((file) => file.replaceAll('\\', '/')).sort(), NAME_IT)
})

function textOf(file: string): string {
  return readFileSync(new URL(file.replaceAll('\\', '/'), SRC), 'utf8')
}
