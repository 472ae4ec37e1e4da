import t from 'tap'
import { recordHash } from '../../src/aggregates/contract/record-hash.ts'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { feedOf } from '../../src/agreement/feeds.ts'
import { isWhole, pruned } from '../../src/agreement/history/pruning.ts'
import { type AgreementSnapshot, statementsNeeded } from '../../src/agreement/history/snapshot.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { market, overTheWire, owes, type Player, talk } from '../support/market.ts'
import { snapshotOf, viewFrom } from '../support/snapshots-at-once.ts'

const all = market('ana', 'ben')
const [ana, ben] = all

function orders(player: Player, ...commands: { type: string; [member: string]: unknown }[]): void {
  player.requests(...commands)
  talk(all, owes)
}

/** A change set of ana waits for ben, and no rule is in force any more. */
function given(): void {
  const body = { kind: 'validation' as const, who: { parties: [ben.handle], fields: [] } }
  orders(ana, { type: 'AddRuleSet', name: 'Terms' }, { type: 'DraftRule', at: '0.0', ruleSet: 1, body })
  const hash = ruleHash({ id: 1, at: '0.0' as ElementId, ruleSet: 1, body })
  orders(ben, { type: 'CastVote', rule: 1, hash, vote: 'yes' })
  orders(ana, { type: 'PublishRules', ruleSets: [1], rules: [{ rule: 1, hash }] })
  const sealed = seal('waits', new Uint8Array(16))
  const proposed = { type: 'ProposeValue', field: '0.0', seal: sealed.seal, basis: [] }
  const commands = [{ type: 'AddBlock', parent: '0', name: 'New' }, proposed]
  ana.says({
    requests: [{ ...ana.request(commands), changeSet: true }],
    payloads: { [sealed.seal]: sealed.payload },
  })
  talk(all, owes)
  for (const player of all) orders(player, { type: 'ReopenEdit' })
}

t.test('history is let go of, but not what an open change set needs at its last vote', async (t) => {
  given()
  const request = ana.state.ledger.document.changeSets[0]?.request
  for (let n = 0; n < 20; n++) orders(ana, { type: 'RenameElement', element: '0.1', name: `B${n}` })
  const whole = ben.state
  const less = pruned(whole)
  t.equal(isWhole(less), false, 'something is let go of')
  const snapshot = JSON.parse(JSON.stringify(snapshotOf(less))) as AgreementSnapshot
  const stored = new Map(
    statementsNeeded(snapshot).map(({ handle, base }) => {
      const kept = [...feedOf(whole.feeds, handle).between(base)].map(overTheWire)
      return [handle, { kept, noted: undefined }]
    }),
  )
  ben.state = viewFrom(snapshot, stored, whole.ledger.engines).state
  t.same(ben.state.ledger.document.changeSets, whole.ledger.document.changeSets)
  const voted = ben.requests({ type: 'CastVote', request, vote: 'yes' })
  ana.hears(voted)
  ben.hears(ana.says())
  t.equal(ben.says().statement.head.record, recordHash(ana.state.ledger.document))
  const { document } = ben.state.ledger
  t.match(document.document.children.get(0), { agreed: { by: 'ana' } })
  t.match(document.document.children.get(2), { name: 'New' })
})
