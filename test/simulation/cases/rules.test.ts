import t from 'tap'
import { ruleHash } from '../../../src/aggregates/contract/rules/rule-book.ts'
import { find, invitationOf, memberOf } from '../../../src/aggregates/contract/state.ts'
import type { Contracts } from '../../../src/contracts/registry/contracts.ts'
import { dryRun } from '../../../src/documents/dry-run.ts'
import type { Command as LedgerCommand } from '../../../src/events/commands.ts'
import { type ElementId, type Handle, ROOT } from '../../../src/events/ids.ts'
import type { LedgerEntry } from '../../../src/events/ledger-entry.ts'
import type { RuleBody } from '../../../src/events/rule.ts'
import { seal } from '../../../src/events/seal.ts'
import { completed } from '../../../src/runtime/turns.ts'
import { INVITATIONS_STREAM } from '../../../src/store/streams.ts'
import { fullState } from '../../support/full-state.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

const [FIRST, SECOND] = ['0.0', '0.1'] as ElementId[] as [ElementId, ElementId]
const everybody = { kind: 'validation' as const, who: { parties: [], fields: [] } }

function three(stage: Stage): [Machine, Machine, Machine] {
  return stage.machines('ana', 'ben', 'cleo')
}

function proposes(field: ElementId, value: string, basis: readonly string[] = []) {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  return { command: { type: 'ProposeValue', field, seal: sealed, basis }, payloads: { [sealed]: payload } }
}

async function fieldAt(stage: Stage, machine: Machine, id: ElementId) {
  const field = find((await stage.live(machine)).state.settling.agreed, id)
  if (field?.kind !== 'field') throw new Error(`no field ${id}`)
  return field
}

/** What became of what a party has asked for by that command, at somebody. */
async function fatesOf(
  stage: Stage,
  machine: Machine,
  handle: string,
  type: string,
): Promise<LedgerEntry['outcome'][]> {
  const statements = await stage.feedOf(handle, machine)
  return (await stage.entriesAt(machine)).flatMap(({ outcome, request }) => {
    const said = statements.find(({ seq }) => seq === request.seq)?.requests[request.index]
    return request.handle === handle && said?.commands[0]?.type === type ? [outcome] : []
  })
}

t.test(
  'two last votes cross, and who cast one dies: one value is agreed, the other in conflict, everywhere',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
    const [ana, ben, cleo] = three(stage)
    await stage.publishes([{ at: SECOND, body: everybody }])
    for (const [machine, value] of [
      [ana, 'of ana'],
      [ben, 'of ben'],
    ] as const) {
      const { command, payloads } = proposes(SECOND, value)
      await stage.does(machine, command, payloads)
    }
    const candidates = async () => (await fieldAt(stage, cleo, SECOND)).candidates
    await stage.until('both wait for votes', async () => (await candidates()).length === 2)
    const [one, other] = await candidates()
    for (const candidate of [one, other])
      await stage.does(cleo, { type: 'CastVote', field: SECOND, proposal: candidate?.id, vote: 'yes' })
    stage.cutOff(ana)
    await stage.workload.submit(ana, { type: 'CastVote', field: SECOND, proposal: other?.id, vote: 'yes' })
    await stage.workload.submit(ben, { type: 'CastVote', field: SECOND, proposal: one?.id, vote: 'yes' })
    await stage.until('both votes are signed', async () => {
      const newest = [(await stage.feedOf('ana')).at(-1), (await stage.feedOf('ben')).at(-1)]
      return newest.every((statement) => statement?.requests.some(({ commands }) => commands[0]?.type === 'CastVote'))
    })
    t.equal((await fieldAt(stage, cleo, SECOND)).agreed, null, 'neither has been counted')
    stage.faults.crash(ana)
    await stage.ends()
    for (const machine of [ana, ben, cleo]) {
      const { agreed, candidates } = await fieldAt(stage, machine, SECOND)
      t.ok(agreed?.id === one?.id || agreed?.id === other?.id)
      t.match(candidates, [{ id: agreed?.id === one?.id ? other?.id : one?.id }], 'it waits until somebody settles it')
    }
  },
)

