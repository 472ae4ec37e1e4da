import { utf8Length } from '../../../crypto/bytes.ts'
import { type Hash, hashJson } from '../../../crypto/hash.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex } from '../../../events/ids.ts'
import { type Roles, TEMPLATE_ROOT, type Template } from '../../../events/template.ts'

/** The whole bytes of a template, as its parties have brought them into the ledger (decision 0126). */
export interface HeldTemplate {
  readonly hash: Hash
  readonly text: string
}

/** One of which a party has brought the beginning. */
export interface ArrivingTemplate {
  readonly by: Handle
  readonly hash: Hash
  /** Of the whole; and of what is there. */
  readonly bytes: number
  readonly arrived: number
  readonly texts: readonly string[]
  /** Over its pieces, each with those before it: so a piece costs what it has, whatever came before. */
  readonly digest: Hash
}

/** Which element came from a template, by which upgrades, and where the parts of that are in the document. */
export interface TemplateUse {
  readonly element: ElementId
  /** Of which it is as the last upgrade has made it. */
  readonly template: Hash
  readonly roles: Roles
  /** Ledger index of the import, and by whom. */
  readonly index: LedgerIndex
  readonly by: Handle
  /** From which template, and at which ledger index; the oldest first. */
  readonly upgrades: readonly { readonly from: Hash; readonly index: LedgerIndex }[]
  /** Elements of the template that are elsewhere in the document than below the same one, in the order in which they were added. */
  readonly moved: readonly (readonly [ElementId, ElementId])[]
  /** Numbers of its rules, by their ids in the template. */
  readonly rules: readonly (readonly [number, number])[]
  /** Of members, at most one of each, in the order in which they were cast. */
  readonly votes: readonly UpgradeVote[]
}

export interface UpgradeVote {
  readonly by: Handle
  readonly to: Hash
  readonly roles: Roles
}

/** The templates of a contract: an immutable value, the same one until one of them changes. */
export interface TemplateBook {
  /** At most one of each party. */
  readonly arriving: readonly ArrivingTemplate[]
  /** In the order in which they came. */
  readonly held: readonly HeldTemplate[]
  /** In the order of their imports; of elements that are there. */
  readonly uses: readonly TemplateUse[]
}

export const noTemplates: TemplateBook = { arriving: [], held: [], uses: [] }

/**
 * Of all held ones together, in characters: those that are used nowhere make room for others, and what is used leaves that much less.
 * Fixed for engine 1.
 */
export const HELD_CHARACTERS_MAX = 16 * 1024 * 1024

const hashes = new WeakMap<TemplateBook, Hash>()

/** Over all templates and all that came from them; computed once for each book. */
export function templatesHash(book: TemplateBook): Hash {
  const known = hashes.get(book)
  if (known !== undefined) return known
  const { arriving, held, uses } = book
  const hash = hashJson('templates', {
    arriving: arriving.map(({ texts: _texts, ...arrived }) => arrived),
    held: held.map((template) => template.hash),
    uses: uses.map(useHash),
  })
  hashes.set(book, hash)
  return hash
}

const useHashes = new WeakMap<TemplateUse, Hash>()

/** Once for each: a vote on one of thousands writes that one. */
function useHash(use: TemplateUse): Hash {
  const known = useHashes.get(use)
  if (known !== undefined) return known
  const hash = hashJson('template', use)
  useHashes.set(use, hash)
  return hash
}

function digestWith(before: Hash | null, text: string): Hash {
  return hashJson('template', { before, text })
}

const templates = new WeakMap<HeldTemplate, Template>()

/** What it says. Requires one that has been brought whole: it is known to be one. */
export function saidBy(held: HeldTemplate): Template {
  const known = templates.get(held)
  if (known !== undefined) return known
  const template = JSON.parse(held.text) as Template
  templates.set(held, template)
  return template
}

export function heldTemplate({ held }: TemplateBook, hash: Hash): HeldTemplate | undefined {
  return held.find((template) => template.hash === hash)
}

export function useAt({ uses }: TemplateBook, element: ElementId): TemplateUse | undefined {
  return uses.find((use) => use.element === element)
}

