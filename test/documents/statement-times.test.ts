import t from 'tap'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { StatementTimes } from '../../src/documents/past/statement-times.ts'
import type { Handle, Seq } from '../../src/events/ids.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { feedStream } from '../../src/store/streams.ts'
import { CONTRACT } from '../support/market.ts'

const TIME = '2026-11-29T23:40:18.143Z'
const OTHER = '2020-01-01T00:00:00.000Z'

t.test(
  'when a statement was made is what it says, wherever in it that stands, and whatever looks like it',
  async (t) => {
    const statement = (said: object) => canonicalJson({ signature: 'ed25519:x', statement: said })
    const texts: readonly (readonly [text: string, time: string])[] = [
      [statement({ seq: 1, time: TIME, v: 1 }), TIME],
      [statement({ seq: 2, time: TIME, until: OTHER, v: 1 }), TIME],
      [statement({ seq: 3, time: TIME, v: 1, z: `,"time":"${OTHER}","v":1}}` }), TIME],
      [statement({ seq: 4, time: TIME, v: 1, z: { a: 0, time: OTHER, v: 1 } }), TIME],
      [statement({ seq: 5, time: 'yesterday', v: 1 }), ''],
      [statement({ seq: 6, v: 1 }), ''],
      [`${statement({ seq: 7 }).slice(0, -1)},"time":"${TIME}"`, ''],
    ]
    const store = openMemoryStore()
    const ana = 'ana' as Handle
    const events = texts.map(([data]) => ({ type: 'StatementMade', data }))
    await store.events.append(feedStream(CONTRACT, ana), -1, events)
    const times = new StatementTimes(store.events, CONTRACT, 3)
    const found: string[] = []
    for (const seq of texts.keys()) found.push(await times.of({ request: { handle: ana, seq: seq as Seq, index: 0 } }))
    t.same(
      found,
      texts.map(([, time]) => time),
    )
    t.equal(await times.of({ request: { handle: ana, seq: texts.length as Seq, index: 0 } }), '', 'it is not here')
    await store.close()
  },
)
