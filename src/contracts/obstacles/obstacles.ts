import { membersOf } from '../../aggregates/contract/state.ts'
import { newestOf } from '../../agreement/feeds.ts'
import type { Equivocation, OtherBranch } from '../../agreement/reception.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import type { Question } from '../approvals/questions.ts'

/** What can stop a contract, each with a code that API, metrics, log and `doctor` share. docs/operations/obstacles.md shows this table. */
export const obstacleCodes = [
  'key_missing',
  'store_set_back',
  'members_awaited',
  'statement_lost',
  'nobody_to_ask',
  'another_signs',
  'engine_unknown',
  'values_missing',
  'store_failing',
  'signer_unreachable',
  'processes_silent',
  'contract_damaged',
  'person_asked',
  'record_locked',
  'acceptance_overtaken',
  'party_forked',
  'fork_unproven',
  'heads_differ',
  'party_unreachable',
  'party_refuses_calls',
  'party_not_approved',
  'party_silent',
  'disk_full',
  'clock_off',
  'party_clock_off',
  'certificate_invalid',
  'unasked_given_up',
  'ahead_given_up',
  'introductions_given_up',
  'webhook_failing',
] as const
export type ObstacleCode = (typeof obstacleCodes)[number]

export interface ObstacleKind {
  readonly meaning: string
  /** What the person who runs the node does. */
  readonly remedy: string
  readonly level: 'error' | 'warning'
  /**
   * What the other members' nodes say of it, as far as they can know. `party_silent`: no more than that this party does not
   * answer, and only once something waits for it. null: nothing, since it does not reach them.
   */
  readonly elsewhere: ObstacleCode | null
}

