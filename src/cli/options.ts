import { Argument, InvalidArgumentError, Option } from 'commander'
import type { About } from '../events/about.ts'
import { HANDLE_PATTERN, PROPOSAL_PATTERN, REQUEST_KEY_PATTERN, UID_PATTERN } from '../events/ids.ts'

/** What every command takes that asks a node, or works on its data. */
export interface NodeOptions {
  readonly data: string
  readonly json?: true
}

/** Where a node keeps its data. */
export function dataOption(): Option {
  return new Option('--data <dir>', 'the data directory of the node').makeOptionMandatory()
}

export function jsonOption(): Option {
  return new Option('--json', 'as JSON')
}

/** What the members read beside the code. It is not signed itself, so it can be erased. */
export function aboutOption(): Option {
  return new Option('--about <text>', 'what there is to say about it, for all members to read')
}

export function aboutOf(text: string | undefined): { about?: About } {
  return text === undefined ? {} : { about: { text } }
}

/**
 * What people name by a form of its own. It is looked at before a node is asked: it becomes a part of a URL, where `..` would be
 * another route's, and whoever mistypes reads what it should be.
 */
export function contractArgument(): Argument {
  return new Argument('<contract>', 'its UID').argParser(formed(UID_PATTERN, 'that is no UID of a contract'))
}

/** `<party>.<statement>.<place>`. */
export function requestArgument(description: string): Argument {
  return new Argument('<request>', description).argParser(requestIn)
}

export function requestOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(requestIn)
}

export function proposalArgument(description: string): Argument {
  return new Argument('<proposal>', description).argParser(proposalIn)
}

export function proposalOption(description: string): Option {
  return new Option('--proposal <proposal>', description).argParser(proposalIn)
}

export function waitOption(): Option {
  return new Option('--wait <seconds>', 'how long to wait for the others').argParser(numberIn)
}

/** What `--wait` says to the API. */
export function preferOf(wait: number | undefined): { readonly prefer?: string } {
  return wait === undefined ? {} : { prefer: `wait=${wait}` }
}

/** `everybody`: null. */
export function handlesIn(text: string): string[] | null {
  if (text === 'everybody') return null
  const handles = text.split(',').map((handle) => handle.trim())
  const unfit = handles.find((handle) => !new RegExp(HANDLE_PATTERN).test(handle))
  if (unfit === undefined) return handles
  throw new InvalidArgumentError(unfit === '' ? 'a handle is missing.' : `${unfit} is no handle of a party.`)
}

export function numberIn(text: string): number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  throw new InvalidArgumentError('that is no number from 0 on')
}

/** Several, one after another. */
export function numbersIn(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), numberIn(text)]
}

/** ISO 8601, in UTC: other forms mean one day here and another there. */
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{3})?)?Z)?$/

/** With milliseconds, as the API has times. */
export function dateIn(text: string): string {
  const time = DATE.test(text) ? Date.parse(text) : Number.NaN
  // `Date` counts a thirtieth of February on into March.
  const isReal = !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.replace(/Z$/, ''))
  if (!isReal) throw new InvalidArgumentError('that is no date; write 2027-01-31, or 2027-01-31T12:00:00Z')
  return new Date(time).toISOString()
}

const requestIn = formed(REQUEST_KEY_PATTERN, 'it has to be <party>.<statement>.<place>, as ana.12.0')
const proposalIn = formed(PROPOSAL_PATTERN, 'it has to be as `value proposals` names it, as ana.12.0.0')

function formed(pattern: string, otherwise: string): (text: string) => string {
  const form = new RegExp(pattern)
  return (text) => {
    if (form.test(text)) return text
    throw new InvalidArgumentError(`${otherwise}.`)
  }
}
