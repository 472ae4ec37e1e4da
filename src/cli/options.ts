import { Option } from 'commander'
import type { About } from '../events/about.ts'

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
