import { Argument, type Command } from 'commander'
import type { Static } from 'typebox'
import type { ChangeSetsSchema } from '../../api/answers/change-sets.ts'
import { apiClientFor } from '../api-client.ts'
import { textIn } from '../file-unavailable.ts'
import { jsonIn } from '../json-argument.ts'
import {
  aboutOf,
  aboutOption,
  contractArgument,
  dataOption,
  jsonOption,
  type NodeOptions,
  requestArgument,
} from '../options.ts'
import { jsonLines, printResult, table, tell } from '../output.ts'
import { type Voted, voteLine } from './vote-lines.ts'

interface Options extends NodeOptions {
  readonly about?: string
}

/** `concordata change-set …`: changes that are voted, and take effect, as one. */
export function changeSetCommands(program: Command): void {
  const changeSet = program.command('change-set').description('changes that are voted, and take effect, as one')
  const of = (name: string) => changeSet.command(name).addArgument(contractArgument()).addOption(jsonOption())
  const onOne = (name: string) => of(name).addArgument(requestArgument('as `change-set list` names it'))
  const sets = (uid: string, request = '') =>
    `/api/Contract/${uid}/ChangeSets${request && `/${encodeURIComponent(request)}`}`

  of('propose')
    .argument('<file>', 'JSON: the changes, a list as docs/api.md has it')
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('propose changes as one')
    .action(async (uid: string, file: string, { data, json, about }: Options) => {
      const changes = jsonIn(await textIn(file), file)
      const answer = await (await apiClientFor(data)).call('POST', sets(uid), { changes, ...aboutOf(about) })
      const { request } = answer as Voted
      printResult(json, answer, [request ?? 'Nothing is to be changed.'])
      if (request !== undefined) tell(json, voteLine(uid, answer as Voted))
    })

  of('list')
    .addOption(dataOption())
    .description('those that are open, with whose votes they wait for, and the newest that have ended')
    .action(async (uid: string, { data, json }: Options) => {
      const all = await (await apiClientFor(data)).call('GET', sets(uid))
      const { ended, open } = all as Static<typeof ChangeSetsSchema>
      const rows = [...open, ...ended].map(({ request, by, state, about, ...one }) => {
        const waitsFor = 'waitsFor' in one ? one.waitsFor.join(', ') : ''
        const why = 'why' in one ? one.why : ''
        return [request, by, state, about?.title ?? about?.text ?? '', waitsFor, why]
      })
      printResult(json, all, table(['request', 'by', 'state', 'about', 'waits for', 'why'], rows))
    })

  onOne('show')
    .addOption(dataOption())
    .description('one of them, with what it would change, as JSON')
    .action(async (uid: string, request: string, { data, json }: Options) => {
      const shown = await (await apiClientFor(data)).call('GET', sets(uid, request))
      printResult(json, shown, jsonLines(shown))
    })

  onOne('vote')
    .addArgument(new Argument('<vote>', 'yes or no').choices(['yes', 'no']))
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('vote on it: with the last yes it takes effect, a no ends it')
    .action(async (uid: string, request: string, vote: string, { data, json, about }: Options) => {
      const client = await apiClientFor(data)
      const voted = await client.call('POST', `${sets(uid, request)}/Votes`, { vote, ...aboutOf(about) })
      printResult(json, voted, [`Voted ${vote}.`, voteLine(uid, voted as Voted)])
    })

  onOne('withdraw')
    .addOption(dataOption())
    .description('withdraw one of this party')
    .action(async (uid: string, request: string, { data, json }: Options) => {
      const withdrawn = await (await apiClientFor(data)).call('DELETE', sets(uid, request))
      printResult(json, withdrawn, ['Withdrawn.'])
    })
}
