import { type Access, type AccessPorts, type ApiCaller, NotAuthorized, TokenInvalid } from './authenticate.ts'

/** How often the access of an open connection is checked again. Milliseconds. */
const RECHECK_MS = 30_000

/**
 * For calls that have waited: whether the key or token is still good is looked up once more before the answer. While that cannot be
 * found out, it is. Throws NotAuthorized, TokenInvalid.
 */
export async function requireStillGood(
  { caller, key, role }: Omit<Access, 'count'>,
  { whoIs }: Pick<AccessPorts, 'whoIs'>,
): Promise<void> {
  const now = await foundOut(whoIs, key).catch((error: unknown) => {
    if (error instanceof TokenInvalid) throw error
    return caller
  })
  if (now?.roles.includes(role) === true) return
  throw new NotAuthorized('not_authorized', 'the key or token is not good any more')
}

/**
 * For calls that stay: calls `ended` when the key or token by which it was made is not good any more, has lost the role, or is
 * revoked. While that cannot be found out, it stays until its time is up. Returns a function that stops it.
 */
export function watchAccess(
  { key, role, caller }: Omit<Access, 'count'>,
  { whoIs, clock }: Pick<AccessPorts, 'whoIs' | 'clock'>,
  ended: (why: string) => void,
): () => void {
  const until = caller.until ?? Number.POSITIVE_INFINITY
  let stopped = false
  let cancel = () => {}
  const stop = () => {
    stopped = true
    cancel()
  }
  const end = (why: string) => {
    if (stopped) return
    stop()
    ended(why)
  }
  const look = async (): Promise<void> => {
    if (clock.now() >= until) return end('the key or token has expired')
    const now = await foundOut(whoIs, key).catch((error: unknown) =>
      error instanceof TokenInvalid ? undefined : caller,
    )
    if (now?.roles.includes(role) !== true) return end('the key or token is not good any more')
    if (!stopped) lookLater()
  }
  const lookLater = () => {
    cancel = clock.after(Math.max(0, Math.min(RECHECK_MS, until - clock.now())), () => {
      look().catch(() => end('the key or token cannot be checked'))
    })
  }
  lookLater()
  return stop
}

async function foundOut(whoIs: AccessPorts['whoIs'], key: string): Promise<ApiCaller | undefined> {
  return whoIs(key)
}
