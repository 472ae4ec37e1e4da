import type { Field } from '../../aggregates/contract/document/element.ts'
import { builtInOf } from '../../aggregates/contract/document/types.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { audienceAt } from '../../aggregates/contract/values/effective-audience.ts'
import { standingAt } from '../../aggregates/contract/values/standing.ts'
import { fitElementName } from '../../aggregates/names/fit-text.ts'
import { bytesOf, leavesOf } from '../../contracts/contents/content-files.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import {
  ATTACHMENT_NAME_CHARACTERS_MAX,
  type Attachment,
  isAttachment,
  isMediaType,
  mediaTypes,
} from '../../events/attachments/attachment.ts'
import type { Command } from '../../events/commands.ts'
import { type ProposalId, requestOf, type Uid } from '../../events/ids.ts'
import { seal, valueUnder } from '../../events/seal.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { refOf } from '../../store/payload-group.ts'
import type { Store } from '../../store/port.ts'
import type { HeldPayloads } from '../agreed-view.ts'
import { documentWith } from '../change-sets.ts'
import type { Documents, Wait } from '../documents.ts'
import { elementAt } from '../element-at.ts'
import { valueNamed } from '../elements/value-named.ts'
import { NoSuchPath } from '../path.ts'
import type { RequestResult } from '../request-result.ts'
import { sealedValue, ValueSealed } from '../sealed-value.ts'
import { WriteUnfit } from '../writing/written-value.ts'
import { type IncomingFile, IncomingRoom, takeIn, withTimeFor } from './incoming-file.ts'
import type { StagedFile } from './staged-files.ts'

/** The value is here, and its bytes are not, or not all of them. Evidence: `path`. */
export class ContentMissing extends ConcordataError {}

/** An attachment as it is shown: what its value says, and its bytes. */
export interface OpenedAttachment {
  readonly value: Attachment
  /** From one place up to, without, another. Requires 0 <= from <= to <= its bytes. */
  bytes(from: number, to: number): AsyncGenerator<Uint8Array>
}

/** Left out: the agreed one. */
export interface WhichFile {
  /** Key of the request that has proposed it. */
  readonly changeSet?: string | undefined
  readonly proposal?: ProposalId | undefined
}

/** What a file is. */
export interface FileSaid {
  readonly name: string
  readonly type: string
}

type FileFit = Pick<Attachment, 'name' | 'type'>

/** Files at the fields of contracts, by paths, for the API and for programs alike (decision 0127). */
export class Attachments {
  readonly #contracts: Contracts
  readonly #documents: Documents
  readonly #store: Pick<Store, 'payloads'>
  readonly #room = new IncomingRoom()

  constructor(contracts: Contracts, documents: Documents, store: Pick<Store, 'payloads'>) {
    this.#contracts = contracts
    this.#documents = documents
    this.#store = store
  }

  /**
   * Proposes a file for a field: one atomic request. Its bytes are durable before it is signed; of a request that comes to nothing nothing
   * is kept. `named`, when its hash is known: the id of the request, what came of it where it was asked for before, or neither.
   * Attacker-controlled: `source`. Throws NoSuchPath, WriteUnfit, TextUnfit, FileUnfit, FilesTooMany, ContentNotKept, and as
   * `Documents.propose`.
   */
  async put(
    uid: Uid,
    at: string,
    said: FileSaid,
    source: AsyncIterable<Uint8Array>,
    wait: Wait,
    named: (hash: Hash) => Promise<{ readonly id: string } | RequestResult | undefined>,
  ): Promise<RequestResult> {
    const fit = fitFile(said)
    const bytesMax = await this.#contracts.use(uid, async ({ state: { settling } }) => {
      await fieldAt(at, settling.agreed, this.#store.payloads)
      return settling.agreed.limits.attachmentBytes
    })
    const file = await takeIn(source, bytesMax, this.#room)
    try {
      const known = await named(file.hash)
      if (known !== undefined && 'kind' in known) return known
      const asked = { ...wait, ...(known && { id: known.id }) }
      return await this.#contracts.use(uid, (live) => this.#propose(live, at, fit, file, asked))
    } finally {
      file.release()
    }
  }

