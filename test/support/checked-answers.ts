import { subscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Form, firstErrorText } from '../../src/runtime/first-error.ts'
import { noteAnswered } from './answered-problems.ts'

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: TSchema }>>
}

const forms = new WeakMap<object, Form>()

function formOf(schema: TSchema): Form {
  const form = forms.get(schema) ?? Compile(schema)
  forms.set(schema, form)
  return form
}

/** What is wrong with an answer by the schemas of its route; undefined: nothing, or its route says none. */
export function faultOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): string | undefined {
  const { method, schema, url } = request.routeOptions
  const answers = schema?.response as Readonly<Record<string, TSchema & Described>> | undefined
  if (request.is404 || answers === undefined) return undefined
  const { statusCode } = reply
  const where = `${method} ${url} answers ${statusCode}`
  const described = answers[statusCode]
  const text = typeof payload === 'string' ? payload : undefined
  if (described === undefined) return `${where}, which its schema does not name: ${text}`
  const mediaType = String(reply.getHeader('content-type') ?? '').split(';', 1)[0] as string
  if (described.content !== undefined) {
    const found = described.content[mediaType] ?? described.content['*/*']
    if (found === undefined) return `${where} as ${mediaType}, which its schema does not name`
    return mediaType === 'application/json' ? complaint(found.schema) : undefined
  }
  return complaint(described)

  function complaint(form: TSchema): string | undefined {
    // To HEAD nothing is sent.
    if (text === undefined && request.method === 'HEAD') return undefined
    const value = text === undefined || text === '' ? undefined : JSON.parse(text)
    if (formOf(form).Check(value)) return undefined
    return `${where}, not as its schema says: ${firstErrorText(formOf(form), value)}: ${text?.slice(0, 2_000)}`
  }
}

/** Holds each answer of every inward API of this process against the schemas of its route: one that does not fit fails the test. */
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { fastify: FastifyInstance }
  fastify.addHook('onSend', async (request, reply, payload) => {
    const fault = faultOf(request, reply, payload)
    // A program in the same process has no socket.
    if (reply.statusCode >= 400 && request.raw.socket instanceof Socket) noteProblem(reply.statusCode, payload)
    if (fault !== undefined) {
      setImmediate(() => {
        throw new Error(fault)
      })
    }
  })
})

function noteProblem(status: number, payload: unknown): void {
  if (typeof payload !== 'string' || !payload.startsWith('{')) return
  const { code } = JSON.parse(payload) as { code?: unknown }
  if (typeof code === 'string') noteAnswered(status, code)
}
