import { Type } from 'typebox'
import { CountSchema, HandleSchema, TimeSchema, UidSchema } from '../../events/ids.ts'
import { object, Time } from './common.ts'
import { LiveAnswerSchemas } from './live.ts'

const Signing = Type.Enum(['v1', 'v1a'])
export const WebhookIdSchema = Type.String({ pattern: '^wh_[A-Za-z0-9_-]{16}$', title: 'WebhookId' })
/** `stream@revision#n` */
export const MessageIdSchema = Type.String({
  maxLength: 200,
  title: 'MessageId',
  description: '`stream@revision#n`: the same message has the same id at every attempt, and after a restore.',
})

/** What is asked for. */
export const NewWebhookSchema = object(
  {
    url: Type.String({ maxLength: 2048 }),
    /** As on `/live`. */
    subject: Type.String({ maxLength: 8192 }),
    signing: Type.Optional(Signing),
    /** Of one contract: the first entry that is told; left out: what settles from now on. */
    from: Type.Optional(CountSchema),
  },
  'NewWebhook',
)

/** A message that was not taken, and why. */
export const UndeliveredSchema = object(
  {
    message: MessageIdSchema,
    attempts: CountSchema,
    first: TimeSchema,
    last: TimeSchema,
    error: Type.String(),
    /** Left out: it was given up. */
    next: Type.Optional(TimeSchema),
  },
  'Undelivered',
)
export const UndeliveredListSchema = object(
  { waiting: Type.Array(UndeliveredSchema), givenUp: Type.Array(UndeliveredSchema) },
  'UndeliveredMessages',
)

export const WebhookSchema = object(
  {
    id: WebhookIdSchema,
    url: Type.String(),
    subject: Type.String(),
    signing: Signing,
    /** Of `v1a`: what signatures are checked with, the newest first. */
    publicKeys: Type.Optional(Type.Array(Type.String())),
    /** Until when messages are signed with the secret before, too. */
    overlapUntil: Type.Optional(TimeSchema),
    /** The name of the key by whose right it is told. */
    key: Type.String(),
    made: TimeSchema,
    state: Type.Enum(['active', 'failing', 'ended']),
    why: Type.Optional(Type.Enum(['receiver_gone', 'key_ended'])),
    /** The oldest message that waits to be tried again. */
    waiting: Type.Optional(UndeliveredSchema),
  },
  'Webhook',
)
/** `secret`: shown this one time; of `v1a` it is the public key. */
export const WebhookMadeSchema = object({ ...WebhookSchema.properties, secret: Type.String() }, 'WebhookMade')
export const NewSecretSchema = object(
  {
    signing: Type.Optional(Signing),
    /** How long messages are signed with the secret before, too. */
    overlapSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 30 * 24 * 3600 })),
  },
  'NewSecret',
)
export const ReplaySchema = object(
  {
    /** Of a webhook of all contracts: which. */
    contract: Type.Optional(UidSchema),
    from: CountSchema,
    /** The last entry; left out: the newest there is now. */
    to: Type.Optional(CountSchema),
  },
  'Replay',
)
export const ReplayBegunSchema = object({ stream: Type.String(), from: CountSchema, to: CountSchema }, 'ReplayBegun')
export const OmissionSchema = object({ message: MessageIdSchema }, 'Omission')

const message = <Type_ extends string, Data extends Parameters<typeof object>[0][string]>(
  type: Type_,
  data: Data,
  title: string,
) => object({ type: Type.Literal(type), timestamp: Type.Optional(Time), data }, title)

/** What is posted to receivers (Standard Webhooks 1.0). */
export const WebhookMessageSchemas = {
  'contract.change': message('contract.change', LiveAnswerSchemas.change, 'ChangeMessage'),
  'contract.request': message('contract.request', LiveAnswerSchemas.request, 'RequestMessage'),
  'contract.held': message(
    'contract.held',
    object(
      { subject: Type.String(), contract: UidSchema, founder: HandleSchema, from: Type.Optional(HandleSchema) },
      'HeldContract',
    ),
    'HeldMessage',
  ),
}
