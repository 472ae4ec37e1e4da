import { childrenOf, type Element } from '../../aggregates/contract/document/element.ts'
import { type ContractState, find, memberOf, membersOf } from '../../aggregates/contract/state.ts'
import { type Exported, exportingTemplate, type ToExport } from '../../aggregates/contract/templates/export-template.ts'
import {
  type ParsedTemplate,
  parsingTemplate,
  TemplateFault,
} from '../../aggregates/contract/templates/parsed-template.ts'
import { heldTemplate, type TemplateUse, useAt } from '../../aggregates/contract/templates/template-book.ts'
import { differing, type TemplateDiff } from '../../aggregates/contract/templates/template-diff.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import { nextVerdict } from '../../agreement/next-verdict.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { utf8Length } from '../../crypto/bytes.ts'
import { canonicalizing } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Command, CommandOf } from '../../events/commands.ts'
import type { ElementId, Handle, Uid } from '../../events/ids.ts'
import { type Limits, SEEN_PARTY_BYTES, STATEMENT_FRAME_BYTES } from '../../events/limits.ts'
import type { VoidReason } from '../../events/outcome.ts'
import {
  type Roles,
  TEMPLATE_BYTES_MAX,
  TEMPLATE_DEPTH_MAX,
  TEMPLATE_MEMBERS_MAX,
  type Template,
  templateHash,
} from '../../events/template.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { inTurns, type Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import type { Documents, Wait } from '../documents.ts'
import { elementAt } from '../element-at.ts'
import type { RequestResult } from '../request-result.ts'
import { MadeRequests } from '../writing/parts.ts'
import { pathOf } from '../written-rule.ts'
import { type OtherOrigin, otherOrigin } from './other-origin.ts'
import { type ShownTemplates, shownTemplates } from './shown-templates.ts'

/** A text is no template, or an element cannot be one. Evidence: `why`, and `at`, an element, a rule, a role or a name of it; or `rules`. */
export class TemplateMalformed extends ConcordataError {}

/** The contract does not have it. Evidence: `contract`, `template`; or `path`: nothing there came from one. */
export class NoSuchTemplate extends ConcordataError {}

/** A template by its bytes, or by its hash where the contract has it. */
export type NamedTemplate = { readonly template: string } | { readonly hash: Hash }

/** What an upgrade would come to with the votes of all members. Nothing is signed. */
export interface UpgradePreview {
  readonly from: Hash
  readonly to: Hash
  readonly diff: TemplateDiff
  /** They were taken from different elements: they may know different things by the same ids. Left out: they were not. */
  readonly otherOrigin?: OtherOrigin
  /** Paths of fields whose values fall. */
  readonly falls: readonly string[]
  readonly outcome: 'accepted' | 'void' | 'undecided'
  readonly reason?: VoidReason
}

/** Most of one piece: of a text that is all quotes and backslashes a statement takes twice as much. */
const PIECE_BYTES_MAX = 256 * 1024
/** Of one UTF-16 code unit, as UTF-8. */
const UNIT_BYTES_MAX = 3
/** Of a request that has a piece, beside that. */
const REQUEST_BYTES = 1024

interface Ports {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Pick<Store, 'payloads'>
  /** Left out: a template is gone through at once. */
  readonly turns?: Turns
}

/** Templates of documents: taken from them, brought into them, and put in each other's place (decision 0126). */
export class DocumentTemplates {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** In the agreed view. Throws NoSuchContract. */
  list(uid: Uid): Promise<ShownTemplates> {
    return this.#ports.contracts.use(uid, ({ state }) => shownTemplates(state.settling.agreed))
  }

  /** The bytes of one that the contract has. Throws NoSuchContract, NoSuchTemplate. */
  text(uid: Uid, hash: Hash): Promise<string> {
    return this.#ports.contracts.use(uid, ({ state }) => heldIn(state.settling.agreed, hash).text)
  }

