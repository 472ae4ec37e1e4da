import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { NotProven } from '../agreement/evidence.ts'
import { isValidSignature } from '../crypto/ed25519.ts'
import { isAttachment } from '../events/attachments/attachment.ts'
import type { Content } from '../events/attachments/content.ts'
import {
  CountSchema,
  type Handle,
  HandleSchema,
  HashSchema,
  type ProposalId,
  ProposalIdSchema,
  requestKey,
  requestOf,
  type Uid,
} from '../events/ids.ts'
import { JudgedEntrySchema } from '../events/ledger-entry.ts'
import { sealOf } from '../events/seal.ts'
import { HeadSchema, NoteSchema, PayloadSchema } from '../events/statement.ts'
import { bytesToSign, decodeSigned, encodeSigned, type SignedStatement } from '../events/statement-codec.ts'
import { leafHash } from '../merkle/hashing.ts'
import { verifyInclusion } from '../merkle/inclusion.ts'
import { checkpointBody, cosignatureBytes, originOf } from '../merkle/note.ts'
import { jsonOf } from '../runtime/parse-json.ts'

const PROOF_HASHES_MAX = 64

const ValueSchema = Type.Object({
  at: Type.String(),
  proposal: ProposalIdSchema,
  seal: HashSchema,
  opened: Type.Optional(PayloadSchema),
  statement: Type.Optional(Type.Object({ text: Type.String(), signature: Type.String() })),
  index: CountSchema,
  entry: Type.String(),
  inclusion: Type.Array(HashSchema, { maxItems: PROOF_HASHES_MAX }),
})
/** What `GET …/~evidence` answers (docs/api.md), as far as it matters here. */
const EvidenceSchema = Type.Object({
  head: HeadSchema,
  notes: Type.Array(Type.Object({ party: HandleSchema, note: NoteSchema })),
  values: Type.Array(ValueSchema),
})
type FileEvidence = Static<typeof EvidenceSchema>
type ValueEvidence = Static<typeof ValueSchema>

const evidenceForm = Compile(EvidenceSchema)
const entryForm = Compile(JudgedEntrySchema)

/** What the file is held against. */
export interface FileProofOptions {
  /** The one that the reader knows; left out: any in the evidence. */
  readonly seal?: string | undefined
  /** By which the reader knows parties: their signing keys. Signatures of others are not looked at. */
  readonly keys: ReadonlyMap<string, string>
}

/** That a file is the one which a party has attached, and all have agreed to. */
export interface FileProof {
  readonly at: string
  readonly contract: Uid
  readonly proposal: ProposalId
  readonly seal: string
  readonly name: string
  readonly type: string
  readonly by: Handle
  readonly isSigned: boolean
  /** Of the ledger entry by which it was agreed. */
  readonly index: number
  /** Whose signatures on the root above that entry are valid. */
  readonly cosigned: readonly Handle[]
}

/**
 * Holds a file against evidence, with nothing but the two: its bytes against the value, the value against the seal, the seal against the
 * statement that its author has signed, and that against the ledger entry and the root that the members have cosigned.
 * Attacker-controlled: `evidence`, whole. Throws NotProven with the first thing that does not hold, StatementRefused, and as
 * `verifyInclusion`.
 */
export function proveFile(evidence: unknown, file: Content, { seal, keys }: FileProofOptions): FileProof[] {
  if (!evidenceForm.Check(evidence)) throw notProven('the evidence does not have the form of what ~evidence answers')
  const named = evidence.values.filter((value) => seal === undefined || value.seal === seal)
  if (named.length === 0) throw notProven(`the evidence has no value${seal === undefined ? '' : ` under ${seal}`}`)
  const matching = named.filter(({ opened }) => isOf(opened?.value, file))
  if (matching.length === 0)
    throw notProven('the file is none of those that the evidence names: its bytes are others', { ...file })
  return matching.map((value) => proven(value, evidence, keys))
}

function isOf(value: unknown, file: Content): boolean {
  return isAttachment(value) && value.hash === file.hash && value.bytes === file.bytes
}

function proven(value: ValueEvidence, { head, notes }: FileEvidence, keys: FileProofOptions['keys']): FileProof {
  const { at, entry: text, inclusion, index, opened, proposal, seal } = value
  if (opened === undefined || !isAttachment(opened.value) || sealOf(opened) !== seal)
    throw notProven(`what is said to be under ${seal} is not what was sealed`, { seal })
  const signed = statementIn(value)
  const { contract, party } = signed.statement
  verifyInclusion({ index, leaf: leafHash(text), proof: inclusion, root: head.root, size: head.size })
  verifyAgreed(text, value, signed)
  const key = keys.get(party)
  if (key !== undefined && !isValidSignature(key, bytesToSign(signed.text), signed.signature))
    throw notProven(`the statement is not signed with the key of ${party}`, { party })
  const cosigned = notes.filter(({ party: cosigner, note }) => {
    const known = keys.get(cosigner)
    if (known === undefined || note.size !== head.size || note.root !== head.root) return false
    const bytes = cosignatureBytes(checkpointBody(originOf(contract as Uid), note), note.time)
    if (isValidSignature(known, bytes, note.signature)) return true
    throw notProven(`the note of ${cosigner} is not signed with its key`, { party: cosigner })
  })
  return {
    at,
    contract: contract as Uid,
    proposal,
    seal,
    name: opened.value.name,
    type: opened.value.type,
    by: party,
    isSigned: key !== undefined,
    index,
    cosigned: cosigned.map(({ party: cosigner }) => cosigner),
  }
}

/** The statement that carries the proposal: it is at its place, and the command there names the seal. */
function statementIn({ proposal, seal, statement }: ValueEvidence): SignedStatement {
  if (statement === undefined) throw notProven('no statement carries the value: a rule has computed it', { proposal })
  const signed = decodeSigned(encodeSigned(statement.text, statement.signature, {}))
  const { handle, index, seq } = requestOf(proposal)
  const { party, requests, seq: place } = signed.statement
  const command = requests[index]?.commands[Number(proposal.split('.')[3])]
  if (party !== handle || place !== seq || command === undefined || !('seal' in command) || command.seal !== seal)
    throw notProven(`the statement does not put ${seal} forward as ${proposal}`, { proposal, seal })
  return signed
}

/** The entry says that the proposal is agreed, and, if it is that of the request itself, that it comes of this statement. */
function verifyAgreed(text: string, { index, proposal, seal }: ValueEvidence, { core }: SignedStatement): void {
  const entry = jsonOf(entryForm, text)
  if (entry === undefined || entry.index !== index || entry.outcome.kind !== 'accepted')
    throw notProven(`the entry is none of a request that was accepted at ${index}`, { index })
  const isAgreed = entry.events.some((event: object) => {
    const { candidate, proposal: id, seal: of, type } = event as Record<string, unknown>
    if (id !== proposal) return false
    return type === 'ProposalAgreed' || (type === 'ValueProposed' && candidate === undefined && of === seal)
  })
  if (!isAgreed) throw notProven(`the entry does not say that ${proposal} is agreed`, { index, proposal })
  const isOfRequest = requestKey(entry.request) === requestKey(requestOf(proposal))
  if (isOfRequest && entry.statement !== core)
    throw notProven('the entry comes of another statement', { index, proposal })
}

function notProven(message: string, evidence: object = {}): NotProven {
  return new NotProven('evidence_proves_nothing', message, { ...evidence })
}