  /**
   * Keeps a file for a request that names it as `{"$file": seal}`, be it a change set or a write of several values; nothing is signed. Its
   * bytes are durable when it resolves. `askedUnder`, when its hash is known: the key that it comes under, if under one; what has come under it before is
   * returned once more, whatever its id. Attacker-controlled: `source`. Throws NoSuchContract, WriteUnfit, TextUnfit, FileUnfit,
   * FilesTooMany, ContentNotKept.
   */
  async stage(
    uid: Uid,
    said: FileSaid,
    source: AsyncIterable<Uint8Array>,
    askedUnder: (hash: Hash) => StagedFile['asked'],
  ): Promise<{ readonly file: StagedFile; readonly isAgain: boolean }> {
    const fit = fitFile(said)
    const { limits } = await this.#contracts.use(uid, async ({ state: { settling } }) => settling.agreed)
    const file = await takeIn(source, limits.attachmentBytes, this.#room)
    try {
      const asked = askedUnder(file.hash)
      const before = asked && this.#documents.files.under(uid, asked.key)
      if (before !== undefined) return { file: before, isAgain: true }
      return { file: await this.#contracts.use(uid, (live) => this.#stage(live, fit, file, asked)), isAgain: false }
    } finally {
      file.release()
    }
  }

  /**
   * The one that is agreed at a field, or would be with a change set that waits, unless a proposal is named. Throws NoSuchContract,
   * NoSuchPath, NoSuchChangeSet, ValueSealed, ContentMissing; its bytes throw ContentDamaged.
   */
  async open(uid: Uid, at: string, { changeSet, proposal }: WhichFile = {}): Promise<OpenedAttachment> {
    const standing = await this.#contracts.use(uid, async (live) => {
      const { agreed } = live.state.settling
      const document = changeSet === undefined ? agreed : await documentWith(changeSet, live, this.#documents)
      return valueNamed(await fieldAt(at, document, this.#store.payloads), at, proposal, agreed)
    })
    const { payloads } = this.#store
    const text = (await payloads.get(uid, [refOf(standing)])).get(standing.seal)
    if (text === undefined) {
      const message = 'the value is for an audience that the party of this node is not in, or has not come here'
      throw new ValueSealed('value_sealed', message, { path: at, ...sealedValue(standing)?.$sealed })
    }
    const value = valueUnder(standing.seal, text)
    if (!isAttachment(value)) throw new NoSuchPath('no_agreed_value', 'no attachment stands there', { path: at })
    const content = { bytes: value.bytes, hash: value.hash as Hash, name: standing.seal }
    const leaves = await leavesOf(payloads, uid, content)
    if (leaves === undefined) {
      const named = requestOf(standing.revealedBy ?? standing.id)
      await this.#contracts.use(uid, (live) => live.contents.want(content, named))
      throw new ContentMissing('content_missing', 'the bytes of the attachment have not all come here yet', {
        path: at,
      })
    }
    return { value, bytes: (from, to) => bytesOf(payloads, uid, content, leaves, from, to) }
  }

  async #propose(
    live: LiveContract,
    at: string,
    { name, type }: FileFit,
    { bytes, hash, pieces }: IncomingFile,
    wait: Wait,
  ): Promise<RequestResult> {
    const { contract: uid, state } = live
    const { agreed: document } = state.settling
    const field = await fieldAt(at, document, this.#store.payloads)
    const value: Attachment = { bytes, hash, name, type }
    if (await this.#isAgreed(uid, field, value)) return { contract: uid, kind: 'unchanged' }
    const { seal: sealed, payload } = seal(value, this.#documents.newSalt())
    const audience = audienceAt(document, field.id)?.parties
    const basis = standingAt(field).map(({ id }) => id)
    const command: Command = {
      ...(audience && { audience: [...audience] }),
      basis,
      exclusive: true,
      field: field.id,
      seal: sealed,
      type: 'ProposeValue',
    }
    const changes = { commands: [command], payloads: { [sealed]: payload } }
    if (wait.isDryRun) return this.#documents.submitOn(live, changes, wait)
    let result: RequestResult | undefined
    try {
      await live.contents.keep({ bytes, hash, name: sealed }, pieces)
      result = await this.#documents.submitOn(live, changes, withTimeFor(bytes, wait))
      return result
    } finally {
      // What has a place in the ledger and comes to nothing goes when that has settled, here as everywhere.
      if (result === undefined || !('request' in result)) await live.contents.forget(sealed)
    }
  }

  async #stage(
    { contract, contents }: LiveContract,
    { name, type }: FileFit,
    { bytes, hash, pieces }: IncomingFile,
    asked: StagedFile['asked'],
  ): Promise<StagedFile> {
    const value: Attachment = { bytes, hash, name, type }
    const { files } = this.#documents
    const drop = () => this.#contracts.use(contract, (live) => live.contents.forget(sealed))
    const { seal: sealed, payload } = seal(value, this.#documents.newSalt())
    const file = files.add(
      { contract, payload, seal: sealed, value, ...(asked && { asked }) },
      () => void drop().catch(() => undefined),
    )
    try {
      await contents.keep({ bytes, hash, name: sealed }, pieces)
      return file
    } catch (error) {
      files.remove(file)
      await contents.forget(sealed)
      throw error
    }
  }

  async #isAgreed(uid: Uid, { agreed, candidates }: Field, value: Attachment): Promise<boolean> {
    if (agreed === null || candidates.length > 0) return false
    const text = (await this.#store.payloads.get(uid, [refOf(agreed)])).get(agreed.seal)
    return text !== undefined && canonicalJson(valueUnder(agreed.seal, text)) === canonicalJson(value)
  }
}

/** Throws WriteUnfit, TextUnfit. */
function fitFile(said: FileSaid): FileFit {
  const name = fitElementName(said.name)
  if (name.length > ATTACHMENT_NAME_CHARACTERS_MAX)
    throw new WriteUnfit('write_unfit', 'the name of the file is too long', { max: ATTACHMENT_NAME_CHARACTERS_MAX })
  const { type } = said
  if (isMediaType(type)) return { name, type }
  throw new WriteUnfit('write_unfit', `${type} is no type that attachments have`, { options: [...mediaTypes] })
}

/** Throws NoSuchPath, WriteUnfit. */
async function fieldAt(at: string, document: ContractState, payloads: HeldPayloads): Promise<Field> {
  const field = await elementAt(at, document, payloads)
  if (field.kind !== 'field' || builtInOf(field.field, document.types).type !== 'attachment') {
    throw new WriteUnfit('write_unfit', `${at} is no field for attachments`, { path: at, expected: 'attachment' })
  }
  return field
}
