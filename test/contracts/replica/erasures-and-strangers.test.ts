import assert from 'node:assert/strict'
import t, { type Test } from 'tap'
import { builtIn } from '../../../src/aggregates/contract/engines.ts'
import { frontierOf } from '../../../src/agreement/feeds.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { encodeMessage } from '../../../src/gossip/message.ts'
import type { Peer } from '../../../src/gossip/replica-port.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { fullState } from '../../support/full-state.ts'
import { keysOf } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { Link, together } from '../../support/two-parties.ts'

const headAt = (process: PartyProcess, uid: Uid) =>
  process.contracts.use(uid, async ({ state: { settling } }) =>
    canonicalJson({ settled: settling.settled, record: builtIn.recordHash(settling.agreed) }),
  )
const membersAt = (process: PartyProcess, uid: Uid) =>
  process.contracts.use(uid, async ({ state }) => state.settling.agreed.parties.members.length)

async function asks(
  process: PartyProcess,
  uid: Uid,
  command: { type: string; [member: string]: unknown },
  payloads = {},
) {
  const request = { id: crypto.randomUUID(), commands: [command] }
  const verdict = await process.contracts.use(uid, (live) => live.submit({ request, payloads }).verdict)
  assert.match(JSON.stringify(verdict), /"accepted"/, command.type)
}

async function proposes(process: PartyProcess, uid: Uid, value: string): Promise<Hash> {
  const { seal: sealed, payload } = seal(value, crypto.getRandomValues(new Uint8Array(16)))
  await asks(process, uid, { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }, { [sealed]: payload })
  return sealed
}

/** Ana, ben and dan are members of a contract with a field. */
async function three(t: Test) {
  const parties = ['ana', 'ben', 'dan'].map((handle) => new EdgelessParty(t, handle)) as [
    EdgelessParty,
    EdgelessParty,
    EdgelessParty,
  ]
  const [ana, ben, dan] = await Promise.all(parties.map((party) => party.start()))
  assert(ana !== undefined && ben !== undefined && dan !== undefined)
  new Link([ana, parties[0]], [ben, parties[1]])
  new Link([ana, parties[0]], [dan, parties[2]])
  new Link([ben, parties[1]], [dan, parties[2]])
  const uid = await together(ana, ben)
  await asks(ana, uid, { type: 'InviteParty', party: parties[2].card })
  await until('dan to be invited', async () => dan.contracts.has(uid))
  await until('dan to know', () =>
    dan.contracts.use(uid, async ({ state }) => state.settling.agreed.parties.invitations.length === 1),
  )
  await dan.contracts.accept(uid)
  dan.gossip.carry(uid)
  for (const process of [ana, ben, dan]) await until('three', async () => (await membersAt(process, uid)) === 3)
  await asks(ana, uid, { type: 'AddField', parent: '0', name: 'F', field: { type: 'text' } })
  return { parties, ana, ben, dan, uid }
}

const asCaller = ({ card }: EdgelessParty): Peer => {
  return { handle: card.handle, signingKey: card.keys.signing, exchange: () => Promise.reject() }
}