/** With a piece more; the last one makes it a held one. */
export function withPiece(
  book: TemplateBook,
  { by, bytes, from, hash, text }: Extract<ContractEvent, { type: 'TemplateBrought' }>,
): TemplateBook {
  const arriving = book.arriving.filter((one) => one.by !== by)
  const before = book.arriving.find((one) => one.by === by && one.hash === hash)
  const texts = from === 0 ? [text] : [...(before?.texts ?? []), text]
  const arrived = from + utf8Length(text)
  if (arrived < bytes) {
    const digest = digestWith(from === 0 ? null : (before?.digest ?? null), text)
    return { ...book, arriving: [...arriving, { arrived, by, bytes, digest, hash, texts }] }
  }
  return {
    ...book,
    arriving: arriving.filter((one) => one.hash !== hash),
    held: withRoom([...book.held, { hash, text: texts.join('') }], book.uses),
  }
}

/** Without the oldest that are used nowhere, as far as they take too much room; never without the newest. */
function withRoom(held: readonly HeldTemplate[], uses: readonly TemplateUse[]): readonly HeldTemplate[] {
  let over = held.reduce((sum, { text }) => sum + text.length, 0) - HELD_CHARACTERS_MAX
  if (over <= 0) return held
  const newest = held.at(-1)
  const used = usedBy(uses)
  return held.filter((one) => {
    if (over <= 0 || one === newest || used.has(one.hash)) return true
    over -= one.text.length
    return false
  })
}

/** Whether another one of that length, in characters, has room beside those that stay. */
export function hasRoom({ held, uses }: TemplateBook, characters: number): boolean {
  const used = usedBy(uses)
  const kept = held.reduce((sum, { hash, text }) => (used.has(hash) ? sum + text.length : sum), 0)
  return kept + characters <= HELD_CHARACTERS_MAX
}

/** What something came from, or somebody votes for. */
function usedBy(uses: readonly TemplateUse[]): ReadonlySet<Hash> {
  return new Set(uses.flatMap(({ template, votes }) => [template, ...votes.map(({ to }) => to)]))
}

export function withUse(book: TemplateBook, use: TemplateUse): TemplateBook {
  return { ...book, uses: [...book.uses, use] }
}

export function withUseChanged(
  book: TemplateBook,
  element: ElementId,
  change: (use: TemplateUse) => TemplateUse,
): TemplateBook {
  return { ...book, uses: book.uses.map((use) => (use.element === element ? change(use) : use)) }
}

/** Members in canonical order: writing them costs least. */
export function upgradedBy(
  { by, element, index: importedAt, moved, upgrades }: TemplateUse,
  { from, moved: more, roles, rules, to }: Extract<ContractEvent, { type: 'TemplateUpgraded' }>,
  index: LedgerIndex,
): TemplateUse {
  return {
    by,
    element,
    index: importedAt,
    moved: [...moved, ...more],
    roles,
    rules,
    template: to,
    upgrades: [...upgrades, { from, index }],
    votes: [],
  }
}

/** Without what came from templates at and below an element that is gone; the same book where nothing did. */
export function withoutUsesIn(book: TemplateBook, gone: ElementId): TemplateBook {
  const isGone = ({ element }: TemplateUse) => element === gone || element.startsWith(`${gone}.`)
  return book.uses.some(isGone) ? { ...book, uses: book.uses.filter((use) => !isGone(use)) } : book
}

/** Who goes votes no more, and brings nothing more. */
export function templatesWithout(book: TemplateBook, handle: Handle): TemplateBook {
  const isTheirs = ({ by }: { readonly by: Handle }) => by === handle
  if (!book.arriving.some(isTheirs) && !book.uses.some(({ votes }) => votes.some(isTheirs))) return book
  return {
    ...book,
    arriving: book.arriving.filter((one) => !isTheirs(one)),
    uses: book.uses.map((use) =>
      use.votes.some(isTheirs) ? { ...use, votes: use.votes.filter((one) => !isTheirs(one)) } : use,
    ),
  }
}

/** Nobody has voted any more: there is a member that was not asked. */
export function templatesUnvoted(book: TemplateBook): TemplateBook {
  if (book.uses.every(({ votes }) => votes.length === 0)) return book
  return { ...book, uses: book.uses.map((use) => (use.votes.length === 0 ? use : { ...use, votes: [] })) }
}

/** The element of the document that one of a template is, whether it is still there or not. */
export function placeOf({ element, moved }: Pick<TemplateUse, 'element' | 'moved'>, id: ElementId): ElementId {
  for (const [from, to] of moved.toReversed()) {
    if (id === from || id.startsWith(`${from}.`)) return `${to}${id.slice(from.length)}` as ElementId
  }
  return `${element}${id.slice(TEMPLATE_ROOT.length)}` as ElementId
}
