import { erasedIn, isErased } from '../../src/aggregates/contract/erased-values.ts'
import { closedInvitationOf, find, memberOf } from '../../src/aggregates/contract/state.ts'
import { lackingIn } from '../../src/agreement/completing.ts'
import { feedOf, firstCovering } from '../../src/agreement/feeds.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { lackedIn } from '../../src/agreement/values/lacked-values.ts'
import { AuditFailed } from '../../src/audit/audit-failed.ts'
import type { AuditReport } from '../../src/audit/report.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import { type ElementId, requestKey } from '../../src/events/ids.ts'
import type { LedgerEntry } from '../../src/events/ledger-entry.ts'
import { both } from '../support/engine-2.ts'
import { fullState } from '../support/full-state.ts'
import { checkAttachments } from './attachment-work.ts'
import { checkErased } from './erasure-work.ts'
import type { Machine } from './machine.ts'
import { Violation } from './oracle.ts'
import type { Run } from './run.ts'
import { DEADLY, SINS } from './sins.ts'
import { isStoppedForGood } from './stopped-for-good.ts'
import { SAID } from './submissions.ts'

/** What must hold while anything happens. `isOver`: everything has healed, and had the time that it needs. */
export function check(run: Run, isOver = false): void {
  if (run.violations.length > 0) throw run.violations[0]
  const honest: [Machine, AgreementState][] = []
  for (const machine of run.machines) {
    const held = run.held(machine)?.state
    if (held === undefined || !run.isHonest(machine)) continue
    const state = fullState(held)
    run.oracle.checkMachine(machine, state)
    checkValues(run, machine, state, isOver)
    honest.push([machine, state])
  }
  if (run.twin !== undefined || run.hostile !== undefined) return
  for (const one of honest) for (const other of honest) if (one !== other) run.oracle.checkPair(one, other)
}

/** Of each machine, when it has long had what it can get. It compares what it has with one other every few seconds. */
const CALLS_A_SECOND_MAX = 4

/** Whoever lacks something for ever, or is told that another does, does not call again and again at once. */
export function checkPeace(run: Run, callsASecond: number): void {
  if (callsASecond <= CALLS_A_SECOND_MAX * run.everyone().length) return
  throw new Violation(`${callsASecond} calls a second, after half a minute in which everything had healed`)
}

/** What must hold after everything has healed, and been given the time that it needs. */
export async function checkEnd(run: Run): Promise<void> {
  await checkUnsaid(run)
  await run.confidences.check(run)
  run.oracle.checkPromises()
  const isDead = run.twin !== undefined || SINS.some((sin) => DEADLY.has(sin) && run.hostile?.sins.has(sin))
  if (isDead) return
  const statements = run.statements()
  await run.pass(30_000)
  check(run, true)
  if (run.statements() !== statements) throw new Violation('an idle contract does not fall silent')
  if (await isStoppedForGood(run)) return
  await checkAllEqual(run)
  await countLies(run)
  await run.confidences.checkHandedOver(run)
  await checkErased(run)
  await checkAttachments(run)
  await checkEntries(run)
  await checkChangeSets(run)
  await audit(run)
  run.oracle.checkPromises()
  for (const machine of run.machines) {
    const live = await machine.live(run.contract)
    if (live === undefined || !run.isHonest(machine)) continue
    await live.recall()
    run.oracle.checkSignedOnce(machine, fullState(live.state))
  }
}