  /** What stands at and below a path, in the agreed view. Throws NoSuchContract, NoSuchPath, TemplateMalformed. */
  async take(uid: Uid, at: string, options: Pick<ToExport, 'name' | 'roles' | 'leavesOut'>): Promise<Exported> {
    const taken = await this.#ports.contracts.use(uid, (live) =>
      withHistory(live, async ({ ledger, settling: { agreed, settled } }) => {
        const element = (await this.#elementAt(at, agreed)).id
        const asked = { ...options, element, root: ledger.log.rootAt(settled), size: settled }
        return inTurns(exportingTemplate(agreed, asked), this.#ports.turns)
      }),
    )
    if ('problem' in taken) {
      const isPlace = taken.problem === 'place'
      const why = isPlace
        ? 'what stands in an entry is of its list'
        : 'rules name what is outside of it; outside=leave-out, in the command --leave-out, leaves them out'
      const evidence = { contract: uid, path: at, why: taken.problem, ...(isPlace ? {} : { rules: taken.rules }) }
      throw new TemplateMalformed('template_malformed', `${at} is no template: ${why}`, evidence)
    }
    const { template } = await this.#parsed(taken.text)
    const strange = Object.entries(options.roles ?? {}).filter(([, role]) => !template.roles.includes(role))
    if (strange.length > 0) {
      const parties = strange.map(([party]) => party)
      const message = `the template names nobody that is ${parties.join(', ')} here, so there is no such role in it`
      throw new TemplateMalformed('template_malformed', message, {
        contract: uid,
        options: template.roles,
        parties,
        path: at,
      })
    }
    return taken
  }

  /** Throws NoSuchContract, NoSuchPath, NoSuchTemplate, TemplateMalformed. */
  async import(
    uid: Uid,
    { at, name, roles = {}, ...named }: { at: string; name?: string; roles?: Roles } & NamedTemplate,
    wait: Wait,
  ): Promise<RequestResult> {
    const { commands, before } = await this.#onDocument(uid, named, async (document, { hash, parsed, pieces }) => {
      const bound = boundIn(document, parsed.template, roles)
      const called = name ?? (parsed.template.elements[0]?.name as string)
      const parent = (await this.#elementAt(at, document)).id
      const command: Command = { at: parent, hash, name: called, roles: bound, type: 'ImportTemplate' }
      return { before: pieces.slice(0, -1), commands: [...pieces.slice(-1), command] }
    })
    return this.#submit(uid, before, commands, wait)
  }

