import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { isIP } from 'node:net'
import { ConcordataError } from '../../runtime/errors.ts'
import type { WebhookSettings } from '../config/webhook-settings.ts'
import { isPublic, networksOf } from './addresses.ts'

/** The operator has not allowed that messages go there. Evidence: `receiver`, an origin. */
export class ReceiverRefused extends ConcordataError {}
/** A webhook cannot be as it is asked for. Evidence: `expected`. */
export class WebhookUnfit extends ConcordataError {}

type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

type Answered = (error: Error | null, address: string | LookupAddress[], family?: number) => void

const PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' }

interface Allowed {
  readonly protocol: string
  /** Begins with a dot: any host that ends so. */
  readonly host: string
  readonly port: string
}

/** Where messages may go (decision 0134): by name as the operator has it, and by the address that is connected to. */
export class Receivers {
  readonly #allowed: readonly Allowed[]
  readonly #isInNetworks: (address: string) => boolean
  readonly #resolve: Resolve

  /** `settings` undefined: nowhere. */
  constructor(settings: WebhookSettings | undefined, resolve: Resolve = lookup) {
    this.#allowed = (settings?.receivers ?? []).map(allowedIn)
    this.#isInNetworks = networksOf(settings?.networks ?? [])
    this.#resolve = resolve
  }

  /** Attacker-controlled: `text`. Throws WebhookUnfit, ReceiverRefused. */
  urlIn(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined
    // Blanks, and lines that end, would be taken out of it.
    const isPlain = url !== undefined && `${url.username}${url.password}${url.hash}` === '' && !/[\0-\x20]/.test(text)
    if (!isPlain || PORTS[url.protocol] === undefined) {
      const expected = 'an https (or http) URL without user, password and fragment'
      throw new WebhookUnfit('webhook_unfit', `a webhook goes to ${expected}`, { expected })
    }
    const port = url.port || PORTS[url.protocol]
    const isAllowed = this.#allowed.some(
      (one) => one.protocol === url.protocol && one.port === port && isNamed(url.hostname, one.host),
    )
    const literal = literalIn(url)
    if (!isAllowed) throw refused(url.origin, 'is not among `webhooks/receivers` of this node’s configuration')
    if (literal !== undefined && !this.isAllowed(literal)) throw refused(url.origin, NOT_PUBLIC)
    return url
  }

  isAllowed(address: string): boolean {
    return isPublic(address) || this.#isInNetworks(address)
  }

  /**
   * As `lookup` of a socket: what it answers is what is connected to, so that no name can stand for one address when it is checked and
   * for another afterwards.
   */
  readonly lookup = (hostname: string, options: LookupOptions, done: Answered): void => {
    this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, [])
      const allowed = addresses.filter(({ address }) => this.isAllowed(address))
      const [first] = allowed
      if (first === undefined) return done(refused(hostname, NOT_PUBLIC), [])
      if (options.all === true) done(null, allowed)
      else done(null, first.address, first.family)
    })
  }
}

const NOT_PUBLIC = 'has no address on the public Internet, nor one in `webhooks/networks` of this node’s configuration'

function refused(receiver: string, why: string): ReceiverRefused {
  return new ReceiverRefused('webhook_receiver_refused', `${receiver} ${why}`, { receiver })
}

/** An address that stands in the URL itself: no name is looked up for it. */
function literalIn({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 ? undefined : host
}

function isNamed(hostname: string, host: string): boolean {
  if (host === '*') return true
  return host.startsWith('.') ? hostname.endsWith(host) : hostname === host
}

function allowedIn(receiver: string): Allowed {
  const [, scheme = '', star = '', rest = '', port] =
    /^(https?):\/\/(\*\.)?(\*|\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(receiver) ?? []
  const protocol = `${scheme}:`
  // As URLs of clients are read.
  const host = rest === '*' ? rest : new URL(`http://${rest}/`).hostname
  return { protocol, host: star === '' ? host : `.${host}`, port: port ?? (PORTS[protocol] as string) }
}