t.test('a rule is edited while others publish what they have read: nothing else comes into force', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
  const [ana, ben, cleo] = three(stage)
  const read = { at: SECOND, body: everybody }
  const hash = ruleHash({ ...read, id: 1, ruleSet: 1 })
  await stage.does(ana, { type: 'AddRuleSet', name: 'terms' })
  await stage.does(ana, { type: 'DraftRule', ruleSet: 1, ...read })
  for (const machine of [ben, cleo]) await stage.does(machine, { type: 'CastVote', rule: 1, hash, vote: 'yes' })
  // What comes first in the ledger is the edit: ben has not seen it, and is behind.
  stage.cutOff(ben)
  await stage.workload.submit(ana, {
    type: 'EditRule',
    rule: 1,
    ruleSet: 1,
    body: { ...everybody, who: { parties: ['ben'], fields: [] } },
  })
  await stage.until('the edit is signed', async () =>
    ((await stage.feedOf('ana')).at(-1)?.requests ?? []).some(({ commands }) => commands[0]?.type === 'EditRule'),
  )
  await stage.workload.submit(ben, { type: 'PublishRules', ruleSets: [1], rules: [{ rule: 1, hash }] })
  await stage.until('the publication is signed', async () =>
    ((await stage.feedOf('ben')).at(-1)?.requests ?? []).some(({ commands }) => commands[0]?.type === 'PublishRules'),
  )
  stage.faults.crash(ben)
  await stage.ends()
  for (const machine of [ana, ben, cleo]) {
    const [edited] = await fatesOf(stage, machine, 'ana', 'EditRule')
    const [published] = await fatesOf(stage, machine, 'ben', 'PublishRules')
    const { phase, rules } = (await stage.live(machine)).state.settling.agreed
    t.equal([edited, published].filter((fate) => fate?.kind === 'accepted').length, 1, 'one of the two')
    if (phase === 'live') t.equal(ruleHash(rules.rules[0]?.terms as never), hash, 'what was voted')
    else t.same(rules.rules[0]?.yes, [], 'the edit has dropped the votes')
  }
})

t.test(
  'two triggers that flip each other, drafted at once: each alone is fit, and nobody publishes both',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
    const [ana, ben, cleo] = three(stage)
    for (const [place, name] of ['left', 'right'].entries()) {
      await stage.does(ana, { type: 'AddBlock', parent: ROOT, name, owner: null })
      const parent = `0.${3 + place}`
      await stage.does(ana, { type: 'AddField', parent, name: 'said', field: { type: 'text' } })
    }
    await stage.does(ana, { type: 'AddRuleSet', name: 'terms' })
    const nothing = { blocks: [], ruleSets: [] }
    const flips = async (text: string, block: string): Promise<RuleBody> => ({
      kind: 'trigger',
      condition: await stage.expression(text),
      activates: nothing,
      deactivates: { blocks: [block as ElementId], ruleSets: [] },
    })
    const bodies = [await flips('right.said = "off"', '0.3'), await flips('left.said = "off"', '0.4')] as const
    stage.cutOff(ana)
    await stage.workload.submit(ana, { type: 'DraftRule', at: ROOT, ruleSet: null, body: bodies[0] })
    await stage.workload.submit(ben, { type: 'DraftRule', at: ROOT, ruleSet: null, body: bodies[1] })
    await stage.run.pass(200)
    stage.run.network.heal()
    const book = async () => (await stage.live(cleo)).state.settling.agreed.rules.rules
    await stage.until('both are drafted', async () => (await book()).length === 2)
    const drafted = (await book()).map(({ by, terms }) => ({ by, rule: terms.id, hash: ruleHash(terms) }))
    for (const machine of [ana, ben, cleo])
      for (const { by, rule, hash } of drafted)
        if (by !== machine.handle) await stage.does(machine, { type: 'CastVote', rule, hash, vote: 'yes' })
    const rules = drafted.map(({ rule, hash }) => ({ rule, hash }))
    await stage.workload.submit(cleo, { type: 'PublishRules', ruleSets: [1], rules })
    await stage.ends()
    for (const machine of [ana, ben, cleo]) {
      t.match(await fatesOf(stage, machine, 'cleo', 'PublishRules'), [
        { kind: 'void', reason: { code: 'rules_cyclic', with: ['1', '2'] } },
      ])
      t.equal((await stage.live(machine)).state.settling.agreed.phase, 'edit')
    }
  },
)

