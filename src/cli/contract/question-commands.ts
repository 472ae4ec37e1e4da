import type { Command } from 'commander'
import type { Static } from 'typebox'
import type { QuestionSchema } from '../../api/answers/requests.ts'
import { apiClientFor } from '../api-client.ts'
import {
  aboutOf,
  aboutOption,
  contractArgument,
  dataOption,
  jsonOption,
  type NodeOptions,
  requestArgument,
} from '../options.ts'
import { printResult, table } from '../output.ts'

type Question = Static<typeof QuestionSchema>

/** `concordata contract questions|answer`: the requests of others on which a person is asked here. */
export function questionCommands(contract: Command): void {
  contract
    .command('questions')
    .addArgument(contractArgument())
    .option('--json', 'as JSON, with all that is asked for')
    .addOption(dataOption())
    .description('the requests of others on which this node asks a person')
    .action(async (uid: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', `/api/Contract/${uid}/Questions`)) as Question[]
      const rows = all.map(({ about, by, commands, otherwise, request, until }) => {
        const said = [about?.title, about?.text].filter(Boolean).join(': ')
        return [request, by, commands.map(({ type }) => type).join(', '), said, until, otherwise]
      })
      printResult(json, all, table(['request', 'by', 'what', 'about', 'until', 'otherwise'], rows))
    })

  contract
    .command('answer')
    .addArgument(contractArgument())
    .addArgument(requestArgument('as `contract questions` names it'))
    .option('--refuse', 'refuse it')
    .addOption(aboutOption())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('acknowledge a request on which this node asks, or refuse it')
    .action(
      async (
        uid: string,
        request: string,
        { data, json, refuse, about }: NodeOptions & { refuse?: true; about?: string },
      ) => {
        const answer = refuse ? { answer: 'refuse', ...aboutOf(about) } : { answer: 'acknowledge' }
        await (await apiClientFor(data)).call('POST', `/api/Contract/${uid}/Questions/${request}`, answer)
        printResult(json, { contract: uid, request, answer: answer.answer }, [refuse ? 'Refused.' : 'Acknowledged.'])
      },
    )
}
