import type { TSchema } from 'typebox'
import { LiveAnswerSchemas } from '../answers/live.ts'
import { WebhookMessageSchemas } from '../answers/webhooks.ts'
import { Components } from './components.ts'

/** AsyncAPI 3.0 of `/live`, and of what is posted to webhooks. `asked`: what a client sends. */
export function liveDocument(asked: TSchema, version: string): object {
  const components = new Components()
  const message = (name: string, summary: string, schema: TSchema) => ({
    name,
    summary,
    contentType: 'application/json',
    payload: components.refer(schema),
  })
  const messages = {
    ask: message('ask', 'Subscribes to a subject, or ends that', asked),
    change: message('change', 'What has changed at or below a subject, as it was then', LiveAnswerSchemas.change),
    request: message('request', 'A request that came to nothing', LiveAnswerSchemas.request),
    state: message('state', 'What GET gives at a path, whole, each time that it is another', LiveAnswerSchemas.state),
    subscribed: message('subscribed', 'A subscription stands', LiveAnswerSchemas.subscribed),
    problem: message('problem', 'What is wrong with a message; the connection stays', LiveAnswerSchemas.problem),
  }
  const posted = Object.fromEntries(
    Object.entries(WebhookMessageSchemas).map(([type, schema]) => [
      type,
      message(type, summariesOfPosted[type as keyof typeof WebhookMessageSchemas], schema),
    ]),
  )
  const from = (names: readonly string[]) => names.map((name) => ({ $ref: `#/channels/live/messages/${name}` }))
  const channel = { $ref: '#/channels/live' }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Concordata, live',
      version,
      description: 'Changes as they settle. Subjects are spelled as the REST paths; docs/api.md, "Live", says how.',
    },
    channels: {
      webhook: {
        address: null,
        description:
          'The address of a webhook, to which each message is posted. Its headers are those of Standard Webhooks 1.0: webhook-id, webhook-timestamp, webhook-signature.',
        messages: Object.fromEntries(
          Object.keys(posted).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
      live: {
        address: '/live',
        description: 'A WebSocket, with a key that has the role reader: in `Authorization: Bearer`, or as `?token=`.',
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    },
    operations: {
      ask: { action: 'receive', channel, messages: from(['ask']) },
      post: { action: 'send', channel: { $ref: '#/channels/webhook' } },
      tell: { action: 'send', channel, messages: from(Object.keys(LiveAnswerSchemas)) },
    },
    components: { messages: { ...messages, ...posted }, schemas: components.schemas() },
  }
}

export const summariesOfPosted: Readonly<Record<keyof typeof WebhookMessageSchemas, string>> = {
  'contract.change': 'What has changed at or below the subject, as it was then',
  'contract.request': 'A request that came to nothing',
  'contract.held':
    'A contract that this node has come to hold: founded here, or brought by a party that invites this one',
}
