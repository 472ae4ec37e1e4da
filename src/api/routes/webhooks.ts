import { type Static, Type } from 'typebox'
import { sha256 } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { NoBody } from '../answers/common.ts'
import { ofContract } from '../answers/problems.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import {
  NewSecretSchema,
  NewWebhookSchema,
  OmissionSchema,
  ReplayBegunSchema,
  ReplaySchema,
  UndeliveredListSchema as Undelivered,
  type UndeliveredListSchema,
  WebhookIdSchema,
  WebhookMadeSchema,
  WebhookSchema,
} from '../answers/webhooks.ts'
import type { Access } from '../http/callers/authenticate.ts'

export type Webhook = Static<typeof WebhookSchema>
export type WebhookMade = Static<typeof WebhookMadeSchema>

/** Whose webhooks are meant: those of a key, by its hash, or all. */
export interface WebhookOwner {
  readonly holder: string
  readonly keyName: string
  /** An operator. */
  readonly hasAll: boolean
}

/** The webhooks of this node, as those who own them see and change them. Whoever does not own one has none of that id: NoSuchWebhook. */
export interface Webhooks {
  /** Of the streams and positions that are this node's own: a restore renews it. */
  readonly epoch: string
  list(owner: WebhookOwner): readonly Webhook[]
  find(id: string, owner: WebhookOwner): Webhook
  /** Throws WebhookUnfit, ReceiverRefused, WebhookKeyUnfit, TooManyWebhooks, NoSuchPath, PathMalformed, NoSuchContract. */
  make(wanted: Static<typeof NewWebhookSchema>, owner: WebhookOwner): Promise<WebhookMade>
  remove(id: string, owner: WebhookOwner): void
  newSecret(id: string, wanted: Static<typeof NewSecretSchema>, owner: WebhookOwner): WebhookMade
  /** Begins one that has ended again, by the right of this key. Throws WebhookKeyUnfit. */
  activate(id: string, owner: WebhookOwner): Promise<Webhook>
  undelivered(id: string, owner: WebhookOwner): Static<typeof UndeliveredListSchema>
  /** Tries what waits at once. */
  retry(id: string, owner: WebhookOwner): void
  /** Gives a message up that waits. Throws NoSuchMessage. */
  omit(id: string, message: string, owner: WebhookOwner): Promise<void>
  /** Throws WebhookUnfit, NoSuchEntry, ReplayUnderWay, NoSuchContract. */
  replay(
    id: string,
    wanted: { readonly contract?: Uid; readonly from: number; readonly to?: number },
    owner: WebhookOwner,
  ): Promise<Static<typeof ReplayBegunSchema>>
}

export interface WebhookRoutesPorts {
  readonly webhooks: Webhooks
}

const Params = Type.Object({ webhook: WebhookIdSchema })
const ofWebhook = ['no_such_webhook', 'store_unavailable'] as const

