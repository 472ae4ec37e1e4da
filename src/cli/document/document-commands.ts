import { type Command, Option } from 'commander'
import type { OpenChangeSet } from '../../documents/change-sets.ts'
import type { ShownDiff } from '../../documents/diffs/shown-diff.ts'
import type { ShownHistory } from '../../documents/elements/element-history.ts'
import type { ElementSchema } from '../../documents/elements/element-schema.ts'
import type { ShownRules } from '../../documents/rules/rules.ts'
import type { Candidate } from '../../library/interface.ts'
import { type RequestsFound, requestStates } from '../../projections/queries/request-records.ts'
import { apiClientFor } from '../api-client.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions, numberIn } from '../options.ts'
import { printResult, table } from '../output.ts'
import { outline, shownValue } from './outline.ts'
import { placeOf } from './place.ts'

interface Waiting {
  readonly waitsFor: readonly string[]
}

/** Which requests are listed. */
interface Wanted {
  readonly state?: string
  readonly author?: string
  readonly limit: number
  readonly before?: number
}

/** `concordata contract print|history|diff|requests|votes`: the document, how it came to be, and what waits for votes. */
export function documentCommands(contract: Command): void {
  contract
    .command('print')
    .addArgument(contractArgument())
    .argument('[path]', 'a block: names with slashes between; left out: the whole document', '')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the agreed document, a line for each element')
    .action(async (uid: string, path: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const place = placeOf(uid, path)
      const schema = (await client.call('GET', `${place}/~schema`)) as ElementSchema
      const value = await client.call('GET', place, undefined, { accept: 'application/json' })
      printResult(json, value, outline(schema, value, schema.name || uid))
    })

  contract
    .command('history')
    .addArgument(contractArgument())
    .argument('[path]', 'names with slashes between; left out: the whole document', '')
    .option('--limit <number>', 'how many values at most, the newest first', numberIn, 20)
    .option('--before <index>', 'only older ones, as the end of the list before says', numberIn)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the values that were put forward, or computed, and what came of each')
    .action(
      async (
        uid: string,
        path: string,
        { data, json, limit, before }: NodeOptions & { limit: number; before?: number },
      ) => {
        const query = queryOf({ before, limit })
        const client = await apiClientFor(data)
        const history = (await client.call('GET', `${placeOf(uid, path)}/~history?${query}`)) as ShownHistory
        const rows = history.values.map((past) => {
          const { agreedAt, at, by, endedAt, endedBy, erasedAt, index, isHeld, time, value } = past
          const missing = erasedAt === undefined ? '(not held here)' : `(erased at ${erasedAt})`
          const shown = isHeld ? shownValue(value) : missing
          const end = endedAt === undefined ? '' : `${endedBy} at ${endedAt}`
          return [String(index), time, decodeURIComponent(at), by ?? 'a rule', shown, String(agreedAt ?? ''), end]
        })
        const lines = table(['entry', 'time claimed', 'at', 'by', 'value', 'agreed at', 'ended'], rows)
        printResult(json, history, [...lines, ...olderOnes(history.before)])
      },
    )

  contract
    .command('diff')
    .addArgument(contractArgument())
    .argument('<from>', 'an entry of the ledger', numberIn)
    .argument('<to>', 'another one', numberIn)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('what differs between the documents after two entries')
    .action(async (uid: string, from: string, to: string, { data, json }: NodeOptions) => {
      const query = new URLSearchParams({ from, to })
      const client = await apiClientFor(data)
      const diff = (await client.call('GET', `/api/Contract/${encodeURIComponent(uid)}/Diff?${query}`)) as ShownDiff
      const more = diff.isWhole ? [] : ['', 'There is more: ask for entries that are closer together.']
      printResult(json, diff, [...table(['what', 'at', 'from', 'to'], rowsOf(diff)), ...more])
    })

  contract
    .command('requests')
    .addArgument(contractArgument())
    .addOption(new Option('--state <state>', 'only those').choices([...requestStates]))
    .option('--author <handle>', 'only those of that party')
    .option('--limit <number>', 'how many at most', numberIn, 20)
    .option('--before <number>', 'only older ones, as the end of the list before says', numberIn)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('what was asked for, those on their way first, then the newest, and what came of each')
    .action(async (uid: string, { data, json, ...wanted }: NodeOptions & Wanted) => {
      const query = queryOf({ contract: uid, ...wanted })
      const found = (await (await apiClientFor(data)).call('GET', `/api/Request?${query}`)) as RequestsFound
      const rows = found.requests.map(({ by, code, index, request, state, time, waitsFor }) => [
        request,
        by,
        time,
        code === undefined ? state : `${state}: ${code}`,
        String(index ?? ''),
        waitsFor === undefined ? '' : `${waitsFor.what} of ${waitsFor.of.join(', ')}`,
      ])
      const lines = table(['request', 'by', 'time claimed', 'state', 'entry', 'waits for'], rows)
      printResult(json, found, [...lines, ...olderOnes(found.next)])
    })

  contract
    .command('votes')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('all that waits for votes, and for whose')
    .action(async (uid: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const contractUrl = `/api/Contract/${encodeURIComponent(uid)}`
      const values = (await client.call('GET', `${placeOf(uid, '')}/~proposals`)) as Candidate[]
      const { rules } = (await client.call('GET', `${contractUrl}/Rules`)) as ShownRules
      const sets = (await client.call('GET', `${contractUrl}/ChangeSets`)) as {
        readonly open: readonly OpenChangeSet[]
      }
      const rows = [
        ...values.map((one) => ['value', one.proposal, decodeURIComponent(one.at), shownValue(one.value), waits(one)]),
        ...rules.map((one) => ['rule', String(one.number), decodeURIComponent(one.at), one.text, waits(one)]),
        ...sets.open.map((one) => ['change set', one.request, '', '', waits(one)]),
      ].filter(([, , , , parties]) => parties !== '')
      const lines = table(['what', 'which', 'at', 'what it says', 'waits for'], rows)
      printResult(json, { values, rules, changeSets: sets.open }, lines)
    })
}

