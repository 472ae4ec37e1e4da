import { ConcordataError } from '../../runtime/errors.ts'
import { nameRules } from './engine-1.ts'
import type { TextFault } from './name-rules.ts'
import { nfc } from './normal-form.ts'

const HEX = '0123456789ABCDEF'

/** What a user writes for others to read is not a text that all can read alike. Evidence: `place` (from 1), `codePoint` (`U+202E`). */
export class TextUnfit extends ConcordataError {}

/**
 * What the rules of contracts would refuse is refused where a user writes it, before anything is signed. In normalization form C,
 * so that a text is one text however a keyboard composes it. `what` names it: `the title`. Throws TextUnfit.
 */
export function fitText(what: string, text: string): string {
  return fit(what, nfc(text), nameRules.textFault(nfc(text)))
}

/** The same for the name of an element. */
export function fitElementName(name: string): string {
  return fit('the name of an element', nfc(name), nameRules.elementNameFault(nfc(name)))
}

/** Why what another party has signed, or a program has written, is no such text as it stands; undefined: it is one. */
export function complaintAboutText(what: string, text: string): string | undefined {
  const fault = nameRules.textFault(text)
  return fault && describeFault(what, fault)
}

function fit(what: string, text: string, fault: TextFault | undefined): string {
  if (fault === undefined) return text
  const where = 'at' in fault ? { place: fault.at + 1, codePoint: notation(fault.codePoint) } : {}
  throw new TextUnfit('text_unfit', describeFault(what, fault), where)
}

/** Without a character of the text: it may be one that no terminal should get. */
export function describeFault(what: string, fault: TextFault): string {
  if (fault.kind === 'empty') return `${what} is empty`
  if (fault.kind === 'reserved') return `${what} is ".", ".." or "_", which mean something else in a path`
  return `${what} ${faults[fault.kind]}: ${notation(fault.codePoint)} at place ${fault.at + 1}`
}

const faults = {
  refused_character:
    'has a character that is not taken (a control, invisible, private, unknown to Unicode 15.1, or with a meaning in paths)',
  leading_mark: 'begins with a combining mark',
  space_at_end: 'has a space at an end',
  two_spaces: 'has two spaces in a row',
  not_nfc: 'is not in Unicode normalization form C',
} as const

function notation(codePoint: number): string {
  let digits = ''
  for (let rest = codePoint; rest > 0 || digits.length < 4; rest >>>= 4) digits = `${HEX[rest & 15]}${digits}`
  return `U+${digits}`
}