/** Of what a member has acknowledged it holds the values, unless its disk was set back; those of an answer that a crash has left in the guard alone it gets again. Other processes may have got them. */
function checkValues(
  { contract, options, wasSetBack }: Run,
  machine: Machine,
  state: AgreementState,
  isOver: boolean,
): void {
  if (options.split || wasSetBack) return
  for (const held of lackingIn(state)) {
    const { party, seq, requests } = held.statement
    const answer = firstCovering(feedOf(state.feeds, machine.handle), party, seq)
    if (party === machine.handle || answer === undefined) continue
    if (!isOver && machine.disk.cameBack(contract, answer.statement.seq)) continue
    const refused = new Set(answer.statement.refusals.map(({ request }) => requestKey(request)))
    for (const [index, request] of requests.entries()) {
      const key = requestKey({ handle: party, seq, index })
      const lacked = lackedIn(held, request).filter((seal) => !isErased(state.ledger.document, seal))
      if (lacked.length === 0 || refused.has(key)) continue
      throw new Violation(`${machine.handle} has acknowledged ${key}, and has not its values`)
    }
  }
}

/** What people say is under seals only, so it can be erased everywhere. */
async function checkUnsaid(run: Run): Promise<void> {
  for (const machine of run.everyone()) {
    for await (const text of machine.disk.kept(run.contract)) {
      if (text.includes(SAID)) throw new Violation(`${machine.handle} keeps for good what a person says:\n${text}`)
    }
  }
}

async function checkAllEqual({ machines, contract, oracle }: Run): Promise<void> {
  for (const machine of machines) {
    const state = (await machine.live(contract))?.state
    if (state === undefined || memberOf(state.settling.agreed, machine.handle) === undefined) continue
    if (state.settling.settled !== oracle.size || state.ledger.open.length > 0) {
      const { settled } = state.settling
      throw new Violation(`${machine.handle} settled ${settled} of ${oracle.size} after everything had healed`)
    }
  }
}

/** What a liar has asked for stands in the ledger like anything else, and came to something, or nothing, at everybody alike. */
async function countLies({ counts, hostile, machines, contract }: Run): Promise<void> {
  if (hostile === undefined) return
  for (const name of hostile.lies.lines) counts[`false line: ${name}`] = 1
  const [machine] = machines
  for (const text of (await machine?.disk.ledgerOf(contract)) ?? []) {
    const { outcome, request } = JSON.parse(text) as LedgerEntry
    const name = hostile.lies.requests.get(requestKey(request))
    if (name === undefined) continue
    const what = `lie: ${name}`
    counts[what] = (counts[what] ?? 0) + 1
    if (outcome.kind === 'accepted') counts['accepted lies'] = (counts['accepted lies'] ?? 0) + 1
  }
}

/** Whoever was told that its entry is accepted finds it in the list, or its number given. */
async function checkEntries(run: Run): Promise<void> {
  const list = `0.${run.options.fields}` as ElementId
  for (const machine of run.machines) {
    const state = (await machine.live(run.contract))?.state
    if (state === undefined || !run.isHonest(machine) || state.settling.settled !== run.oracle.size) continue
    const found = find(state.settling.agreed, list)
    const given = found?.kind === 'list' ? found.entries.tree.slots - 1 : 0
    const told = run.counts['accepted AddEntry'] ?? 0
    if (given < told) throw new Violation(`${machine.handle} has given ${given} entries a number, of ${told} accepted`)
  }
}

/** From the events alone: a change set takes effect with its last vote, then and not before, and with all of its commands. */
async function checkChangeSets(run: Run): Promise<void> {
  for (const machine of run.machines) {
    const missing = new Map<string, { readonly votes: Set<string>; readonly commands: number }>()
    for (const text of await machine.disk.ledgerOf(run.contract)) {
      const { events, index } = JSON.parse(text) as LedgerEntry
      for (const [place, event] of events.entries()) {
        if (event.type === 'PartyResigned') for (const { votes } of missing.values()) votes.delete(event.handle)
        if (!('request' in event)) continue
        const key = requestKey(event.request)
        const set = missing.get(key)
        if (event.type === 'ChangeSetProposed') {
          missing.set(key, { commands: event.commands.length, votes: new Set(event.voters) })
        } else if (event.type === 'ChangeSetVoteCast') {
          if (event.vote === 'yes') set?.votes.delete(event.by)
        } else {
          missing.delete(key)
          run.count(event.type === 'ChangeSetAgreed' ? 'change sets agreed' : `change sets ended: ${event.why}`)
        }
        if (event.type !== 'ChangeSetAgreed' || set === undefined) continue
        run.count('change sets agreed by votes')
        const rest = events.slice(place + 1)
        const effects = rest.filter(({ type }) => type === 'FieldAdded' || type === 'ProposalAgreed')
        if (set.votes.size > 0) throw new Violation(`entry ${index}: ${key} takes effect before its last vote`)
        if (effects.length < set.commands) throw new Violation(`entry ${index}: ${key} takes effect in part`)
      }
      for (const [key, { votes }] of missing) {
        if (votes.size === 0) throw new Violation(`entry ${index}: ${key} has all its votes, and waits`)
      }
    }
  }
}

