import { Argument, type Command, InvalidArgumentError } from 'commander'
import { isHash } from '../../crypto/hash.ts'
import type { ShownErasures } from '../../documents/erasures.ts'
import type { ShownAbout } from '../../events/about.ts'
import { apiClientFor } from '../api-client.ts'
import { aboutOf, aboutOption, contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { jsonLines, printResult, table } from '../output.ts'
import { pathIn } from './place.ts'
import { type Voted, voteLine } from './vote-lines.ts'

interface Options extends NodeOptions {
  readonly about?: string
  readonly dryRun?: true
  readonly seal?: readonly string[]
}

/** `concordata erasure …`: values that nobody keeps any more. */
export function erasureCommands(program: Command): void {
  const erasure = program.command('erasure').description('values that nobody keeps any more, by the vote of all')
  const of = (name: string) => erasure.command(name).addArgument(contractArgument()).addOption(jsonOption())
  const erasures = (uid: string) => `/api/Contract/${uid}/Erasures`

  of('list')
    .addOption(dataOption())
    .description('those that are open, with whose votes they wait for, and how many values are erased')
    .action(async (uid: string, { data, json }: Options) => {
      const all = (await (await apiClientFor(data)).call('GET', erasures(uid))) as ShownErasures
      const rows = all.open.map(({ at, erasure: name, values, votes, waitsFor }) => {
        return [name, String(values), at.map(decodeURIComponent).join(', '), votes.join(', '), waitsFor.join(', ')]
      })
      const { erased, newest } = all
      const heading = `values erased: ${erased}${newest === null ? '' : `; the newest by entry ${newest} of the ledger`}`
      const said = all.open.flatMap((one) =>
        one.said.map(({ about, by, castAt }) => [one.erasure, by, String(castAt), aboutText(about)]),
      )
      printResult(json, all, [
        heading,
        ...table(['erasure', 'values', 'at', 'votes', 'waits for'], rows),
        ...(said.length === 0 ? [] : ['', ...table(['erasure', 'vote of', 'entry', 'about'], said)]),
      ])
    })

  of('propose')
    .argument('[paths...]', 'whose values, of all times, and of all below: names with slashes between')
    .option('--seal <seal>', 'the seal of one value more; may be given again', sealsIn)
    .option('--dry-run', 'say what would happen, and do nothing')
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('vote that nobody keeps these values: with the vote of the last member they are gone for good')
    .action(async (uid: string, paths: readonly string[], { data, json, about, dryRun, seal }: Options) => {
      const body = { paths: paths.map(pathIn), ...(seal && { seals: seal }), ...aboutOf(about) }
      const url = `${erasures(uid)}${dryRun ? '?dry-run' : ''}`
      const voted = (await (await apiClientFor(data)).call('POST', url, body)) as Voted
      printResult(json, voted, dryRun ? jsonLines(voted) : [...nameOf(voted), voteLine(uid, voted)])
    })

  of('vote')
    .addArgument(new Argument('<erasure>', 'as `erasure list` names it').argParser(hashIn))
    .addArgument(new Argument('<vote>', 'yes or no').choices(['yes', 'no']))
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('vote on it: with the last yes the values are gone for good, a no ends it')
    .action(async (uid: string, name: string, vote: string, { data, json, about }: Options) => {
      const body = { vote, ...aboutOf(about) }
      const voted = (await (await apiClientFor(data)).call('POST', `${erasures(uid)}/${name}/Votes`, body)) as Voted
      printResult(json, voted, [`Voted ${vote}.`, voteLine(uid, voted)])
    })
}

/** By which the others vote on it; none while it has not settled. */
function nameOf({ vote }: Voted): string[] {
  return vote !== undefined && 'erasure' in vote ? [vote.erasure] : []
}

function aboutText(about: ShownAbout | undefined): string {
  if (about === undefined) return ''
  return about.isHeld ? [about.title, about.text].filter(Boolean).join(': ') : '(not held here)'
}

function hashIn(text: string): string {
  if (isHash(text)) return text
  throw new InvalidArgumentError('it has to be 64 digits and letters from a to f.')
}

/** Several, one after another. */
function sealsIn(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), hashIn(text)]
}
