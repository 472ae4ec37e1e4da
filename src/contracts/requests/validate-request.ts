import { Compile } from 'typebox/compile'
import { canonicalJson, inCanonicalOrder } from '../../crypto/canonical-json.ts'
import { type Hash, isHash } from '../../crypto/hash.ts'
import { type About, isAbout } from '../../events/about.ts'
import type { Limits } from '../../events/limits.ts'
import { confidentialSealsOf, sealOf, sealsNamedBy, valueSealsOf } from '../../events/seal.ts'
import { type Payloads, PayloadsSchema, type Request, RequestSchema } from '../../events/statement.ts'
import { isTooDeep } from '../../events/statement-codec.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type Form, firstErrorText } from '../../runtime/first-error.ts'

/** Everybody would refuse a statement with that request, so none is signed. Evidence: what is wrong. */
export class RequestUnfit extends ConcordataError {}

const requestForm = Compile(RequestSchema)
const payloadsForm = Compile(PayloadsSchema)

/**
 * A local user's request as it can be a part of a statement, with its members in canonical order; whether the rules accept it
 * is another question. Untrusted: both, since they may come from a process that somebody has taken over.
 * Throws RequestUnfit, and NotCanonicalizable when a text has a lone surrogate.
 */
export function fitRequest(request: Request, payloads: Payloads, { commandsPerRequest }: Limits): Request {
  const unfit = (message: string, evidence = {}): never => {
    throw new RequestUnfit('request_unfit', message, evidence)
  }
  if (isTooDeep([request]) || isTooDeep(payloads)) unfit('the request, or a value in it, is nested too deep')
  if (!isJson(request) || !isJson(payloads)) unfit('the request, or a value in it, is not what JSON carries')
  // The values have their canonical form for their seals, below.
  const ordered = inCanonicalOrder(request)
  assertForm(requestForm, request)
  assertForm(payloadsForm, payloads)
  const commands = request.commands.length
  if (commands > commandsPerRequest) {
    unfit(`the request has ${commands} commands; a request has ${commandsPerRequest} at most`, {
      commands,
      commandsPerRequest,
    })
  }
  const named = sealsNamedBy({ requests: [request], refusals: [], decided: [] })
  const values = valueSealsOf([request]).union(confidentialSealsOf([request]))
  for (const seal of values) {
    if (payloads[seal] === undefined) unfit('a value that the request seals does not come with it', { seal })
  }
  for (const [seal, payload] of Object.entries(payloads)) {
    const isIt = sealOf(payload) === seal && named.has(seal as Hash)
    if (!isIt) unfit('a value is not one that the request seals', { seal })
  }
  for (const one of [request, ...request.commands]) {
    const about = 'about' in one ? one.about : undefined
    const payload = isHash(about) ? payloads[about] : undefined
    if (payload !== undefined && !isAbout(payload.value))
      unfit('what is said about it is too long, or no text', { about })
  }
  return ordered
}

/** The same for what a person says beside an answer or a withdrawal. */
export function assertAbout(about: About | undefined): void {
  if (about === undefined) return
  canonicalJson(about)
  if (!isAbout(about)) throw new RequestUnfit('request_unfit', 'what is said about it is too long, or no text')
}

/** Whether it comes out of JSON as it went in: nothing is left out, nothing becomes something else. Requires that it is not too deep. */
function isJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object': {
      if (value === null) return true
      if (Array.isArray(value)) return Object.keys(value).length === value.length && value.every(isJson)
      const prototype = Object.getPrototypeOf(value)
      return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson)
    }
    default:
      return false
  }
}

/** Throws RequestUnfit, with what is wrong first. */
export function assertForm(form: Form, value: unknown): void {
  if (form.Check(value)) return
  throw new RequestUnfit('request_unfit', firstErrorText(form, value))
}
