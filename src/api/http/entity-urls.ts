import { entities } from '../../projections/entities/model.ts'

const plurals = new Map(
  entities.flatMap(({ name, plural }) => [[name as string, plural] as const, [plural, plural] as const]),
)
/** In the singular other lists stand there: what this node holds, knows, and has under way at this moment. */
const LISTED = new Set(['Contract', 'Party', 'Request'])
/** So do these, in the plural, below a contract that is named by its UID. */
const BELOW_CONTRACT = new Set(['Rules', 'RuleSets', 'Types'])
const LOCAL_ID = /^[1-9]\d*$/

/**
 * `/api/Element/7/Proposal` is routed as `/api/Elements/7/Proposals`: an entity has one name in routes. Requires what
 * `readUrl` returns.
 */
export function withEntityInPlural(url: string): string {
  if (!url.startsWith('/api/')) return url
  const end = url.indexOf('?')
  const [path, query] = end === -1 ? [url, ''] : [url.slice(0, end), url.slice(end)]
  const [name = '', id, child, ...others] = path.slice('/api/'.length).split('/')
  const plural = plurals.get(name)
  if (plural === undefined) return url
  const below = child === undefined ? undefined : plurals.get(child)
  if (name === 'Contract') {
    const isRow = id !== undefined && LOCAL_ID.test(id)
    const isBelow = child !== undefined && below !== undefined && !BELOW_CONTRACT.has(child) && others.length === 0
    if (!isRow && !isBelow) return url
  } else if (LISTED.has(name) && id === undefined) return url
  const steps = ['/api', plural, id, below ?? child, ...others].filter((step) => step !== undefined)
  return steps.join('/') + query
}
