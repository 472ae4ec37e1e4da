import type Database from 'better-sqlite3'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { ContractRows, PartyRef } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { LOCAL_IDS } from '../row-id.ts'

/**
 * Party is who somebody is as a contract knows it: the card it was invited with. Market says how it stands in the
 * contract, and since which ledger index: `invited`, `member`, `former`, or, if nothing came of it, `declined` or
 * `withdrawn`. Both have the same id.
 */
const SCHEMA = `
  CREATE TABLE Party (
    id           INTEGER PRIMARY KEY,
    contract     INTEGER NOT NULL,
    handle       TEXT NOT NULL,
    did          TEXT NOT NULL,
    name         TEXT NOT NULL,
    claimed_lei  TEXT,
    signing_key  TEXT NOT NULL,
    recovery_key TEXT NOT NULL,
    UNIQUE (contract, handle)
  ) STRICT;

  CREATE TABLE Market (
    id          INTEGER PRIMARY KEY,
    contract    INTEGER NOT NULL,
    party       INTEGER NOT NULL,
    standing    TEXT NOT NULL,
    invited_by  INTEGER,
    invited_at  INTEGER NOT NULL,
    admitted_at INTEGER,
    ended_at    INTEGER,
    reason      TEXT,
    about       TEXT,
    about_in    TEXT
  ) STRICT;
`

export type MembershipEvent = Extract<
  ContractEvent,
  { type: 'PartyInvited' | 'PartyAdmitted' | 'InvitationWithdrawn' | 'InvitationDeclined' | 'PartyResigned' }
>

interface PartyRow {
  readonly id: number
  readonly handle: Handle
  readonly standing: string
}

export class PartyTable {
  static readonly schema = SCHEMA
  readonly #ofContract
  readonly #add
  readonly #invite
  readonly #admit
  readonly #end

  constructor(database: Database.Database) {
    this.#ofContract = database.prepare<[from: number, to: number], PartyRow>(
      'SELECT Party.id, handle, standing FROM Party JOIN Market USING (id) WHERE id > ? AND id < ? ORDER BY id',
    )
    this.#add = database.prepare(
      'INSERT INTO Party (id, contract, handle, did, name, claimed_lei, signing_key, recovery_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#invite = database.prepare(
      'INSERT INTO Market (id, contract, party, standing, invited_by, invited_at) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#admit = database.prepare("UPDATE Market SET standing = 'member', admitted_at = ? WHERE id = ?")
    this.#end = database.prepare(
      'UPDATE Market SET standing = ?, ended_at = ?, reason = ?, about = ?, about_in = ? WHERE id = ?',
    )
  }

  load(base: number): Map<Handle, PartyRef> {
    const rows = this.#ofContract.all(base, base + LOCAL_IDS)
    return new Map(rows.map(({ id, handle, standing }) => [handle, { id, isFormer: standing === 'former' }]))
  }

  founded(page: ContractRows, founder: PartyCard): void {
    const id = this.#addParty(page, founder, null)
    this.#admit.run(page.size, id)
  }

  apply(page: ContractRows, event: MembershipEvent): void {
    switch (event.type) {
      case 'PartyInvited':
        this.#addParty(page, event.party, partyOf(page, event.by).id)
        break
      case 'PartyAdmitted':
        this.#admit.run(page.size, partyOf(page, event.handle).id)
        break
      case 'InvitationWithdrawn':
        this.#end.run('withdrawn', page.size, null, null, null, partyOf(page, event.handle).id)
        break
      case 'InvitationDeclined':
        this.#end.run('declined', page.size, null, null, null, partyOf(page, event.handle).id)
        break
      case 'PartyResigned': {
        const party = partyOf(page, event.handle)
        party.isFormer = true
        this.#end.run('former', page.size, event.reason ?? null, event.about ?? null, page.carrier, party.id)
        break
      }
    }
  }

  #addParty(page: ContractRows, { handle, did, name, lei, keys }: PartyCard, invitedBy: number | null): number {
    const id = page.base + page.parties.size + 1
    this.#add.run(id, page.number, handle, did, name, lei ?? null, keys.signing, keys.recovery)
    this.#invite.run(id, page.number, id, 'invited', invitedBy, page.size)
    page.parties.set(handle, { id, isFormer: false })
    return id
  }
}

/** Throws FoldFailed for a party that the ledger has not named. */
export function partyOf(page: ContractRows, handle: Handle): PartyRef {
  const party = page.parties.get(handle)
  if (party === undefined) throw new FoldFailed(`the ledger names ${handle} before it has a card`, { handle })
  return party
}
