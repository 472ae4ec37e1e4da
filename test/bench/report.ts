import type { ApiFigures } from './api.ts'
import type { Compared, Comparison } from './compare.ts'
import type { LiveFigures } from './live.ts'
import type { RebuildFigures } from './rebuild.ts'
import { middle, type RuleFigures } from './rule-language.ts'
import type { WebhookFigures } from './webhooks.ts'
import type { WideFigures } from './wide-contract.ts'

/** What is to be reached, by what kind of figure. */
type Aim = readonly ['at most' | 'at least', number]

/** Waits for a disk of the floor: its own, and those of the others. */
const FLOOR_WAITS = 2

export function reportChanges(comparison: Comparison): void {
  const lines: [name: string, figure: Compared, digits: number, aim?: Aim][] = [
    ['changes/s at saturation', comparison.changesPerSecond, 0, ['at least', 0.25]],
    ['one change at rest, p50 ms', comparison.restP50Ms, 2, ['at most', 3]],
    ['one change at rest, p95 ms', comparison.restP95Ms, 2],
    ['CPU µs a change, all parties', comparison.cpuPerChange, 1, ['at most', 4]],
    ['CPU µs a change at rest', comparison.restCpuPerChange, 0],
    ['bytes a change, one party', comparison.bytesPerChange, 0, ['at most', 1.5]],
    ['bytes a change at rest', comparison.restBytesPerChange, 0],
  ]
  console.log(comparison.machine)
  row('', 'ours', 'floor', 'ratio', 'of the rounds', 'to reach')
  for (const [name, { ours, floor, ratio, from, to }, digits, aim] of lines) {
    const [first, second] = [ours.toFixed(digits), floor.toFixed(digits)]
    row(name, first, second, ratio.toFixed(2), `${from.toFixed(2)}–${to.toFixed(2)}`, aimed(ratio, aim))
  }
}

export function reportWaits(waits: number): void {
  row(
    'waits for a disk in sequence',
    `${waits}`,
    `${FLOOR_WAITS}`,
    (waits / FLOOR_WAITS).toFixed(2),
    '',
    ofWaits(waits),
  )
}

/** One line for each number of parties, with the ratio to a floor of as many. */
export function reportSizes(comparisons: readonly Comparison[]): void {
  const cell = ({ ours, ratio }: Compared, digits: number) => `${ours.toFixed(digits)} (${ratio.toFixed(2)})`
  console.log('\nby the number of parties, ratio to a floor of as many:')
  const columns = ['changes/s', 'at rest, p50 ms', 'CPU µs a change', 'at rest', 'bytes a change', 'at rest']
  console.log(`${''.padEnd(8)}${columns.map((column) => column.padStart(18)).join('')}`)
  for (const of of comparisons) {
    const cells = [
      cell(of.changesPerSecond, 0),
      cell(of.restP50Ms, 2),
      cell(of.cpuPerChange, 1),
      cell(of.restCpuPerChange, 0),
      cell(of.bytesPerChange, 0),
      cell(of.restBytesPerChange, 0),
    ]
    console.log(`N = ${String(of.size).padEnd(4)}${cells.map((text) => text.padStart(18)).join('')}`)
  }
  for (const { size, machine } of comparisons) console.log(`N = ${size}: ${machine}`)
}

export function reportRebuild(figures: RebuildFigures): void {
  const { entries, events, entriesPerSecond, entriesPerCpuSecond, floorPerCpuSecond } = figures
  const rounded = (value: number) => Math.round(value).toLocaleString('en')
  console.log(`\nrebuild of ${rounded(entries)} ledger entries (${rounded(events)} events) from SQLite, on one core:`)
  console.log(
    `  ${rounded(entriesPerSecond)} entries/s by the clock, ${rounded(entriesPerCpuSecond)} a second of processor time`,
  )
  const ratio = entriesPerCpuSecond / floorPerCpuSecond
  const beside = `of only reading and parsing the same events (${rounded(floorPerCpuSecond)})`
  console.log(`  ${ratio.toFixed(2)} ${beside}; ${aimed(ratio, ['at least', 0.5])}`)
}

export function reportRules(figures: RuleFigures): void {
  const rounded = (value: number) => Math.round(value).toLocaleString('en')
  const [compiled, evaluated] = [middle(figures.compiledToParsed), middle(figures.evaluatedToFeelin)]
  console.log(`\n${figures.expressions} expressions of the worked contracts' rules, a second of processor time:`)
  console.log(
    `  ${rounded(figures.compiled)} compiled: ${compiled.toFixed(2)} of parsing alone; ${aimed(compiled, ['at least', 0.8])}`,
  )
  const steps = `${rounded(figures.evaluated)} evaluated, of ${figures.steps} steps all together`
  const same = `${figures.alike} to which it comes as well`
  console.log(`  ${steps}: ${evaluated.toFixed(1)} times feelin, of the ${same}; ${aimed(evaluated, ['at least', 5])}`)
}

