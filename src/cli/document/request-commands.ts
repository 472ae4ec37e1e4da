import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RequestStage } from '../../contracts/requests/progress.ts'
import type { RequestStatus } from '../../library/interface.ts'
import { type ApiClient, apiClientFor } from '../api-client.ts'
import { aboutOption, contractArgument, dataOption, jsonOption, type NodeOptions, requestArgument } from '../options.ts'
import { printResult, table } from '../output.ts'

/** Nothing more comes of it, but that it may be cosigned. */
const ENDS: readonly RequestStage[] = ['withdrawn', 'settled', 'cosigned']

/** How often the node is asked. Milliseconds. */
const POLL_MS = 500

/** `concordata request …`: how far one has come. */
export function requestCommands(program: Command): void {
  const request = program.command('request').description('how far a request has come')
  const onOne = (name: string) =>
    request
      .command(name)
      .addArgument(contractArgument())
      .addArgument(requestArgument('its name: <party>.<statement>.<place>'))
      .addOption(jsonOption())
      .addOption(dataOption())

  onOne('show')
    .description('its state, outcome, and whom it waits for')
    .action(async (uid: string, name: string, { data, json }: NodeOptions) => {
      const status = await statusOf(await apiClientFor(data), uid, name)
      printResult(json, status, table(['', ''], rowsOf(status)))
    })

  onOne('follow')
    .description('say each time that it has come further, until it is settled or withdrawn')
    .action(async (uid: string, name: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      let said: string | undefined
      for (;;) {
        const status = await statusOf(client, uid, name)
        const line = json ? JSON.stringify(status) : lineOf(status)
        if (line !== said) printResult(json, status, [line])
        said = line
        if (ENDS.includes(status.state)) return
        await delay(POLL_MS)
      }
    })

  onOne('withdraw')
    .addOption(aboutOption())
    .description('take back a request of this party that is not confirmed yet')
    .action(async (uid: string, name: string, { data, json, about }: NodeOptions & { about?: string }) => {
      const query = about === undefined ? '' : `?${new URLSearchParams({ text: about })}`
      const withdrawn = await (await apiClientFor(data)).call('DELETE', `${urlOf(uid, name)}${query}`)
      printResult(json, withdrawn, ['Withdrawn.'])
    })
}

async function statusOf(client: ApiClient, uid: string, name: string): Promise<RequestStatus> {
  return (await client.call('GET', urlOf(uid, name))) as RequestStatus
}

function urlOf(uid: string, name: string): string {
  return `/api/Contract/${encodeURIComponent(uid)}/Requests/${encodeURIComponent(name)}`
}

function rowsOf(status: RequestStatus): string[][] {
  const { about, candidates = [], request, state, tier } = status
  return [
    ['request', request],
    ['state', state],
    ['tier', String(tier)],
    ...(about === undefined ? [] : [['about', [about.title, about.text].filter(Boolean).join(': ')]]),
    ...(status.index === undefined ? [] : [['entry', String(status.index)]]),
    ...(status.outcome === undefined ? [] : [['outcome', outcomeOf(status.outcome)]]),
    ...(waitsOf(status) === '' ? [] : [['waits for', waitsOf(status)]]),
    ...candidates.map(({ at, proposal, waitsFor }) => [
      'candidate',
      `${proposal} at ${decodeURIComponent(at)}${waitsFor.length === 0 ? '' : `, waits for ${waitsFor.join(', ')}`}`,
    ]),
  ]
}

function lineOf(status: RequestStatus): string {
  const { index, outcome, state } = status
  const parts = [
    state,
    ...(index === undefined ? [] : [`entry ${index}`]),
    ...(outcome === undefined ? [] : [outcomeOf(outcome)]),
    ...(waitsOf(status) === '' ? [] : [`waits for ${waitsOf(status)}`]),
  ]
  return parts.join('; ')
}

/** `accepted`; of others all that is said of it, too. */
function outcomeOf({ kind, ...rest }: NonNullable<RequestStatus['outcome']>): string {
  return Object.keys(rest).length === 0 ? kind : `${kind} ${JSON.stringify(rest)}`
}

function waitsOf({ waitingFor = [], why = {} }: RequestStatus): string {
  return waitingFor.map((party) => (why[party] === undefined ? party : `${party} (${why[party]})`)).join(', ')
}