/** Whoever audits an honest member finds its store whole, and of misconduct only what the hostile one has signed. */
async function audit(run: Run): Promise<void> {
  const [founder] = run.machines as [Machine, ...Machine[]]
  for (const machine of run.machines) {
    if (!machine.contracts?.has(run.contract)) continue
    const source = machine.disk.auditSource(run.contract, founder.handle)
    const { misconduct } = await verifyContract(source, both).catch((error) => reportIfGone(run, machine, error))
    for (const { what, party } of misconduct) {
      run.count(`audited: ${what}`)
      if (party.handle !== run.hostile?.handle) throw new Violation(`an audit accuses ${party.handle} of ${what}`)
    }
  }
}

/**
 * Who is not on the contract any more is given nothing of after that: what it lacked when all the others erased it stays missing there,
 * and neither its node nor an auditor of its store can know why.
 */
async function reportIfGone(run: Run, machine: Machine, error: unknown): Promise<AuditReport> {
  const own = (await machine.live(run.contract))?.state.settling.agreed
  const isGone = own !== undefined && closedInvitationOf(own, machine.handle) !== undefined
  if (!(error instanceof AuditFailed) || !isGone) throw error
  const erased = new Set<string>()
  for (const other of run.machines) {
    const agreed = (await other.live(run.contract))?.state.settling.agreed
    if (agreed !== undefined) for (const seal of erasedIn(agreed)) erased.add(seal)
  }
  const { damage } = error.report
  const isErasedSince = ({ code, place }: (typeof damage)[number]) =>
    code === 'payload_missing' && place.kind === 'payloads' && place.seal !== undefined && erased.has(place.seal)
  if (!damage.every(isErasedSince)) throw error
  run.count('audited: erased since it was gone')
  return error.report
}

/** How everybody stands, into the trace. */
export async function describe(run: Run): Promise<void> {
  for (const machine of run.everyone()) {
    const live = await machine.author(run.contract).catch(() => undefined)
    if (live === undefined) continue
    const { state, obstacle, awaited } = live
    const frontier = [...state.feeds].map(([handle, feed]) => `${handle} ${feed.size - 1}`).join(', ')
    const { settled, divergences } = state.settling
    run.trace(
      `${machine.address}: holds ${frontier}; acknowledged ${state.ledger.log.size}, settled ${settled}, open ` +
        `${state.ledger.open.map(({ statement }) => `${statement.party} ${statement.seq}`).join(', ')}; ` +
        `lacking ${lackingIn(state).map(({ statement }) => `${statement.party} ${statement.seq}`)}; ` +
        `obstacle ${obstacle ?? 'none'} ${awaited.join(' ')}; diverges from ${divergences.map(({ party }) => party)}; ` +
        `waiting ${run.machines.flatMap(({ handle }) => live.waitingOf(handle).map(({ statement: s }) => `${s.party} ${s.seq} sees ${JSON.stringify(Object.entries(s.seen).map(([h, p]) => `${h} ${p.seq}`))}`)).join(', ')}; ` +
        `evidence against ${live.evidence.map(({ party }) => party)}`,
    )
  }
}
