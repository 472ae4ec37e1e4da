import { Argument, type Command } from 'commander'
import type { Static } from 'typebox'
import type { LockSchema } from '../../api/answers/contracts.ts'
import { lockPurposes } from '../../events/reasons.ts'
import { apiClientFor } from '../api-client.ts'
import { type Voted, voteLine } from '../document/vote-lines.ts'
import {
  aboutOf,
  aboutOption,
  contractArgument,
  dataOption,
  jsonOption,
  type NodeOptions,
  numberIn,
} from '../options.ts'
import { printResult, table } from '../output.ts'

type Lock = Static<typeof LockSchema>

interface Options extends NodeOptions {
  readonly about?: string
  readonly retry?: true
  readonly since?: number
}

/** `concordata contract lock|release|break-lock`: the record lock. */
export function lockCommands(contract: Command): void {
  contract
    .command('lock')
    .addArgument(contractArgument())
    .addArgument(
      new Argument('[purpose]', 'what for, for all to see; left out: only say who has it').choices(
        Object.keys(lockPurposes),
      ),
    )
    .addOption(aboutOption())
    .option('--retry', 'ask again as long as another party has the lock')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('take the record lock: until it is released, only this party changes the record')
    .action(async (uid: string, purpose: string | undefined, { about, data, json, retry }: Options) => {
      const client = await apiClientFor(data)
      const url = urlOf(uid)
      if (purpose === undefined) {
        const lock = (await client.call('GET', url)) as Lock
        return printResult(json, lock, linesOf(lock))
      }
      const body = { purpose, ...aboutOf(about), ...(retry ? { retry } : {}) }
      const done = await client.call('POST', url, body)
      printResult(json, done, ['Locked.'])
    })

  contract
    .command('release')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('let go of the record lock')
    .action(async (uid: string, { data, json }: Options) => {
      const released = await (await apiClientFor(data)).call('DELETE', urlOf(uid))
      printResult(json, released, ['Released.'])
    })

  contract
    .command('break-lock')
    .addArgument(contractArgument())
    .option('--since <index>', 'of the lock that is meant: refused if there is another one by now', numberIn)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('vote that the lock of another party falls: with the vote of the last member but its holder it does')
    .action(async (uid: string, { data, json, since }: Options) => {
      const client = await apiClientFor(data)
      const lock = since ?? indexOf((await client.call('GET', urlOf(uid))) as Lock)
      const voted = (await client.call('POST', `${urlOf(uid)}/Breaks`, { lock })) as Voted
      const isBroken = voted.vote?.state === 'agreed'
      printResult(json, voted, ['Voted yes.', voteLine(uid, voted), ...(isBroken ? ['Nobody has the lock.'] : [])])
    })
}

/** Entry 0 opens the contract, and takes no lock: asked to break that one the node says that there is none. */
function indexOf(lock: Lock): number {
  return lock.locked ? lock.index : 0
}

function urlOf(uid: string): string {
  return `/api/Contract/${encodeURIComponent(uid)}/Lock`
}

function linesOf(lock: Lock): string[] {
  if (!lock.locked) return ['Nobody has the lock.']
  const { about, breakVotes, holder, index, purpose } = lock
  return table(
    ['', ''],
    [
      ['holder', holder],
      ['purpose', purpose],
      ['since entry', String(index)],
      ...(about === undefined ? [] : [['about', [about.title, about.text].filter(Boolean).join(': ')]]),
      ...(breakVotes.length === 0 ? [] : [['votes to break it', breakVotes.join(', ')]]),
    ],
  )
}