t.test('rules come into force between an acceptance and the admission: it accepts them too, or is none', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: {} }, {}, ['cleo'])
  const [ana, ben, cleo] = three(stage)
  await stage.does(ana, { type: 'InviteParty', party: cleo.card })
  await stage.until('cleo has the contract', () => cleo.contracts?.has(stage.run.contract) ?? false)
  await stage.run.pass(3_000)
  await stage.comesOf((cleo.contracts as Contracts).accept(stage.run.contract))
  stage.cutOff(cleo)
  const [founder, other] = [ana, ben]
  const read = { at: SECOND, body: everybody }
  await stage.does(founder, { type: 'AddRuleSet', name: 'terms' })
  await stage.does(founder, { type: 'DraftRule', ruleSet: 1, ...read })
  const hash = ruleHash({ ...read, id: 1, ruleSet: 1 })
  await stage.does(other, { type: 'CastVote', rule: 1, hash, vote: 'yes' })
  await stage.does(founder, { type: 'PublishRules', ruleSets: [1], rules: [{ rule: 1, hash }] })
  t.ok(invitationOf((await stage.live(ben)).state.settling.agreed, cleo.handle), 'given: it waits for its acceptance')
  stage.run.network.heal()
  await stage.until('cleo has what came', async () => (await stage.live(cleo)).state.settling.agreed.phase === 'live')
  cleo.gossip?.carry(stage.run.contract)
  await stage.run.pass(5_000)
  // Its sponsor does not bring in what would come to nothing; anybody else may.
  const [accepted] = await cleo.disk.textsOf(INVITATIONS_STREAM)
  await stage.workload.submit(ben, { type: 'AdmitParty', accepted: JSON.parse(accepted ?? '') })
  await stage.until('its admission is judged', async () => (await admissions(stage)).length > 1)
  t.match(await admissions(stage), [{ kind: 'accepted' }, { kind: 'void', reason: { code: 'terms_changed' } }])
  t.notOk(memberOf((await stage.live(ana)).state.settling.agreed, cleo.handle), 'what it has not read does not bind it')
  await stage.letIn()
  await stage.ends()
  t.ok(memberOf((await stage.live(ben)).state.settling.agreed, cleo.handle))
})

/** That of ben is the first. */
async function admissions(stage: Stage): Promise<LedgerEntry['outcome'][]> {
  const ben = stage.machine('ben')
  return [...(await fatesOf(stage, ben, 'ana', 'AdmitParty')), ...(await fatesOf(stage, ben, 'ben', 'AdmitParty'))]
}

t.test('a dry run says what becomes of a request, whatever becomes of it', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} }, { rules: 0.1 })
  const [ana, ben] = three(stage)
  const computed = '0.3' as ElementId
  await stage.publishes([
    { at: SECOND, body: { kind: 'validation', who: { parties: ['ben' as Handle], fields: [] } } },
    {
      at: ROOT,
      body: { kind: 'assignment', target: computed, expression: await stage.expression('`field 0` + "!"') },
    },
    {
      at: ROOT,
      body: {
        kind: 'constraint',
        condition: await stage.expression('string length(`field 0`) < 9'),
        severity: 'reject',
      },
    },
  ])
  const asked = [
    proposes(FIRST, 'short'),
    proposes(FIRST, 'far too long'),
    proposes(SECOND, 'to be voted on'),
    { command: { type: 'RemoveElement', element: SECOND }, payloads: {} },
    { command: { type: 'EmptyField', field: computed, basis: [] }, payloads: {} },
    { command: { type: 'AddBlock', parent: ROOT, name: 'more' }, payloads: {} },
  ]
  const outcomes: string[] = []
  for (const { command, payloads } of asked) {
    const { state } = await stage.live(ana)
    const time = '2026-01-01T00:00:00.000Z'
    const tried = { commands: [command as LedgerCommand], payloads, isChangeSet: false, time }
    const said = completed(dryRun(tried, fullState(state), ana.handle))
    const { length } = await stage.entriesAt(ana)
    await stage.workload.submit(ana, command, { payloads })
    await stage.until(`${command.type} is settled`, async () => (await stage.entriesAt(ben)).length > length)
    const { outcome, events } = (await stage.entriesAt(ben))[length] as LedgerEntry
    outcomes.push(outcome.kind === 'void' ? outcome.reason.code : outcome.kind)
    t.equal(said.outcome, outcome.kind)
    if (outcome.kind === 'void') t.same(said.reason, outcome.reason)
    const rules = events.flatMap((event) => (event.type === 'ValueComputed' ? [event.rule] : []))
    t.same(
      said.fields.flatMap(({ rule }) => rule ?? []),
      rules,
    )
    const voters = events.flatMap((event) => (event.type === 'VotersNamed' ? [event.voters] : []))
    t.same(
      said.candidates.map((candidate) => candidate.voters),
      voters,
    )
  }
  t.same(outcomes, ['accepted', 'rule_broken', 'accepted', 'rule_governed', 'field_assigned', 'accepted'])
  await stage.ends()
})
