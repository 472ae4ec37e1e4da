import type { TSchema } from 'typebox'
import { LiveAnswerSchemas } from '../answers/live.ts'
import { Components } from './components.ts'

/** AsyncAPI 3.0 of `/live`. `asked`: what a client sends. */
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
      tell: { action: 'send', channel, messages: from(Object.keys(LiveAnswerSchemas)) },
    },
    components: { messages, schemas: components.schemas() },
  }
}
