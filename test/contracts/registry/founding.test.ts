import t from 'tap'
import { convicted, equivocationEvidence } from '../../../src/agreement/evidence.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { keyedId } from '../../../src/contracts/requests/keyed-id.ts'
import { defaultCharter } from '../../../src/events/charter.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { encodeSigned } from '../../../src/events/statement-codec.ts'
import { encodeMessage } from '../../../src/gossip/message.ts'
import { CONTRACTS_STREAM } from '../../../src/store/streams.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { fullState } from '../../support/full-state.ts'
import { allOf, CONTRACT, Player } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { Link } from '../../support/two-parties.ts'
import { nobodysUid } from '../../support/uid.ts'

const lineOf = ({ text, signature, payloads }: SignedStatement) => encodeSigned(text, signature, payloads)

/** As a node of that party's, which others have approved, would send it. */
function sends(from: Player, to: PartyProcess, statements: readonly SignedStatement[]): Promise<string> {
  const peer = { handle: from.handle, signingKey: from.card.keys.signing, exchange: () => Promise.reject() }
  return to.gossip.answer(peer, encodeMessage(new Map(), statements.map(lineOf), []))
}

const membersOf = ({ state }: LiveContract) => state.settling.agreed.parties.members.map(({ card }) => card.handle)

t.test('whoever knows a UID founds nothing under it: the invitee takes the true contract', async (t) => {
  const [anas, bens] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [ana, ben] = [await anas.start(), await bens.start()]
  const { contract, opened } = await ana.contracts.openContract('test')
  await opened
  const uid = contract.contract

  // From a log, a screen, an invitation that was shown around: the UID is no secret.
  const mallory = new Player('mallory', undefined, uid)
  mallory.requests(mallory.opening())
  mallory.requests({ type: 'InviteParty', party: ben.contracts.card })
  await sends(mallory, ben, allOf(mallory))
  t.notOk(ben.contracts.has(uid), 'nothing of hers is held')
  t.equal(await bens.store.events.lastRevision(CONTRACTS_STREAM), -1, 'nor stored')
  t.match(
    bens.told,
    [{ code: 'statement_unfit_uid', evidence: { contract: uid, party: 'mallory' } }],
    'and it is reported',
  )

  // She knows the founder's handle and key too, but does not have the key: nothing stands there in the name of ana.
  const forged = new Player('ana', mallory.keys, uid)
  Object.assign(forged.card, { keys: ana.contracts.card.keys })
  forged.requests(forged.opening())
  await sends(mallory, ben, allOf(forged))
  t.notOk(ben.contracts.has(uid))
  t.match(bens.told[1], { code: 'statement_badly_signed' })

  new Link([ana, anas], [ben, bens])
  const invite = { id: 'invite', commands: [{ type: 'InviteParty', party: ben.contracts.card }] }
  await ana.contracts.use(uid, (live) => live.submit({ request: invite, payloads: {} }).verdict)
  await until('the true invitation', async () => {
    if (!ben.contracts.has(uid)) return false
    return ben.contracts.use(uid, ({ state }) => state.settling.agreed.parties.invitations.length === 1)
  })
  await ben.contracts.accept(uid)
  ben.gossip.carry(uid)
  await until('ben to be a member', async () => (await ben.contracts.use(uid, membersOf)).length === 2)
  t.same(await ben.contracts.use(uid, membersOf), ['ana', 'ben'])
})

t.test('two first statements of one founder are an equivocation: the proof spreads and convicts', async (t) => {
  const [bens, cleos] = [new EdgelessParty(t, 'ben'), new EdgelessParty(t, 'cleo')]
  const alarms: string[] = []
  const [ben, cleo] = [await bens.start(), await cleos.start()]
  for (const { contracts } of [ben, cleo]) {
    contracts.listen({
      equivocated: (_, found) => {
        for (const { party, seq } of found) alarms.push(`${contracts.self}: ${party} ${seq}`)
      },
    })
  }
  const ana = new Player('ana')
  ana.requests(ana.opening())
  for (const { contracts } of [ben, cleo]) ana.requests({ type: 'InviteParty', party: contracts.card })
  for (const process of [ben, cleo]) await sends(ana, process, allOf(ana))
  const twin = new Player('ana')
  const other = twin.requests({ ...twin.opening(), title: 'another deal' })
  await sends(ana, ben, [other])
  t.same(alarms, ['ben: ana 0'])
  new Link([ben, bens], [cleo, cleos])
  await until('the proof to reach cleo', async () => alarms.length === 2)
  t.same(alarms, ['ben: ana 0', 'cleo: ana 0'])
  const evidence = await cleo.contracts.use(CONTRACT, (live) => {
    const [found] = live.evidence
    return found && equivocationEvidence(fullState(live.state), found)
  })
  t.same(evidence && convicted(evidence), { party: 'ana', keys: ana.card.keys })
  t.equal(
    await cleo.contracts.use(CONTRACT, ({ state }) => state.ledger.document.title),
    'test',
    'what came first stands',
  )
})

t.test('a founder in the store to whom the UID does not belong is reported, and misleads nobody', async (t) => {
  const bens = new EdgelessParty(t, 'ben')
  const ana = new Player('ana')
  ana.requests(ana.opening())
  const mallory = { handle: 'mallory', signing: new Player('mallory').card.keys.signing }
  for (const contract of [nobodysUid(), CONTRACT]) {
    const data = JSON.stringify({ contract, founder: mallory })
    await bens.store.events.append(CONTRACTS_STREAM, 'any', [{ type: 'ContractHeld', data }])
  }
  const ben = await bens.start()
  t.match(bens.told, [
    { code: 'contract_damaged' },
    { code: 'contract_damaged', evidence: { contract: CONTRACT, founder: mallory } },
  ])
  t.equal(ben.contracts.size, 0)
  await sends(ana, ben, allOf(ana))
  t.equal(
    await ben.contracts.use(CONTRACT, ({ state }) => state.feeds.get(ana.handle)?.size),
    1,
    'it begins with the true one',
  )
  await ben.close()
  const again = await bens.start()
  t.equal(
    await again.contracts.use(CONTRACT, ({ state }) => state.feeds.get(ana.handle)?.size),
    1,
    'and is there again',
  )
})

t.test(
  'a contract that is asked for again under its key is the same, also by a process that has not opened it',
  async (t) => {
    const anas = new EdgelessParty(t, 'ana')
    const ana = await anas.start()
    const id = keyedId('k'.repeat(22), 'c'.repeat(22))
    const opens = async ({ contracts }: PartyProcess, named?: string) => {
      const { contract, opened } = await contracts.openContract('test', undefined, undefined, named)
      await opened
      return contract.contract
    }
    const uid = await opens(ana, id)
    t.equal(await opens(ana, id), uid)
    t.equal(await opens(ana, keyedId('k'.repeat(22), 'x'.repeat(22))), uid, 'whatever is asked for under it')
    t.not(await opens(ana), uid)
    t.not(await opens(ana, keyedId('x'.repeat(22), 'c'.repeat(22))), uid)
    const place = await ana.contracts.use(uid, (live) => live.requestUnder(`k.${'k'.repeat(22)}`))
    t.same(place, { handle: 'ana', index: 0, seq: 0 })
    const again = await anas.start()
    t.equal(await opens(again, id), uid, 'it is read from the store')
    t.equal(
      await again.contracts.openAsked(id, 99, 'test', defaultCharter),
      uid,
      'and what stands in the command queue comes to it',
    )
    t.equal(again.contracts.size, 3)
  },
)