  /** This party's vote. Throws NoSuchContract, NoSuchPath, NoSuchTemplate, TemplateMalformed. */
  async upgrade(
    uid: Uid,
    { at, roles = {}, ...named }: { at: string; roles?: Roles } & NamedTemplate,
    wait: Wait,
  ): Promise<RequestResult> {
    const { commands, pieces } = await this.#onDocument(uid, named, async (document, to) => ({
      commands: [voteFor(document, await this.#useIn(document, at), to, roles)],
      pieces: to.pieces,
    }))
    // The vote stands alone in its request.
    return this.#submit(uid, pieces, commands, wait)
  }

  /** Throws NoSuchContract, NoSuchPath, NoSuchTemplate, TemplateMalformed. */
  async preview(
    uid: Uid,
    { at, roles = {}, ...named }: { at: string; roles?: Roles } & NamedTemplate,
  ): Promise<UpgradePreview> {
    const { hash, parsed, text } = await this.#named(uid, named)
    return this.#ports.contracts.use(uid, async (live) => {
      const before = live.state.ledger.document
      const use = await this.#useIn(before, at)
      const from = await this.#parsed(heldIn(before, use.template).text)
      const command = voteFor(before, use, { hash, parsed, pieces: [], text }, roles)
      const voted = withAllVotes(before, use, command, live.self, text)
      const verdict = await withHistory(live, (state) => {
        const there = { ...state, ledger: { ...state.ledger, document: voted } }
        return inTurns(nextVerdict([command], {}, there, live.self), this.#ports.turns)
      })
      const diff = await inTurns(differing(from.template, parsed.template), this.#ports.turns)
      const outcome = verdict.kind === 'lacking' ? 'undecided' : verdict.kind
      const other = otherOrigin(from.template, parsed.template)
      const shown = { diff, from: use.template, outcome, to: hash, ...(other && { otherOrigin: other }) } as const
      if (verdict.kind === 'void') return { ...shown, falls: [], reason: verdict.reason }
      if (verdict.kind === 'lacking') return { ...shown, falls: [] }
      const gone = verdict.events.flatMap((event) => (event.type === 'ElementRemoved' ? event.element : []))
      const falls = gone.flatMap((id) => [...valuedIn(find(before, id))]).map((id) => pathOf(id, before))
      return { ...shown, falls }
    })
  }

  /**
   * Submits the pieces, each as a request, and then the request that needs them; the first that fails is the result.
   * `parts`: the requests made so far, also in the evidence of an error. The id that the caller gives is that of the
   * last request alone: a caller that repeats its call gets the result of that one, and never that of a piece.
   */
  async #submit(uid: Uid, pieces: readonly Command[], last: readonly Command[], wait: Wait): Promise<RequestResult> {
    const { contracts, documents } = this.#ports
    if (wait.isDryRun) {
      const changes = { before: pieces, commands: last, payloads: {} }
      return contracts.use(uid, (live) => documents.submitOn(live, changes, wait))
    }
    if (pieces.length === 0) return documents.command(uid, last, wait)
    const made = new MadeRequests()
    const ask = async (commands: readonly Command[], how: Wait) => {
      const result = await documents.command(uid, commands, how).catch((error: unknown) => {
        throw made.named(error)
      })
      made.take(result)
      return { ...result, parts: made.parts }
    }
    for (const piece of pieces) {
      const result = await ask([piece], inSequence(wait))
      if (result.kind !== 'settled' || result.outcome.kind !== 'accepted') return result
    }
    return ask(last, wait)
  }

  async #onDocument<Result>(
    uid: Uid,
    named: NamedTemplate,
    commandsOf: (document: ContractState, to: Brought) => Promise<Result>,
  ): Promise<Result> {
    const { hash, parsed, text } = await this.#named(uid, named)
    return this.#ports.contracts.use(uid, (live: LiveContract) => {
      const document = live.state.ledger.document
      const isHeld = heldTemplate(document.templates, hash) !== undefined
      return commandsOf(document, { hash, parsed, pieces: isHeld ? [] : piecesOf(text, hash, document), text })
    })
  }

  #elementAt(at: string, document: ContractState): Promise<Element> {
    return elementAt(at, document, this.#ports.store.payloads)
  }

  async #useIn(document: ContractState, at: string): Promise<TemplateUse> {
    const use = useAt(document.templates, (await this.#elementAt(at, document)).id)
    if (use !== undefined) return use
    const message = `${at} did not come from a template`
    throw new NoSuchTemplate('no_such_template', message, { contract: document.contract, path: at })
  }

  async #named(uid: Uid, named: NamedTemplate): Promise<{ hash: Hash; parsed: ParsedTemplate; text: string }> {
    const { turns } = this.#ports
    const text =
      'template' in named ? await inTurns(canonicalText(named.template), turns) : await this.text(uid, named.hash)
    return { hash: templateHash(text), parsed: await this.#parsed(text), text }
  }

  async #parsed(text: string): Promise<ParsedTemplate> {
    if (utf8Length(text) > TEMPLATE_BYTES_MAX) throw malformed(new TemplateFault('too_large', 'bytes'))
    const parsed = await inTurns(parsingTemplate(templateHash(text), text), this.#ports.turns)
    if (parsed instanceof TemplateFault) throw malformed(parsed)
    return parsed
  }
}

/** Each has to be there before the next one: whoever does not wait for that cannot go on. */
function inSequence({ id: _id, signedWithinMs: _, ...wait }: Wait): Wait {
  return wait
}

interface Brought {
  readonly hash: Hash
  readonly parsed: ParsedTemplate
  readonly text: string
  /** What brings it into the ledger; none where it is there. */
  readonly pieces: readonly CommandOf<'BringTemplate'>[]
}

/** Of what a template that is too large has too much. */
const BOUNDS = {
  bytes: { name: 'bytes', max: TEMPLATE_BYTES_MAX },
  depthMax: { name: 'depth', max: TEMPLATE_DEPTH_MAX },
  membersMax: { name: 'members', max: TEMPLATE_MEMBERS_MAX },
}