export const obstacleKinds: Readonly<Record<ObstacleCode, ObstacleKind>> = {
  key_missing: {
    meaning: 'the contract is at a signing key that this node does not have: nothing is signed in it',
    remedy:
      'bring the newest file of `signing-keys/` back (a backup, the old machine) and start the node anew; if it is lost: `concordata key revoke`, with the recovery key',
    level: 'error',
    elsewhere: 'party_silent',
  },
  store_set_back: {
    meaning: 'the store lacks statements that the guard knows of: nothing is signed until they are here again',
    remedy: 'get the other parties on line; if none of them has the statements: `concordata key revoke`',
    level: 'error',
    elsewhere: 'party_silent',
  },
  members_awaited: {
    meaning:
      'the guard is missing or old, or own statements came from elsewhere: nothing is signed until the parties named have said what they hold of this party, and it is here',
    remedy:
      'get them on line. Of one that is gone for good, and has said nothing: `concordata contract go-on-regardless UID`',
    level: 'error',
    elsewhere: 'party_silent',
  },
  statement_lost: {
    meaning: 'a statement of this party that others saw comes after one that nobody has',
    remedy: 'take the feed over: `concordata key revoke`',
    level: 'error',
    elsewhere: 'party_silent',
  },
  nobody_to_ask: {
    meaning: 'the guard is missing or old, and there is no other party that could say what was signed',
    remedy: 'only if it is certain that nobody holds anything: `concordata contract go-on-regardless UID`',
    level: 'error',
    elsewhere: null,
  },
  another_signs: {
    meaning: 'another process has signed with the key of this party, beside the guard',
    remedy: 'find it and stop it; if both have signed for one place the contract needs a continuation',
    level: 'error',
    elsewhere: 'party_silent',
  },
  engine_unknown: {
    meaning:
      'the contract goes on in an engine that this version of the software does not have: nothing is signed in it',
    remedy: 'install a version that has it, and start the node anew; nothing is lost until then',
    level: 'error',
    elsewhere: 'party_silent',
  },
  values_missing: {
    meaning:
      'values that everybody has agreed on are missing here, as after a restore: nothing is signed until another party has given them back',
    remedy:
      'get the other parties on line: each of them has said that it has the values; they are asked again and again. What none of them has is in a backup of this node (`concordata restore`), or gone: then go on in a new contract',
    level: 'error',
    elsewhere: 'party_silent',
  },
  store_failing: {
    meaning: 'the last write to the store failed, and none has succeeded since',
    remedy: 'the log has the reason: disk, rights, or the server of the store; the node goes on by itself',
    level: 'error',
    elsewhere: 'party_silent',
  },
  signer_unreachable: {
    meaning: 'the signer process does not answer, or does not sign',
    remedy: 'start `concordata signer`, and see that this user may open its socket; the node goes on by itself',
    level: 'error',
    elsewhere: 'party_silent',
  },
  processes_silent: {
    meaning:
      'nobody carries out what this process leaves in the store, or signs what is due: `transmit` is down or stopped',
    remedy: 'look at `transmit` and the signer: `concordata doctor --role transmit`, their logs and metrics',
    level: 'error',
    elsewhere: 'party_silent',
  },
  contract_damaged: {
    meaning: 'what the store holds of the contract contradicts itself, or cannot be read: it is not loaded',
    remedy: '`concordata audit verify UID` says where; restore a backup, and leave `guard/` where it is',
    level: 'error',
    elsewhere: 'party_silent',
  },
  person_asked: {
    meaning:
      'a person is asked here about requests of the parties named; until the answer all that comes after them waits',
    remedy:
      '`concordata contract questions UID`, then answer; without an answer the rule of `acknowledgement` decides in its time',
    level: 'warning',
    elsewhere: 'party_silent',
  },
  record_locked: {
    meaning: 'the party named has locked the record: writes of all others wait, or are void',
    remedy: 'ask it to release the lock; all others together can break it: `POST /api/Contract/UID/Lock/Breaks`',
    level: 'warning',
    elsewhere: 'record_locked',
  },
  acceptance_overtaken: {
    meaning:
      'rules, phase or engine of the contract have changed since this party accepted its invitation: nobody is admitted to terms that it has not verified',
    remedy: 'look at the contract as it is now, then `concordata contract accept UID` once more',
    level: 'warning',
    elsewhere: null,
  },
  party_forked: {
    meaning:
      'the party named has signed two statements for one place: nothing that depends on them can settle any more',
    remedy:
      'keep the proof (`concordata contract evidence UID`), and go on without it in a new contract; if it is this party itself, its key, or a copy of its machine, signs elsewhere: find that first',
    level: 'error',
    elsewhere: 'party_forked',
  },
  fork_unproven: {
    meaning:
      'the first party named covers a statement of the second that differs from the one held here; who of them is at fault is not shown yet',
    remedy: 'get both on line: their nodes show what they hold; if nothing comes, ask them by telephone',
    level: 'error',
    elsewhere: 'party_forked',
  },
  heads_differ: {
    meaning:
      'the party named has signed a head that is not that of the ledger: what only that head covers does not settle',
    remedy:
      '`concordata contract evidence UID` says whether it lies, or one of the two nodes computes wrongly; ask it to correct it',
    level: 'error',
    elsewhere: 'heads_differ',
  },
  party_unreachable: {
    meaning: 'calls to the party named do not come about',
    remedy:
      '`concordata doctor` says why: its node, the network, its name, or another certificate than the one approved',
    level: 'warning',
    elsewhere: 'party_unreachable',
  },
  party_refuses_calls: {
    meaning: 'the party named turns this node away: it has blocked this party, or has not approved it',
    remedy: 'ask it by telephone; it approves with `concordata party approve`, and the fingerprint of `party self`',
    level: 'error',
    elsewhere: 'party_not_approved',
  },
  party_not_approved: {
    meaning:
      'the party named is on the contract, and this node has blocked it, or has not approved it: neither hears the other',
    remedy: '`concordata party list`; then `party approve`, or `party add` and its address',
    level: 'warning',
    elsewhere: 'party_refuses_calls',
  },
  party_silent: {
    meaning:
      'the oldest thing under way has waited for the party named for more than half a minute: its node is up and does not answer, or nobody reaches it',
    remedy:
      'ask whoever runs its node: a person may be asked there, its key, guard or store may be in trouble; its own `doctor` and `/api/Obstacle` say which',
    level: 'warning',
    elsewhere: 'party_silent',
  },
  disk_full: {
    meaning: 'the disk under the data directory is as good as full: soon, or already, nothing is written',
    remedy: 'make room: a node whose disk is full signs nothing',
    level: 'error',
    elsewhere: 'party_silent',
  },
  clock_off: {
    meaning: 'the clock of this machine is not that of most peers: deadlines and the times that others read are wrong',
    remedy:
      'keep it by NTP (`timedatectl`): where rules read the time, other nodes refuse its requests (`time_off`); else it decides nothing',
    level: 'warning',
    elsewhere: 'party_clock_off',
  },
  party_clock_off: {
    meaning:
      'the clock of the party named is neither that of this machine nor that of most peers: its deadlines, and the times that it writes, are wrong',
    remedy:
      'tell whoever runs its node, whose `doctor` and `/api/Obstacle` say so too: where rules read the time, its requests are refused (`time_off`)',
    level: 'warning',
    elsewhere: 'clock_off',
  },
  certificate_invalid: {
    meaning:
      'the outward certificate has expired, or is not valid yet; nodes go by its fingerprint, proxies and people by its date',
    remedy: 'it should have renewed itself: see the log, then `concordata certificate renew`',
    level: 'warning',
    elsewhere: null,
  },
  unasked_given_up: {
    meaning:
      'the party named has brought more contracts that nobody here has asked for than are kept: the oldest of them were given up, in the last ten minutes',
    remedy:
      'accept the invitations that are wanted, which are then kept; of a party that only floods: `concordata party block`. What was given up comes again by itself once there is room',
    level: 'warning',
    elsewhere: null,
  },
  ahead_given_up: {
    meaning:
      'the party named has sent more statements ahead of what they build on than there is room for: some were given up, in the last ten minutes',
    remedy:
      'nothing, if it ends: they come again in their order. If it goes on, ask whoever runs its node, or `concordata party block`',
    level: 'warning',
    elsewhere: null,
  },
  introductions_given_up: {
    meaning:
      'more parties have introduced themselves, in all or under one DID, than are kept until a person decides: newer ones took the place of older ones, in the last ten minutes',
    remedy:
      'somebody may be keeping a true party out of sight: look it up at its own address, `concordata party add URL`, where nobody else comes in between, and compare the fingerprint',
    level: 'warning',
    elsewhere: null,
  },
  webhook_failing: {
    meaning:
      'messages of a webhook have waited for more than ten minutes, or it has ended: its receiver has said that it is gone, or its key is not good any more',
    remedy:
      '`concordata webhook list` says which, and `webhook undelivered ID` why; mend the receiver, then `webhook retry ID`. One that has ended: `webhook activate ID`, or `webhook remove ID`',
    level: 'warning',
    elsewhere: null,
  },
}