/** `/api/Webhook`: who is told by calls of this node (docs/api.md, "Webhooks"). Each caller has its own; an operator sees all. */
export const webhookRoutes: TypedRoutes<WebhookRoutesPorts> = async (app, { webhooks }) => {
  app.get(
    '/api/Webhook',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listWebhooks',
        summary: 'The webhooks of the caller; of an operator all',
        response: { 200: Type.Array(WebhookSchema) },
      },
    },
    async ({ access }) => webhooks.list(ownerIn(access)),
  )

  app.post(
    '/api/Webhook',
    {
      config: {
        role: 'reader',
        problems: [
          ...ofContract,
          'no_such_subject',
          'no_such_entry',
          'path_malformed',
          'webhook_unfit',
          'webhook_receiver_refused',
          'webhook_key_unfit',
          'webhooks_too_many',
        ],
      },
      schema: {
        operationId: 'makeWebhook',
        summary: 'Has what happens at a subject posted to an address',
        body: NewWebhookSchema,
        response: { 201: WebhookMadeSchema },
      },
    },
    async ({ access, body }, reply) => {
      const made = await webhooks.make(body, ownerIn(access))
      return reply.code(201).header('location', `/api/Webhook/${made.id}`).send(made)
    },
  )

  app.get(
    '/api/Webhook/:webhook',
    {
      config: { role: 'reader', problems: ofWebhook },
      schema: { operationId: 'getWebhook', summary: 'A webhook', params: Params, response: { 200: WebhookSchema } },
    },
    async ({ access, params: { webhook } }) => webhooks.find(webhook, ownerIn(access)),
  )

  app.delete(
    '/api/Webhook/:webhook',
    {
      config: { role: 'reader', problems: ofWebhook },
      schema: { operationId: 'removeWebhook', summary: 'Removes it', params: Params, response: { 204: NoBody } },
    },
    async ({ access, params: { webhook } }, reply) => {
      webhooks.remove(webhook, ownerIn(access))
      return reply.code(204).send()
    },
  )

  app.post(
    '/api/Webhook/:webhook/Secret',
    {
      config: { role: 'reader', problems: ofWebhook },
      schema: {
        operationId: 'renewWebhookSecret',
        summary: 'Makes a new secret; for a while messages are signed with the one before, too',
        params: Params,
        body: NewSecretSchema,
        response: { 200: WebhookMadeSchema },
      },
    },
    async ({ access, body, params: { webhook } }) => webhooks.newSecret(webhook, body, ownerIn(access)),
  )

  app.post(
    '/api/Webhook/:webhook/Activation',
    {
      config: { role: 'reader', problems: [...ofWebhook, 'webhook_key_unfit'] },
      schema: {
        operationId: 'activateWebhook',
        summary: 'Begins one again that has ended, by the right of this key; what it was not told meanwhile is told',
        params: Params,
        response: { 200: WebhookSchema },
      },
    },
    async ({ access, params: { webhook } }) => webhooks.activate(webhook, ownerIn(access)),
  )

  app.get(
    '/api/Webhook/:webhook/Undelivered',
    {
      config: { role: 'reader', problems: ofWebhook },
      schema: {
        operationId: 'listUndelivered',
        summary: 'Messages that were not taken: those that are tried again, and those that were given up',
        params: Params,
        response: { 200: Undelivered },
      },
    },
    async ({ access, params: { webhook } }) => webhooks.undelivered(webhook, ownerIn(access)),
  )

  app.post(
    '/api/Webhook/:webhook/Attempts',
    {
      config: { role: 'reader', problems: [...ofWebhook, 'webhook_unfit'] },
      schema: {
        operationId: 'retryWebhook',
        summary: 'Tries all that waits at once',
        params: Params,
        response: { 204: NoBody },
      },
    },
    async ({ access, params: { webhook } }, reply) => {
      webhooks.retry(webhook, ownerIn(access))
      return reply.code(204).send()
    },
  )

  app.post(
    '/api/Webhook/:webhook/Omissions',
    {
      config: { role: 'reader', problems: [...ofWebhook, 'no_such_message'] },
      schema: {
        operationId: 'omitMessage',
        summary: 'Gives a message up that waits, so that those behind it are sent',
        params: Params,
        body: OmissionSchema,
        response: { 204: NoBody },
      },
    },
    async ({ access, body: { message }, params: { webhook } }, reply) => {
      await webhooks.omit(webhook, message, ownerIn(access))
      return reply.code(204).send()
    },
  )

  app.post(
    '/api/Webhook/:webhook/Replays',
    {
      config: {
        role: 'reader',
        problems: [...ofWebhook, ...ofContract, 'webhook_unfit', 'no_such_entry', 'replay_under_way'],
      },
      schema: {
        operationId: 'replayWebhook',
        summary: 'Sends what entries have brought once more, under the same ids',
        params: Params,
        body: ReplaySchema,
        response: { 202: ReplayBegunSchema },
      },
    },
    async ({ access, body: { contract, from, to }, params: { webhook } }, reply) => {
      const wanted = { from, ...(contract && { contract }), ...(to !== undefined && { to }) }
      return reply.code(202).send(await webhooks.replay(webhook, wanted, ownerIn(access)))
    },
  )
}

function ownerIn(access: Access | null): WebhookOwner {
  const { caller, key } = access as Access
  return { holder: sha256(key), keyName: caller.name, hasAll: caller.roles.includes('operator') }
}