function malformed({ why, at }: TemplateFault): TemplateMalformed {
  const where = at === undefined ? '' : ` (${at})`
  const limit = why === 'too_large' ? BOUNDS[at as keyof typeof BOUNDS] : undefined
  return new TemplateMalformed('template_malformed', `it is no template: ${why}${where}`, {
    ...(at !== undefined && { at }),
    why,
    ...(limit !== undefined && { limit }),
  })
}

/** A file that somebody has looked at may have other spaces in it. */
function* canonicalText(text: string): Generator<void, string> {
  if (text.length > TEMPLATE_BYTES_MAX) throw malformed(new TemplateFault('too_large', 'bytes'))
  try {
    return yield* canonicalizing(JSON.parse(text))
  } catch {
    throw malformed(new TemplateFault('not_json'))
  }
}

/** So long that a statement of the contract takes each. */
function piecesOf(text: string, hash: Hash, { limits, parties }: ContractState): CommandOf<'BringTemplate'>[] {
  const bytes = utf8Length(text)
  let from = 0
  return [...cut(text, pieceBytes(limits, parties.members.length))].map((piece) => {
    const command = { bytes, from, hash, text: piece, type: 'BringTemplate' } as const
    from += utf8Length(piece)
    return command
  })
}

/** Cuts between characters, into pieces of at most that number of bytes. Requires room for any character. */
function* cut(text: string, room: number): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let piece = text.slice(start, start + room)
    for (let over = utf8Length(piece) - room; over > 0; over = utf8Length(piece) - room) {
      // No code unit has more than three bytes.
      piece = piece.slice(0, -Math.ceil(over / UNIT_BYTES_MAX))
    }
    if (isHighSurrogate(piece.charCodeAt(piece.length - 1))) piece = piece.slice(0, -1)
    yield piece
    start += piece.length
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function pieceBytes({ statementBytes }: Limits, members: number): number {
  const room = statementBytes - STATEMENT_FRAME_BYTES - members * SEEN_PARTY_BYTES - REQUEST_BYTES
  return Math.max(4, Math.min(PIECE_BYTES_MAX, Math.floor(room / 2)))
}

/** Roles that are not bound are taken for the members of their names. */
function boundIn(document: ContractState, { roles }: Template, bound: Roles): Roles {
  const byName = roles.filter((role) => !Object.hasOwn(bound, role) && memberOf(document, role) !== undefined)
  return { ...Object.fromEntries(byName.map((role) => [role, role])), ...bound }
}

function heldIn(document: ContractState, hash: Hash): { readonly text: string } {
  const held = heldTemplate(document.templates, hash)
  if (held !== undefined) return held
  const message = 'the contract does not have this template'
  throw new NoSuchTemplate('no_such_template', message, { contract: document.contract, template: hash })
}

/** Roles that are not bound anew stay bound as they are. */
function voteFor(
  document: ContractState,
  { element, roles: before, template: from }: TemplateUse,
  { hash: to, parsed }: Brought,
  roles: Roles,
): CommandOf<'UpgradeTemplate'> {
  const still = parsed.template.roles.filter((role) => Object.hasOwn(before, role))
  const bound = { ...Object.fromEntries(still.map((role) => [role, before[role] as Handle])), ...roles }
  return { element, from, roles: boundIn(document, parsed.template, bound), to, type: 'UpgradeTemplate' }
}

/** The document in which all others have voted for it already, and the template is there. */
function withAllVotes(
  document: ContractState,
  use: TemplateUse,
  { roles, to }: CommandOf<'UpgradeTemplate'>,
  self: Handle,
  text: string,
): ContractState {
  const { held, uses, ...book } = document.templates
  const others = membersOf(document).flatMap(({ card: { handle } }) =>
    handle === self ? [] : { by: handle, roles, to },
  )
  return {
    ...document,
    templates: {
      ...book,
      held: held.some(({ hash }) => hash === to) ? held : [...held, { hash: to, text }],
      uses: uses.map((one) => (one === use ? { ...one, votes: others } : one)),
    },
  }
}

/** The fields at and below an element that have a value, or somebody's candidate for one. */
function* valuedIn(element: Element | undefined): Generator<ElementId> {
  if (element === undefined) return
  if (element.kind === 'field') {
    if (element.agreed !== null || element.candidates.length > 0) yield element.id
  } else for (const child of childrenOf(element)) yield* valuedIn(child)
}
