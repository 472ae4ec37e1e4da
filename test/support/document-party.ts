import type { KeyObject } from 'node:crypto'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { rulesToPublish } from '../../src/aggregates/contract/rules/rule-commands.ts'
import { audienceAt } from '../../src/aggregates/contract/values/effective-audience.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import { type Hash, isHash } from '../../src/crypto/hash.ts'
import { generateKeyPair, sign } from '../../src/crypto/key-pair.ts'
import type { Charter } from '../../src/events/charter.ts'
import type { Command, CommandOf } from '../../src/events/commands.ts'
import type { FieldType } from '../../src/events/field-type.ts'
import type { Handle, ProposalId } from '../../src/events/ids.ts'
import { defaultLimits, type Limits } from '../../src/events/limits.ts'
import { type Acceptance, acceptanceBytes } from '../../src/events/parties/acceptance.ts'
import { type Decline, declineBytes, type SignedDecline } from '../../src/events/parties/decline.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import type { LockPurpose, ResignationReason } from '../../src/events/reasons.ts'
import { seal } from '../../src/events/seal.ts'
import type { Request } from '../../src/events/statement.ts'
import { type Act, type Document, UID } from './document.ts'
import { bodyOf, hashOfRule, type WrittenRule } from './written-rule.ts'

/** Of all contracts in these tests. */
const CHARTER: Charter = { continuationQuorumPercent: 67 }

/** A party with real keys, and all that it can do to a document. Elements are named by their paths. */
export class Party {
  readonly card: PartyCard
  readonly #signingKey: KeyObject

  constructor(handle: string, changes: Partial<PartyCard> = {}) {
    const { privateKey, publicKey: signing } = generateKeyPair()
    const keys = { signing, recovery: generateKeyPair().publicKey }
    this.card = { handle: handle as Handle, did: `did:web:${handle}.example`, name: handle, keys, ...changes }
    this.#signingKey = privateKey
  }

  get handle(): Handle {
    return this.card.handle
  }

  opens(limits: Partial<Limits> = {}, founder: PartyCard = this.card, title = 'Fleet 2027'): Act {
    const command: CommandOf<'OpenContract'> = {
      type: 'OpenContract',
      title,
      engine: 1,
      charter: CHARTER,
      limits: { ...defaultLimits, ...limits },
      founder,
    }
    return this.orders(command)
  }

  invites(invitee: { readonly card: PartyCard }): Act {
    return this.orders({ type: 'InviteParty', party: invitee.card })
  }

  /** Brings in what the invitee signs, who takes the document as it is for verified. */
  admits(invitee: Party, changes: Partial<Acceptance> = {}): Act {
    return this.#writes((document) => ({ type: 'AdmitParty', accepted: invitee.accepts(document, changes) }))
  }