/** What one of them does to a newcomer: `lie` to the events of the entry, once, and nothing of it shows before `isOpen`. */
async function deceived(t: Test, lie: (given: Awaited<ReturnType<typeof three>>) => object[]) {
  const given = await three(t)
  const { parties, ana, ben, dan, uid } = given
  const sealed = await proposes(ana, uid, 'a secret')
  await proposes(ana, uid, 'another')
  for (const process of [ana, ben, dan]) await asks(process, uid, { type: 'EraseValues', seals: [sealed] })
  const party = new EdgelessParty(t, 'cleo')
  await asks(ana, uid, { type: 'InviteParty', party: party.card })
  await until('the same', async () => (await headAt(ana, uid)) === (await headAt(ben, uid)))
  // The past of those who have answered the request: what a newcomer needs to stand before it.
  const shown = await ana.contracts.use(uid, async ({ state }) => {
    const { feeds } = fullState(state)
    const isIt = (text: string) => text.includes(sealed) && text.includes('ProposeValue')
    const seq = [...(feeds.get('ana' as Handle) ?? [])].findIndex(({ text }) => isIt(text))
    const past = new Map<string, number>()
    for (const handle of ['ben', 'dan'] as Handle[]) {
      const answer = [...(feeds.get(handle) ?? [])].find((held) => (held.past.get('ana' as Handle) ?? -1) >= seq)
      for (const [of, last] of answer?.past ?? []) past.set(of, Math.max(past.get(of) ?? -1, last))
    }
    return past
  })
  let isOpen = false
  let lies = 0
  const passing = (message: string) =>
    message
      .split('\n')
      .filter((line) => {
        if (isOpen || !line.includes('"signature"')) return true
        const { statement } = JSON.parse(line)
        return statement === undefined || (shown.get(statement.party) ?? -1) >= statement.seq
      })
      .map((line) => {
        if (lies > 0 || !line.startsWith('{"computed":') || !line.includes(sealed)) return line
        const said = JSON.parse(line)
        if (said.entry.events[0]?.type !== 'ValueProposed') return line
        lies++
        return canonicalJson({ ...said, entry: { ...said.entry, events: lie(given) } })
      })
      .join('\n')
  const cleo = await party.start()
  const connect = (its: EdgelessParty, process: PartyProcess, pass: (message: string) => string) => {
    const { handle, keys } = its.card
    const exchange = async (body: string) => pass(await process.gossip.answer(asCaller(party), body))
    cleo.gossip.setPeer({ handle, signingKey: keys.signing, exchange })
    process.gossip.setPeer({
      ...asCaller(party),
      exchange: async (body) => cleo.gossip.answer(asCaller(its), pass(body)),
    })
  }
  connect(parties[1], ben, passing)
  ben.gossip.carry(uid)
  await until('the invitation', async () => cleo.contracts.has(uid))
  await until('the lie', async () => lies > 0)
  isOpen = true
  connect(parties[0], ana, (message) => message)
  ana.gossip.carry(uid)
  await until('the same', async () => (await headAt(cleo, uid)) === (await headAt(ana, uid)))
  return cleo.contracts.use(uid, async ({ state }) => state.settling.divergences)
}

t.test('a lie that shows only when more is held is forgotten, and the node goes on', async (t) => {
  t.same(await deceived(t, () => []), [], 'nobody is accused')
})

t.test('an entry does not say with which keys its members sign', async (t) => {
  const { signing, recovery } = keysOf('mallory')
  const keys = { signing: signing.publicKey, recovery: recovery.publicKey }
  const divergences = await deceived(t, ({ parties }) =>
    parties.map(({ card }) => ({ type: 'PartyInvited', by: 'ben', party: { ...card, keys } })),
  )
  t.same(divergences, [])
})

t.test('who has left is given no entry of after that', async (t) => {
  const { parties, ana, ben, dan, uid } = await three(t)
  await asks(dan, uid, { type: 'Resign' })
  await until('dan to be gone', async () => (await membersAt(ana, uid)) === 2)
  const known = await dan.contracts.use(uid, async ({ state }) => frontierOf(state.feeds))
  const from = await ana.contracts.use(uid, async ({ state }) => state.settling.settled)
  await asks(ana, uid, { type: 'AddField', parent: '0', name: 'G', field: { type: 'text' } })
  const sealed = await proposes(ana, uid, 'a secret')
  for (const process of [ana, ben]) await asks(process, uid, { type: 'EraseValues', seals: [sealed] })
  await until('it to be erased', () =>
    ana.contracts.use(uid, async ({ state }) => state.settling.agreed.erasures.newest !== null),
  )
  const lacks = (at: number) =>
    encodeMessage(new Map([[uid, known]]), [], [], { lacks: new Map([[uid, { computed: [], from: at }]]) })
  const entriesIn = (answer: string) => answer.split('\n').filter((line) => line.startsWith('{"computed":'))
  const answer = (at: number, of: EdgelessParty) => ana.gossip.answer(asCaller(of), lacks(at))
  t.same(entriesIn(await answer(from, parties[2])), [])
  t.ok(entriesIn(await answer(from, parties[1])).length > 0, 'a member is')
})
