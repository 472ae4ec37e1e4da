import type { Element } from '../aggregates/contract/document/element.ts'
import type { ContractState } from '../aggregates/contract/state.ts'
import { AgreedView, type HeldPayloads } from './agreed-view.ts'
import { parsePath, pathTo, selectorIn } from './path.ts'

/** What a path in a body or a query names: names from the root on, or entries by number or key, as in the URL (path.ts). Throws NoSuchPath, PathMalformed. */
export async function elementAt(path: string, state: ContractState, payloads: HeldPayloads): Promise<Element> {
  return new AgreedView(state, state.contract, payloads).require(parsePath(`/${path}`))
}

/** The same, for whoever has several to look up at once. Requires that only these are asked for. Throws as `elementAt`. */
export async function elementsAt(
  paths: readonly string[],
  state: ContractState,
  payloads: HeldPayloads,
): Promise<(path: string) => Element> {
  const found = new Map<string, Element>()
  for (const path of paths) found.set(path, await elementAt(path, state, payloads))
  return (path) => found.get(path) as Element
}

/** Whether a path names an entry by its key. */
export function isByKey(path: string): boolean {
  const names = path.split('/').map(unescaped)
  if (names.includes('') || names.includes(undefined)) return false
  return names.map((name) => selectorIn(name as string)).some((selector) => selector !== undefined && 'key' in selector)
}

/** Undefined: its escapes are none. */
function unescaped(step: string): string | undefined {
  try {
    return decodeURIComponent(step)
  } catch {
    return undefined
  }
}

/** The same with entries by their numbers. Undefined: no entry has that key. Throws NoSuchPath for what is no key. */
export async function pathByNumbers(
  path: string,
  state: ContractState,
  payloads: HeldPayloads,
): Promise<string | undefined> {
  const element = await new AgreedView(state, state.contract, payloads).locate(parsePath(`/${path}`))
  const names = element && AgreedView.namesOf(state, element.id)
  return names && pathTo(names)
}