export function reportWebhooks({ messages, posted, told }: WebhookFigures): void {
  const ratio = told / posted
  const each = `${Math.round(told)}/s of ${messages} messages; with undici alone ${Math.round(posted)}/s`
  console.log(`\nwebhooks, one message after another: ${each}: ${ratio.toFixed(2)}; ${aimed(ratio, ['at least', 0.5])}`)
}

export function reportLive({ aloneP50Ms, aloneP99Ms, contracts, ofEach, p50Ms, p99Ms, told }: LiveFigures): void {
  const ratio = p99Ms / aloneP99Ms
  const subscribers = (contracts * ofEach).toLocaleString('en')
  console.log(
    `\n/live, ${subscribers} subscribers, ${ofEach} a contract, a change a second on each of ${contracts}, settled to received:`,
  )
  console.log(
    `  p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms of ${told.toLocaleString('en')}; one subscriber ${aloneP50Ms.toFixed(1)} and ${aloneP99Ms.toFixed(1)} ms: p99 ${ratio.toFixed(1)} times that; ${aimed(ratio, ['at most', 5])}`,
  )
}

export function reportApi(figures: ApiFigures): void {
  const { bareMicros, blockMicros, fieldMicros, readMs, rows, rowsMs, stringifyMicros } = figures
  console.log('\nreads by the inward API, processor time of the server:')
  for (const { fields, micros } of fieldMicros) {
    const ratio = bareMicros / micros
    console.log(
      `  GET of a field, of ${fields.toLocaleString('en')}: ${micros.toFixed(1)} µs, ${ratio.toFixed(2)} of a bare route with a constant (${bareMicros.toFixed(1)} µs); ${aimed(ratio, ['at least', 0.7])}`,
    )
  }
  const [small, large] = [fieldMicros.at(0), fieldMicros.at(-1)].map((one) => one?.micros ?? 0) as [number, number]
  console.log(
    `  the large record beside the small one: ${(large / small).toFixed(2)}; ${aimed(large / small, ['at most', 1.2])}`,
  )
  const block = stringifyMicros / blockMicros
  console.log(
    `  GET of a block of 1,000 fields: ${blockMicros.toFixed(0)} µs, ${block.toFixed(2)} of a bare route that stringifies it (${stringifyMicros.toFixed(0)} µs); ${aimed(block, ['at least', 0.5])}`,
  )
  const paged = readMs / rowsMs
  console.log(
    `  ${rows.toLocaleString('en')} rows by cursor: ${rowsMs.toFixed(0)} ms, ${paged.toFixed(2)} of reading them from SQLite and stringifying them (${readMs.toFixed(0)} ms); ${aimed(paged, ['at least', 0.5])}`,
  )
}

export function reportWide(figures: WideFigures): void {
  const line = (name: string, microseconds: number, ratios: readonly number[], aim?: Aim) => {
    const ratio = middle(ratios)
    const rounds = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
    console.log(
      `  ${name}: ${Math.round(microseconds)} µs, ${ratio.toFixed(2)} times that (${rounds}) ${aimed(ratio, aim)}`.trimEnd(),
    )
  }
  console.log(
    '\none proposal, 100 fields without rules beside 10,000 fields with 500 rules of which 5 read the field, processor time:',
  )
  line('proposed, signed and settled by two', figures.change, figures.changeRatio, ['at most', 2])
  line('the outcome and the hash of the record alone', figures.decision, figures.decisionRatio)
  const [few, many] = figures.fieldsHashed.map((count) => count.toLocaleString('en'))
  line(`the same among ${few} fields beside ${many}, without rules`, figures.hash, figures.hashRatio, ['at most', 3])
}

function row(name: string, ours: string, floor: string, ratio: string, rounds: string, aim: string): void {
  const cells = [ours.padStart(12), floor.padStart(12), ratio.padStart(9), rounds.padStart(16)]
  console.log(`${name.padEnd(30)}${cells.join('')}   ${aim}`.trimEnd())
}

function aimed(value: number, aim: Aim | undefined): string {
  if (aim === undefined) return ''
  const [kind, bound] = aim
  const isReached = kind === 'at most' ? value <= bound : value >= bound
  return `${kind} ${bound}: ${isReached ? 'reached' : 'missed'}`
}

function ofWaits(waits: number): string {
  return aimed(waits, ['at most', 6])
}
