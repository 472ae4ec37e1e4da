import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { NodeNotRunning, notTheNode, requireNode } from '../library/calls/http-calls.ts'
import { unhurried } from '../library/calls/unhurried.ts'
import { readConfiguration, readEnvironment } from '../node/config/configuration.ts'
import { readApiToken } from '../node/identity/identity.ts'
import { ConcordataError } from '../runtime/errors.ts'

/** The node answered with a problem. */
export class ApiProblem extends ConcordataError {}

/** The same with what whoever has run the command can do about it. */
export function withHint(problem: ApiProblem, hint: string): ApiProblem {
  const sentence = `${String(problem.evidence.sentence).replace(/\.$/, '')}: ${hint}`
  return new ApiProblem('api_problem', sentence, { ...problem.evidence, sentence }, { cause: problem })
}

/** A step of a URL cannot be that. Evidence: `path`. */
class NameUnfit extends ConcordataError {}

/** The inward API of the node that runs on a data directory. */
export interface ApiClient {
  readonly url: string
  /**
   * The answer's JSON; its text where it is text. A body is sent as JSON, bytes as they are, under the Content-Type that the headers
   * name. Throws ApiProblem for every status from 400 on; NodeNotRunning if what answers there is no node.
   */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<unknown>
  /** Of a file. Throws as `call`. */
  bytes(path: string): Promise<Uint8Array>
}

export function apiClient(url: string, token: string): ApiClient {
  return {
    url,
    async call(method, path, body, headers = {}) {
      const { bytes, type } = await answerTo(method, path, body, headers)
      const text = new TextDecoder().decode(bytes)
      if (type?.startsWith('text/plain')) return text
      return text === '' ? undefined : answerIn(text, url)
    },
    async bytes(path) {
      return (await answerTo('GET', path, undefined, {})).bytes
    },
  }

  /** Throws ApiProblem, NodeNotRunning. */
  async function answerTo(method: string, path: string, body: unknown, headers: Record<string, string>) {
    requireWhole(path)
    const isBytes = body instanceof Uint8Array
    const response = await fetch(new URL(path, url), {
      method,
      ...(method === 'GET' ? {} : await unhurried()),
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
    }).catch(notRunning(`no node answers at ${url}: start it with concordata node`, url))
    const whole = await response.arrayBuffer().catch(notRunning(`the answer of ${url} has broken off`, url))
    const bytes = new Uint8Array(whole)
    requireNode(response, url)
    if (response.ok) return { bytes, type: response.headers.get('content-type') }
    const answer = answerIn(new TextDecoder().decode(bytes), url)
    if (!problemForm.Check(answer)) throw notTheNode(url)
    const { code, detail, ...rest } = answer
    throw new ApiProblem('api_problem', `${code}: ${detail}`, {
      status: response.status,
      code,
      sentence: detail,
      ...rest,
    })
  }
}

/** Throws NodeNotRunning. */
function notRunning(message: string, url: string) {
  return (cause: unknown): never => {
    throw new NodeNotRunning('node_not_running', message, { url }, { cause })
  }
}

/** Throws NameUnfit: what a command names would lead to another route than the command's. */
function requireWhole(path: string): void {
  const [route = ''] = path.split('?')
  const step = route.split('/').find((one) => one === '.' || one === '..')
  if (step !== undefined) throw new NameUnfit('request_malformed', `nothing is called ${step}`, { path: route })
}

const problemForm = Compile(Type.Object({ code: Type.String(), detail: Type.String() }))

function answerIn(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw notTheNode(url, { cause })
  }
}

/** For the node whose data are in `dir`. */
export async function apiClientFor(dir: string): Promise<ApiClient> {
  const { api } = await readConfiguration(dir, readEnvironment(process.env))
  return apiClient(api, await readApiToken(dir))
}