/** One obstacle, as it stands now. `parties`: whom it concerns, or is waited for. `givenUp`: how much of what they have brought. */
export interface Obstacle {
  readonly code: ObstacleCode
  readonly parties: readonly Handle[]
  readonly givenUp?: number
}

/** An obstacle as people and programs see it. `contract` null: it concerns the node, or all contracts with the parties. */
export interface ObstacleShown extends Obstacle {
  readonly contract: Uid | null
  readonly title: string | null
  readonly meaning: string
  readonly remedy: string
}

/** What of a contract can be in its way. */
export interface ObstructedContract {
  readonly state: HeldState
  /** Why nothing is signed. */
  readonly obstacle: ObstacleCode | undefined
  /** What the last turn failed of. */
  readonly trouble: ObstacleCode | undefined
  readonly awaited: readonly Handle[]
  readonly evidence: readonly Equivocation[]
  readonly unprovenForks: readonly OtherBranch[]
  readonly questions: readonly Question[]
}

/** What the contract itself tells, whatever goes on around it. In a process that does not sign, of the others' part only. */
export function obstaclesIn(live: ObstructedContract): Obstacle[] {
  const { state, obstacle, trouble, awaited, evidence, unprovenForks, questions } = live
  const found: Obstacle[] = []
  const add = (code: ObstacleCode, parties: Iterable<Handle> = []) =>
    found.push({ code, parties: [...new Set(parties)] })
  if (obstacle !== undefined) add(obstacle, obstacle === 'members_awaited' ? awaited : [])
  if (trouble !== undefined) add(trouble)
  if (questions.length > 0)
    add(
      'person_asked',
      questions.map(({ request }) => request.handle),
    )
  const { lock } = state.settling.agreed
  if (lock !== null && membersOf(state.settling.agreed).length > 1) add('record_locked', [lock.holder])
  if (evidence.length > 0)
    add(
      'party_forked',
      evidence.map(({ party }) => party),
    )
  for (const { signer, party } of unprovenForks) add('fork_unproven', [signer, party])
  const differing = differingIn(state)
  if (differing.length > 0) add('heads_differ', differing)
  return found
}

/**
 * Whose newest heads are not those of the ledger. Every head that is held has been compared with it, so one that is longer than
 * what counts as signed is another. Only the first such head of a party is kept as evidence.
 */
function differingIn({ feeds, settling: { agreed, divergences, signed } }: HeldState): Handle[] {
  const members = membersOf(agreed).map(({ card }) => card.handle)
  return [...new Set([...divergences.map(({ party }) => party), ...members])].filter((party) => {
    const newest = newestOf(feeds, party)?.statement
    const isSigned = (newest?.head.size ?? 0) <= (signed.get(party) ?? 0)
    return !isSigned || divergences.some((first) => first.party === party && first.seq === newest?.seq)
  })
}