  accepts(
    document: Pick<Document, 'head' | 'state'>,
    changes: Partial<Acceptance> = {},
  ): CommandOf<'AdmitParty'>['accepted'] {
    const invitation = document.state.parties.invitations.find(({ party }) => party.handle === this.handle)
    const acceptance: Acceptance = {
      contract: UID,
      invitation: invitation?.index ?? 0,
      handle: this.handle,
      keys: this.card.keys,
      charter: CHARTER,
      head: document.head,
      lastIndex: 1000,
      ...changes,
    }
    return { acceptance, signature: sign(this.#signingKey, acceptanceBytes(acceptance)) }
  }

  withdrawsInvitation(of: Party): Act {
    return this.orders({ type: 'WithdrawInvitation', party: of.handle })
  }

  /** Brings in what the invitee signs: that it does not join. */
  bringsDecline(invitee: Party, changes: Partial<Decline> = {}): Act {
    return this.#writes((document) => ({ type: 'DeclineInvitation', declined: invitee.declines(document, changes) }))
  }

  declines(document: Document, changes: Partial<Decline> = {}): SignedDecline {
    const invitation = document.state.parties.invitations.find(({ party }) => party.handle === this.handle)
    const decline = { contract: UID, invitation: invitation?.index ?? 0, handle: this.handle, ...changes }
    return { decline, signature: sign(this.#signingKey, declineBytes(decline)) }
  }

  locks(purpose: LockPurpose = 'review'): Act {
    return this.orders({ type: 'LockRecord', purpose })
  }

  releases(): Act {
    return this.orders({ type: 'ReleaseLock' })
  }

  /** Votes to break the lock that stands. */
  breaks(): Act {
    return this.#writes((document) => ({ type: 'BreakLock', lock: document.state.lock?.index ?? 0 }))
  }

  upgrades(to: number): Act {
    return this.orders({ type: 'UpgradeEngine', to })
  }

  resigns(reason?: ResignationReason): Act {
    return this.orders({ type: 'Resign', ...(reason === undefined ? {} : { reason }) })
  }

  addsBlock(path: string, changes: { owner?: Handle | null } = {}): Act {
    return this.#writes((document) => ({ type: 'AddBlock', ...document.placeOf(path), ...changes }))
  }

  addsField(path: string, field: FieldType = { type: 'text' }, changes: { owner?: Handle | null } = {}): Act {
    return this.#writes((document) => ({ type: 'AddField', ...document.placeOf(path), field, ...changes }))
  }

  /** Of blocks, unless it is told otherwise. */
  addsList(path: string, changes: Partial<CommandOf<'AddList'>> = {}): Act {
    return this.#writes((document) => ({
      type: 'AddList',
      ...document.placeOf(path),
      entry: 'block',
      entriesMax: 10,
      ...changes,
    }))
  }

  addsEntry(path: string): Act {
    return this.#writes((document) => ({ type: 'AddEntry', list: document.idAt(path) }))
  }

  defines(
    name: string,
    base: CommandOf<'DefineType'>['base'],
    more: Pick<CommandOf<'DefineType'>, 'constraint' | 'hints'> = {},
  ): Act {
    return this.orders({ type: 'DefineType', name, base, ...more })
  }

  arranges(path: string, order: readonly number[]): Act {
    return this.#writes((document) => ({ type: 'ArrangeChildren', block: document.idAt(path), order: [...order] }))
  }

  renames(path: string, name: string): Act {
    return this.#writes((document) => ({ type: 'RenameElement', element: document.idAt(path), name }))
  }

  removes(path: string): Act {
    return this.#writes((document) => ({ type: 'RemoveElement', element: document.idAt(path) }))
  }

  grants(path: string, to: Party | null): Act {
    return this.#writes((document) => ({
      type: 'GrantElement',
      element: document.idAt(path),
      to: to?.handle ?? null,
    }))
  }

  /** Having seen none of the others that stand there. `salt`: left out, zeros. */
  proposes(
    path: string,
    value: unknown,
    {
      salt = 0,
      ...changes
    }: { exclusive?: true; basis?: readonly ProposalId[]; salt?: number; audience?: Handle[] } = {},
  ): Act {
    const { seal: sealed, payload } = seal(value, new Uint8Array(16).fill(salt))
    return {
      author: this.handle,
      write: (document) => ({
        commands: [{ type: 'ProposeValue', field: document.idAt(path), seal: sealed, basis: [], ...changes }],
        values: new Map([[sealed, payload]]),
      }),
    }
  }

  /** Having seen all that stand there. */
  settles(path: string, value: unknown): Act {
    return {
      author: this.handle,
      write: (document) => {
        const basis = standingAt(document.fieldAt(path)).map(({ id }) => id)
        return this.proposes(path, value, { basis }).write(document)
      },
    }
  }

  /** Having seen all that stands there. */
  empties(path: string, changes: { exclusive?: true; basis?: ProposalId[] } = {}): Act {
    return this.#writes((document) => ({
      type: 'EmptyField',
      field: document.idAt(path),
      basis: standingAt(document.fieldAt(path)).map(({ id }) => id),
      ...changes,
    }))
  }

  /** Only these get what is proposed there; null: as above. */
  setsAudience(path: string, parties: readonly { readonly handle: Handle }[] | null, until?: string): Act {
    return this.#writes((document) => ({
      type: 'SetAudience',
      element: document.idAt(path),
      parties: parties === null ? null : parties.map(({ handle }) => handle),
      ...(until === undefined ? {} : { until }),
    }))
  }

  /** To those who hold it there. */
  confides(path: string, value: unknown, changes: { exclusive?: true; basis?: readonly ProposalId[] } = {}): Act {
    return {
      author: this.handle,
      write: (document) => {
        const audience = [...(audienceAt(document.state, document.idAt(path))?.parties ?? [])]
        return this.proposes(path, value, { ...changes, audience }).write(document)
      },
    }
  }

  /** What another party, or this one, has confided there. `value`: what is said to be under the seal. */
  reveals(path: string, value: unknown, of: Party = this): Act {
    const { seal: sealed, payload } = seal(value, new Uint8Array(16))
    return {
      author: this.handle,
      write: (document) => ({
        commands: [
          { type: 'RevealValue', field: document.idAt(path), proposal: document.proposalOf(of, path), seal: sealed },
        ],
        values: new Map([[sealed, payload]]),
      }),
    }
  }

  addsRuleSet(name: string): Act {
    return this.orders({ type: 'AddRuleSet', name })
  }

  /** Expressions in it are texts. In the first rule set; a trigger in none. */
  drafts(path: string, rule: WrittenRule, ruleSet = 1): Act {
    return this.#writes((document) => {
      const body = bodyOf(rule, path, document)
      return { type: 'DraftRule', at: document.idAt(path), ruleSet: body.kind === 'trigger' ? null : ruleSet, body }
    })
  }

  edits(rule: number, path: string, says: WrittenRule, ruleSet = 1): Act {
    return this.#writes((document) => ({ type: 'EditRule', rule, ruleSet, body: bodyOf(says, path, document) }))
  }

  removesRule(rule: number): Act {
    return this.orders({ type: 'RemoveRule', rule })
  }

  votesOnRule(rule: number, vote: 'yes' | 'no' = 'yes'): Act {
    return this.#writes((document) => ({ type: 'CastVote', rule, hash: hashOfRule(document, rule), vote }))
  }

  publishes(...ruleSets: number[]): Act {
    return this.#writes((document) => {
      const named = rulesToPublish(document.state, ruleSets).map(({ terms }) => terms)
      const rules = named.map((terms) => ({ rule: terms.id, hash: ruleHash(terms) }))
      return { type: 'PublishRules', ruleSets, rules }
    })
  }

  reopens(): Act {
    return this.orders({ type: 'ReopenEdit' })
  }

  /** What stands agreed at a path, or what is under a seal. */
  erases(...what: readonly (string | Hash)[]): Act {
    return this.#writes((document) => {
      const seals = what.map((one) => (isHash(one) ? one : document.sealAt(one)))
      return { type: 'EraseValues', seals: seals.sort() }
    })
  }

  keeps(erasure: Hash): Act {
    return this.orders({ type: 'KeepValues', erasure })
  }

  withdraws(path: string, of: Party = this): Act {
    return this.#writes((document) => ({
      type: 'WithdrawProposal',
      field: document.idAt(path),
      proposal: document.proposalOf(of, path),
    }))
  }

  votes(vote: 'yes' | 'no', path: string, of: Party, about?: Hash): Act {
    return this.#writes((document) => ({
      type: 'CastVote',
      field: document.idAt(path),
      proposal: document.proposalOf(of, path),
      vote,
      ...(about === undefined ? {} : { about }),
    }))
  }

  /** On the last change set of a party. */
  votesOnSet(of: Party, vote: 'yes' | 'no' = 'yes', said: { about?: Hash; audience?: Handle[] } = {}): Act {
    return this.#writes((document) => ({ type: 'CastVote', request: document.changeSetOf(of).request, vote, ...said }))
  }

  withdrawsSet(of: Party = this): Act {
    return this.#writes((document) => ({ type: 'WithdrawChangeSet', request: document.changeSetOf(of).request }))
  }

  /** These very commands: known ones or not. */
  orders(...commands: (Command | Request['commands'][number])[]): Act {
    return { author: this.handle, write: () => ({ commands, values: new Map() }) }
  }

  #writes(command: (document: Document) => Command): Act {
    return { author: this.handle, write: (document) => ({ commands: [command(document)], values: new Map() }) }
  }
}
