import type { Command } from 'commander'
import type { AudienceShown } from '../../documents/audiences.ts'
import { apiClientFor } from '../api-client.ts'
import {
  contractArgument,
  dataOption,
  dateIn,
  handlesIn,
  jsonOption,
  type NodeOptions,
  proposalOption,
} from '../options.ts'
import { printResult, table } from '../output.ts'
import { pathIn } from './place.ts'

interface Options extends NodeOptions {
  readonly until?: string
  readonly proposal?: string
}

/** `concordata audience …`: who gets the values of a block. */
export function audienceCommands(program: Command): void {
  const audience = program.command('audience').description('who gets the values of a block or a list')
  const of = (name: string) => audience.command(name).addArgument(contractArgument()).addOption(jsonOption())

  of('show')
    .addOption(dataOption())
    .description('the blocks and lists whose values are for some only')
    .action(async (uid: string, { data, json }: Options) => {
      const all = (await (await apiClientFor(data)).call('GET', `/api/Contract/${uid}/Audiences`)) as AudienceShown[]
      const rows = all.map(({ at, effective, parties, until = '' }) => {
        return [decodeURIComponent(at), parties.join(', '), effective.join(', '), until]
      })
      printResult(json, all, table(['at', 'set there', 'who gets values', 'until'], rows))
    })

  of('set')
    .argument('<path>', 'names with slashes between')
    .argument('<parties>', 'handles with commas between, or everybody', handlesIn)
    .option('--until <time>', 'when nodes stop handing out earlier values: a date, or a date and time', dateIn)
    .addOption(dataOption())
    .description('say who gets values that are written there from now on')
    .action(async (uid: string, path: string, parties: string[] | null, { data, json, until }: Options) => {
      const body = { at: pathIn(path), parties, ...(until !== undefined && { until }) }
      const set = await (await apiClientFor(data)).call('PUT', `/api/Contract/${uid}/Audiences`, body)
      printResult(json, set, ['Set.'])
    })

  of('reveal')
    .argument('<path>', 'of the field: names with slashes between')
    .addOption(proposalOption('left out: the value that is agreed there'))
    .addOption(dataOption())
    .description('make a confidential value an ordinary one: everybody gets it')
    .action(async (uid: string, path: string, { data, json, proposal }: Options) => {
      const body = { at: pathIn(path), ...(proposal !== undefined && { proposal }) }
      const revealed = await (await apiClientFor(data)).call('POST', `/api/Contract/${uid}/Disclosures`, body)
      printResult(json, revealed, ['Revealed.'])
    })
}
