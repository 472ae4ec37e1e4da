import { HANDLE_PATTERN, type Handle, UID_PATTERN, type Uid } from '../events/ids.ts'

/** Whom this node knows and trusts. */
export const DIRECTORY_STREAM = 'directory'
/** Invitations that came to this node's party, and what it said to them. */
export const INVITATIONS_STREAM = 'invitations'
/** Which contracts this node holds, in the order in which it came to hold them. */
export const CONTRACTS_STREAM = 'contracts'

/** A party's statements on a contract: revision = seq. */
export function feedStream(contract: Uid, handle: Handle): string {
  return `feed-${contract}-${handle}`
}

/** The settled ledger of a contract: revision = ledger index = Merkle leaf index. */
export function contractStream(contract: Uid): string {
  return `contract-${contract}`
}

/** Proofs of equivocation and divergence that this node has come across in a contract. */
export function evidenceStream(contract: Uid): string {
  return `evidence-${contract}`
}

/**
 * Up to which ledger index this node has carried out what all members have voted to erase in a contract, and up to which one it has
 * taken entries in place of what it could not judge.
 */
export function erasuresStream(contract: Uid): string {
  return `erasures-${contract}`
}

/** Which contents the values of a contract name, and which of them are complete at this node. */
export function contentsStream(contract: Uid): string {
  return `contents-${contract}`
}

/** The command queue: what local users asked for, queued by `serve`, carried out by `transmit` (design §9). */
export const OUTBOX_STREAM = 'outbox-asks'
/** Up to where the queued commands are done, and the results of some. */
export const OUTBOX_DONE_STREAM = 'outbox-done'

/** What a stream holds, by its name. */
export type StreamKind =
  | { readonly kind: 'feed'; readonly contract: Uid; readonly handle: Handle }
  | { readonly kind: 'contract' | 'evidence' | 'erasures' | 'contents'; readonly contract: Uid }
  | { readonly kind: 'directory' | 'invitations' | 'contracts' | 'outbox-asks' | 'outbox-done' }

const unanchored = (pattern: string) => pattern.replace(/^\^|\$$/g, '')
const feedName = new RegExp(`^feed-(${unanchored(UID_PATTERN)})-(${unanchored(HANDLE_PATTERN)})$`)
const contractName = new RegExp(`^(contract|evidence|erasures|contents)-(${unanchored(UID_PATTERN)})$`)
const soleNames = [DIRECTORY_STREAM, INVITATIONS_STREAM, CONTRACTS_STREAM, OUTBOX_STREAM, OUTBOX_DONE_STREAM] as const

/** The name taken apart again; undefined if no function here makes it: a store may hold streams of other programs. */
export function parseStream(name: string): StreamKind | undefined {
  const feed = feedName.exec(name)
  if (feed !== null) return { kind: 'feed', contract: feed[1] as Uid, handle: feed[2] as Handle }
  const contract = contractName.exec(name)
  if (contract !== null) {
    return { kind: contract[1] as 'contract' | 'evidence' | 'erasures' | 'contents', contract: contract[2] as Uid }
  }
  const sole = soleNames.find((known) => known === name)
  return sole && { kind: sole }
}