function olderOnes(before: number | undefined): string[] {
  return before === undefined ? [] : ['', `Older ones: --before ${before}`]
}

/** Of what is asked for at all. */
function queryOf(wanted: object): URLSearchParams {
  const asked = Object.entries(wanted).filter(([, value]) => value !== undefined)
  return new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)]))
}

function waits({ waitsFor }: Waiting): string {
  return waitsFor.join(', ')
}

function rowsOf(diff: ShownDiff): string[][] {
  const shown = (value: ShownDiff['values'][number]['from']) =>
    value === null ? '–' : 'value' in value ? shownValue(value.value) : '(not held here)'
  const rule = (state: ShownDiff['rules'][number]['from']) =>
    state === null ? '–' : `${state.hash.slice(0, 12)}${state.isInForce ? ', in force' : ''}`
  return [
    ...(diff.phase === undefined ? [] : [['phase', '', diff.phase.from, diff.phase.to]]),
    ...diff.added.map(({ kind, path }) => ['added', decodeURIComponent(path), '', kind]),
    ...diff.removed.map(({ path }) => ['removed', decodeURIComponent(path), '', '']),
    ...diff.renamed.map(({ from, path, to }) => ['renamed', decodeURIComponent(path), from, to]),
    ...diff.granted.map(({ from, path, to }) => ['granted', decodeURIComponent(path), from ?? 'all', to ?? 'all']),
    ...diff.arranged.map(({ from, path, to }) => [
      'arranged',
      decodeURIComponent(path),
      from.join(', '),
      to.join(', '),
    ]),
    ...diff.values.map(({ from, path, to }) => ['value', decodeURIComponent(path), shown(from), shown(to)]),
    ...diff.rules.map((one) => ['rule', String(one.rule), rule(one.from), rule(one.to)]),
  ]
}
