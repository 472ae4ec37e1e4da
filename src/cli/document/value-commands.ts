import { Argument, type Command } from 'commander'
import type { Candidate } from '../../library/interface.ts'
import { apiClientFor } from '../api-client.ts'
import {
  aboutOf,
  aboutOption,
  contractArgument,
  dataOption,
  jsonOption,
  type NodeOptions,
  proposalArgument,
} from '../options.ts'
import { printResult, table } from '../output.ts'
import { placeOf } from './place.ts'
import { type Voted, voteLine } from './vote-lines.ts'
import { printWritten } from './write-lines.ts'

/** `concordata value …`: values that wait for votes, or stand in conflict. */
export function valueCommands(program: Command): void {
  const value = program.command('value').description('values that wait for votes, or stand in conflict')
  const onOne = (name: string) =>
    value
      .command(name)
      .addArgument(contractArgument())
      .argument('<path>', 'the field, or a block that it stands in: names with slashes between')
      .addArgument(proposalArgument('as `value proposals` names it'))
      .addOption(jsonOption())

  value
    .command('proposals')
    .addArgument(contractArgument())
    .argument('[path]', 'a field or a block: names with slashes between; left out: the whole document', '')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the values that wait for votes, or stand in conflict, and for whom each waits')
    .action(async (uid: string, path: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', `${placeOf(uid, path)}/~proposals`)) as Candidate[]
      const rows = all.map(({ at, by, proposal, state, value: put, votes, waitsFor }) => {
        const said = votes.map((vote) => `${vote.by} ${vote.vote}`).join(', ')
        return [proposal, decodeURIComponent(at), by, JSON.stringify(put), state, said, waitsFor.join(', ')]
      })
      printResult(json, all, table(['proposal', 'at', 'by', 'value', 'state', 'votes', 'waits for'], rows))
    })

  onOne('vote')
    .addArgument(new Argument('<vote>', 'yes or no').choices(['yes', 'no']))
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('vote on a value: with the last yes it is agreed, a no ends it')
    .action(
      async (
        uid: string,
        path: string,
        proposal: string,
        vote: string,
        { data, json, about }: NodeOptions & { about?: string },
      ) => {
        const client = await apiClientFor(data)
        const url = `${placeOf(uid, path)}/~proposals/${proposal}/votes`
        const voted = await client.call('POST', url, { vote, ...aboutOf(about) })
        printResult(json, voted, [`Voted ${vote}.`, voteLine(uid, voted as Voted)])
      },
    )

  onOne('withdraw')
    .addOption(dataOption())
    .description('withdraw a value of this party that is not agreed')
    .action(async (uid: string, path: string, proposal: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const withdrawn = await client.call('DELETE', `${placeOf(uid, path)}/~proposals/${proposal}`)
      printResult(json, withdrawn, ['Withdrawn.'])
    })

  onOne('choose')
    .addOption(dataOption())
    .description('put this value up in the place of all that stands there: the way on from a conflict')
    .action(async (uid: string, path: string, proposal: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const answer = await client.call('POST', `${placeOf(uid, path)}/~proposals/${proposal}/choice`)
      printWritten(uid, answer, { json })
    })
}
