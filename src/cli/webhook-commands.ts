import { type Command, Option } from 'commander'
import type { Static } from 'typebox'
import type { UndeliveredListSchema } from '../api/answers/webhooks.ts'
import type { Webhook, WebhookMade } from '../api/routes/webhooks.ts'
import { apiClientFor } from './api-client.ts'
import { dataOption, jsonOption, type NodeOptions, numberIn } from './options.ts'
import { printResult, table } from './output.ts'

type Undelivered = Static<typeof UndeliveredListSchema>

/** `concordata webhook …`: who is told by calls of the running node. */
export function webhookCommands(program: Command): void {
  const webhook = program.command('webhook').description('who is told by calls of this node (Standard Webhooks)')
  const at = (id: string, more = '') => `/api/Webhook/${encodeURIComponent(id)}${more}`
  const signing = () =>
    new Option('--signing <how>', 'with a secret that the receiver has as well, or with a key').choices(['v1', 'v1a'])

  webhook
    .command('add <url> <subject>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .addOption(signing())
    .option('--from <index>', 'of one contract: the first entry that is told; else what settles from now on', numberIn)
    .description('have what happens at a subject of /live posted to an address; shows the secret this one time')
    .action(async (url: string, subject: string, { data, from, json, signing }: Asked & { from?: number }) => {
      const body = { url, subject, ...(signing && { signing }), ...(from !== undefined && { from }) }
      made((await call(data, 'POST', '/api/Webhook', body)) as WebhookMade, json)
    })

  webhook
    .command('list')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('the webhooks that there are, and how they are')
    .action(async ({ data, json }: Asked) => {
      const found = (await call(data, 'GET', '/api/Webhook')) as Webhook[]
      const rows = found.map(({ id, key, state, subject, url, waiting, why }) => [
        id,
        why === undefined ? state : `${state}: ${why}`,
        waiting === undefined ? '' : `${waiting.error}, since ${waiting.first}`,
        key,
        subject,
        url,
      ])
      printResult(json, found, table(['webhook', 'state', 'not taken', 'key', 'subject', 'url'], rows))
    })

  webhook
    .command('undelivered <id>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('messages that were not taken: those that are tried again, and those that were given up')
    .action(async (id: string, { data, json }: Asked) => {
      const { givenUp, waiting } = (await call(data, 'GET', at(id, '/Undelivered'))) as Undelivered
      const rows = [...waiting, ...givenUp].map(({ attempts, error, last, message, next }) => [
        message,
        String(attempts),
        last,
        next ?? 'never',
        error,
      ])
      printResult(json, { waiting, givenUp }, table(['message', 'attempts', 'last', 'next', 'why'], rows))
    })

  webhook
    .command('secret <id>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .addOption(signing())
    .option('--overlap <seconds>', 'how long messages are signed with the one before, too', numberIn)
    .description('make a new secret, and show it this one time')
    .action(async (id: string, { data, json, overlap, signing }: Asked & { overlap?: number }) => {
      const body = { ...(signing && { signing }), ...(overlap !== undefined && { overlapSeconds: overlap }) }
      made((await call(data, 'POST', at(id, '/Secret'), body)) as WebhookMade, json)
    })

  webhook
    .command('replay <id>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .requiredOption('--from <index>', 'the first entry', numberIn)
    .option('--to <index>', 'the last entry; left out: the newest', numberIn)
    .option('--contract <uid>', 'of a webhook of all contracts: which')
    .description('send what entries have brought once more, under the same ids')
    .action(async (id: string, { contract, data, from, json, to }: Asked & Range) => {
      const body = { from, ...(to !== undefined && { to }), ...(contract !== undefined && { contract }) }
      const begun = (await call(data, 'POST', at(id, '/Replays'), body)) as { stream: string; from: number; to: number }
      printResult(json, begun, [`${begun.stream}: entries ${begun.from} to ${begun.to}`])
    })

  webhook
    .command('retry <id>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('try what waits at once')
    .action(async (id: string, { data, json }: Asked) => {
      await call(data, 'POST', at(id, '/Attempts'))
      printResult(json, { id }, [])
    })

  webhook
    .command('omit <id> <message>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('give a message up that waits, so that those behind it are sent')
    .action(async (id: string, message: string, { data, json }: Asked) => {
      await call(data, 'POST', at(id, '/Omissions'), { message })
      printResult(json, { id, message }, [])
    })

  webhook
    .command('activate <id>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('begin one again that has ended; what it was not told meanwhile is told')
    .action(async (id: string, { data, json }: Asked) => {
      const activated = await call(data, 'POST', at(id, '/Activation'))
      printResult(json, activated, [])
    })

  webhook
    .command('remove <id>')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('nothing more is sent')
    .action(async (id: string, { data, json }: Asked) => {
      await call(data, 'DELETE', at(id))
      printResult(json, { id }, [])
    })
}

interface Asked extends NodeOptions {
  readonly signing?: 'v1' | 'v1a'
}

interface Range {
  readonly contract?: string
  readonly from: number
  readonly to?: number
}

async function call(data: string, method: string, path: string, body?: unknown): Promise<unknown> {
  return (await apiClientFor(data)).call(method, path, body)
}

function made(one: WebhookMade, json: true | undefined): void {
  const { id, secret, signing } = one
  const what = signing === 'v1' ? 'secret' : 'public key'
  const rows = [
    ['webhook', id],
    [what, secret],
  ]
  printResult(json, one, table(['', ''], rows))
}
