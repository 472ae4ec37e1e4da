import { type DestinationStream, type Logger, pino } from 'pino'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Configuration } from '../config/configuration.ts'

/** Causes of causes: a chain that is longer tells nobody more. */
const CAUSES_MAX = 4

/** What a key looks like, or stands behind, wherever a library may put it. */
const secrets = /(\btoken=)[^&\s"'\\]+|(\bBearer\s+)[^\s"'\\]+|\bconcordata_[\w-]{43}|\beyJ[\w-]+\.[\w-]+\.[\w-]*/gi

/**
 * The log of a process: lines of JSON on standard error. Neither values nor secrets come into it, whatever is logged: of errors only what
 * is known to be free of them is written, of requests never the query, and what still looks like a key is blotted out (decision 0093).
 */
export function openLogger(
  { logLevel }: Pick<Configuration, 'logLevel'>,
  base: Readonly<Record<string, string>> | undefined,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  return pino(
    {
      level: logLevel,
      ...(base === undefined ? {} : { base }),
      // They count for what fastify and its plugins log, too.
      serializers: {
        err: errorInLog,
        error: errorInLog,
        req: requestInLog,
        res: answerInLog,
        path: withoutQuery,
        url: withoutQuery,
      },
      hooks: { streamWrite: (line) => line.replace(secrets, (_, ...behind) => `${behind[0] ?? behind[1] ?? ''}…`) },
    },
    destination,
  )
}

/** Of an error only its class, code, message, where it was thrown, and the evidence that our own have: no other field. */
function errorInLog(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code, syscall, cause } = error as NodeJS.ErrnoException
  return {
    type: error.constructor.name,
    ...(code === undefined ? {} : { code }),
    ...(syscall === undefined ? {} : { syscall }),
    message: messageOf(error),
    ...(error instanceof ConcordataError ? { evidence: error.evidence } : {}),
    stack: framesOf(error),
    ...(cause === undefined || depth >= CAUSES_MAX ? {} : { cause: errorInLog(cause, depth + 1) }),
  }
}

/** What JSON.parse has to complain about, it quotes. */
function messageOf(error: Error): string {
  return error instanceof SyntaxError ? 'cannot be parsed' : error.message
}

/** A stack begins with the message, which may have many lines. */
function framesOf({ stack = '', message }: Error): string {
  const behind = stack.includes(message) ? stack.slice(stack.indexOf(message) + message.length) : stack
  return behind
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}

interface LoggedRequest {
  readonly method?: string
  readonly routeOptions?: { readonly url?: string }
}

/** The route as it is registered: the path has names of elements, the query may have a key. */
function requestInLog({ method, routeOptions }: LoggedRequest): object {
  return { method, route: routeOptions?.url }
}

function answerInLog({ statusCode }: { readonly statusCode?: number }): object {
  return { statusCode }
}

function withoutQuery(text: unknown): unknown {
  return typeof text === 'string' ? text.split('?', 1)[0] : undefined
}
