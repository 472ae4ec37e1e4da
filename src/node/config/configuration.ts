import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { complaintAboutText } from '../../aggregates/names/fit-text.ts'
import { nfc } from '../../aggregates/names/normal-form.ts'
import { acknowledgeAll, type Policy, PolicySchema } from '../../contracts/approvals/policy.ts'
import { PAYLOAD_WAIT_MS } from '../../contracts/approvals/value-waits.ts'
import { type Handle, HandleSchema } from '../../events/ids.ts'
import { isLei } from '../../events/parties/lei.ts'
import { createFile } from '../../runtime/durable-file.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { firstError } from '../../runtime/first-error.ts'
import { isLoopback } from './loopback.ts'
import { complaintAbout, type OidcSettings, OidcSettingsSchema } from './oidc-settings.ts'
import { isCollectorUrl, type TracingSettings, TracingSettingsSchema } from './tracing-settings.ts'
import { complaintAboutWebhooks, type WebhookSettings, WebhookSettingsSchema } from './webhook-settings.ts'

/** A host, with or without its port, or `*.` and a domain: all hosts below it. */
export const PARTNER_PATTERN = '^(\\*\\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$'

/** There is no concordata.json. Evidence: `dir`. */
export class ConfigurationMissing extends ConcordataError {}

/** A setting does not have the form it must have. Evidence: `source` (a path or a variable's name), `setting`. */
export class ConfigurationInvalid extends ConcordataError {}

export const DEFAULT_ENDPOINT = 'https://127.0.0.1:7443'
export const DEFAULT_API = 'http://127.0.0.1:7480'

/** Where the settings of a data directory stand. */
export const configurationPath = (dir: string) => join(dir, 'concordata.json')

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = (typeof logLevels)[number]

/** What the environment says. Nothing else in Concordata reads environment variables. */
export interface Environment {
  /** CONCORDATA_PASSPHRASE: of the key files; never written anywhere. */
  readonly passphrase?: string
  /** CONCORDATA_PASSPHRASE_FILE: a file that holds it, in its place. */
  readonly passphraseFile?: string
  /** CONCORDATA_STORE_USER and CONCORDATA_STORE_PASSWORD_FILE: in place of those in the file, since each process has its own. */
  readonly storeUser?: { readonly user: string; readonly passwordFile: string }
  /** OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT with what the standard adds to it: in place of that in the file. */
  readonly tracesEndpoint?: string
  /** CONCORDATA_LOG_LEVEL */
  readonly logLevel: LogLevel
}

/** Paths count from the data directory. User and password file come together. */
const StoreSettingsSchema = Type.Object(
  {
    /** `esdb://host:port[,host:port…][?tls=false]` or `esdb+discover://name:port`. */
    url: Type.String({ minLength: 1 }),
    /** PEM of the authority that signed the servers' certificates. */
    ca: Type.Optional(Type.String({ minLength: 1 })),
    user: Type.Optional(Type.String({ minLength: 1 })),
    passwordFile: Type.Optional(Type.String({ minLength: 1 })),
    /** Before the names of all streams, where several nodes share a cluster. */
    namespace: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,60}$' })),
  },
  { additionalProperties: false },
)
export type StoreSettings = Static<typeof StoreSettingsSchema>

const atLeastOne = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 }))

/** What those who call from outside may take; what is left out stands as in gossip/transport/receiver-limits.ts. */
const OutwardLimitsSchema = Type.Object(
  {
    partyCallsPerSecond: atLeastOne,
    partyBytesPerSecond: atLeastOne,
    partyExchangesMax: atLeastOne,
    allExchangesMax: atLeastOne,
    partyConnectionsMax: atLeastOne,
    strangerCallsPerMinute: atLeastOne,
    addressConnectionsMax: atLeastOne,
    allConnectionsMax: atLeastOne,
  },
  { additionalProperties: false },
)
export type OutwardLimits = Static<typeof OutwardLimitsSchema>

/** What callers of the inward API may take; what is left out stands as in api/http/callers/call-limits.ts. */
const InwardLimitsSchema = Type.Object(
  {
    callerCallsPerSecond: atLeastOne,
    callerCallsUnderWayMax: atLeastOne,
    addressFailuresPerMinute: atLeastOne,
    callerConnectionsMax: atLeastOne,
    heartbeatSeconds: atLeastOne,
  },
  { additionalProperties: false },
)
export type InwardLimitSettings = Static<typeof InwardLimitsSchema>

/** concordata.json, made by `concordata init` and edited by people. */
const ConfigurationFileSchema = Type.Object(
  {
    handle: HandleSchema,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    /** The Legal Entity Identifier that the party claims, if it has one. */
    lei: Type.Optional(Type.String()),
    /** Outward: `https://host[:port]`, where other parties reach the Receiver. */
    endpoint: Type.String(),
    /** Inward: `http://host[:port]`, where the API and the console are served. */
    api: Type.String(),
    /** How requests of other parties are answered; left out: all are acknowledged. */
    acknowledgement: Type.Optional(PolicySchema),
    /** How long values are waited for that a statement came without, in milliseconds; then what names them is refused. */
    payloadWaitMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
    /** The EventStoreDB that keeps events and values; left out: a SQLite file in the data directory. */
    store: Type.Optional(StoreSettingsSchema),
    /** The process that has the signing keys and the guard; left out: they are in the data directory. */
    signer: Type.Optional(
      Type.Object(
        {
          /** Path of its Unix socket, counted from the data directory. */
          socket: Type.String({ minLength: 1 }),
        },
        { additionalProperties: false },
      ),
    ),
    /** Where `transmit` and `receive` show how they are: `http://127.0.0.1:port` each. */
    status: Type.Optional(
      Type.Object(
        { transmit: Type.Optional(Type.String()), receive: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
    ),
    /** Whose parties may be approved, by the domain of their DID; left out: anybody's. Who is named may introduce itself. */
    partners: Type.Optional(Type.Array(Type.String({ pattern: PARTNER_PATTERN }), { maxItems: 10_000 })),
    /** Bounds on what each party, and each stranger, may take of this node. */
    outwardLimits: Type.Optional(OutwardLimitsSchema),
    /** How many contracts are in memory at most, as far as nobody waits for something in more of them. */
    contractsInMemory: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    /** Bounds on what each caller of the inward API may take. */
    inwardLimits: Type.Optional(InwardLimitsSchema),
    /** The inward API may listen beyond loopback: a proxy in front of it speaks TLS, and nobody else can reach it. */
    apiBehindProxy: Type.Optional(Type.Boolean()),
    /** Requests carry the seal of who asked for them at the inward API. */
    namesUsers: Type.Optional(Type.Boolean()),
    /** The OpenID provider whose access tokens the inward API takes, beside its own keys. */
    oidc: Type.Optional(OidcSettingsSchema),
    /** Traces across the members; left out: none, unless the environment says where they go. */
    tracing: Type.Optional(TracingSettingsSchema),
    /** Where webhooks may go; left out: nowhere. */
    webhooks: Type.Optional(WebhookSettingsSchema),
  },
  { additionalProperties: false },
)
export type ConfigurationFile = Static<typeof ConfigurationFileSchema>

export interface Configuration {
  readonly dir: string
  readonly handle: Handle
  readonly name: string
  readonly lei?: string
  /** An origin: scheme, host and, unless it is 443, port. */
  readonly endpoint: string
  readonly api: string
  readonly acknowledgement: Policy
  readonly payloadWaitMs: number
  /** Left out: SQLite. */
  readonly store?: StoreSettings
  readonly signer?: { readonly socket: string }
  readonly status?: { readonly transmit?: string; readonly receive?: string }
  readonly partners?: readonly string[]
  readonly outwardLimits?: OutwardLimits
  readonly contractsInMemory: number
  readonly inwardLimits?: InwardLimitSettings
  readonly apiBehindProxy?: boolean
  readonly namesUsers?: boolean
  readonly oidc?: OidcSettings
  readonly tracing?: TracingSettings
  readonly webhooks?: WebhookSettings
  readonly logLevel: LogLevel
}

const CONTRACTS_IN_MEMORY = 256

const fileForm = Compile(ConfigurationFileSchema)
const COLLECTOR = 'must be an http or https URL without user, password and query'

/** Throws ConfigurationInvalid. A variable that is empty counts as not set. */
export function readEnvironment(variables: { readonly [name: string]: string | undefined }): Environment {
  const { CONCORDATA_PASSPHRASE: passphrase, CONCORDATA_PASSPHRASE_FILE: passphraseFile } = variables
  const { CONCORDATA_LOG_LEVEL: level } = variables
  const logLevel = logLevels.find((known) => known === (level || 'info'))
  if (logLevel === undefined) {
    throw invalid('CONCORDATA_LOG_LEVEL', 'CONCORDATA_LOG_LEVEL', `must be one of ${logLevels.join(', ')}`)
  }
  if (passphrase && passphraseFile) {
    const variable = 'CONCORDATA_PASSPHRASE_FILE'
    throw invalid(variable, variable, 'cannot stand beside CONCORDATA_PASSPHRASE')
  }
  const { CONCORDATA_STORE_USER: user, CONCORDATA_STORE_PASSWORD_FILE: passwordFile } = variables
  if (Boolean(user) !== Boolean(passwordFile)) {
    const variable = user ? 'CONCORDATA_STORE_USER' : 'CONCORDATA_STORE_PASSWORD_FILE'
    throw invalid(variable, variable, 'needs the other: a user and the file of its password come together')
  }
  return {
    ...(passphrase ? { passphrase } : {}),
    ...(passphraseFile ? { passphraseFile } : {}),
    ...(user && passwordFile ? { storeUser: { user, passwordFile } } : {}),
    ...tracesEndpointIn(variables),
    logLevel,
  }
}

/** Throws ConfigurationMissing, ConfigurationInvalid. */
export async function readConfiguration(dir: string, environment: Environment): Promise<Configuration> {
  const { logLevel, storeUser, tracesEndpoint } = environment
  const path = configurationPath(dir)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const message = `${dir} is no data directory (${cause.code}: ${path}); \`concordata init\` makes one`
    throw new ConfigurationMissing('configuration_missing', message, { dir }, { cause })
  })
  const settings = checkConfiguration(path, parse(path, text))
  if (storeUser !== undefined && settings.store === undefined) {
    throw invalid(
      'CONCORDATA_STORE_USER',
      'CONCORDATA_STORE_USER',
      'is for a `store` in concordata.json, and there is none',
    )
  }
  const store = settings.store && { store: { ...settings.store, ...storeUser } }
  const tracing = tracesEndpoint && { tracing: { ...settings.tracing, endpoint: tracesEndpoint } }
  return {
    dir,
    acknowledgement: acknowledgeAll,
    payloadWaitMs: PAYLOAD_WAIT_MS,
    contractsInMemory: CONTRACTS_IN_MEMORY,
    ...settings,
    ...store,
    ...tracing,
    logLevel,
  }
}

/** As OpenTelemetry's specification of the OTLP exporter has it. */
function tracesEndpointIn(variables: { readonly [name: string]: string | undefined }): { tracesEndpoint?: string } {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_EXPORTER_OTLP_ENDPOINT: all } = variables
  const tracesEndpoint = traces || (all && `${all.replace(/\/$/, '')}/v1/traces`)
  if (!tracesEndpoint) return {}
  const variable = traces ? 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' : 'OTEL_EXPORTER_OTLP_ENDPOINT'
  if (!isCollectorUrl(tracesEndpoint)) throw invalid(variable, variable, COLLECTOR)
  return { tracesEndpoint }
}

/** The settings that a person gave, in the one form that all code relies on. Throws ConfigurationInvalid. */
export function checkConfiguration(source: string, settings: unknown): ConfigurationFile {
  if (!fileForm.Check(settings)) {
    const { keyword, instancePath, message } = firstError(fileForm, settings)
    throw invalid(source, instancePath.slice(1), keyword === 'boolean' ? 'is no setting' : message)
  }
  const { url = '', user, passwordFile } = settings.store ?? {}
  // The file is readable by all, and what is in it is shown.
  if (url.includes('@')) throw invalid(source, 'store/url', 'must be without user and password: see `passwordFile`')
  if ((user === undefined) !== (passwordFile === undefined)) {
    throw invalid(source, 'store', 'must have user and passwordFile, or neither')
  }
  const endpoint = originOf(source, 'endpoint', settings.endpoint, 'https:')
  for (const [role, url] of Object.entries(settings.status ?? {})) inwardOrigin(source, `status/${role}`, url, settings)
  const complaint = settings.oidc && complaintAbout(settings.oidc)
  if (complaint !== undefined) throw invalid(source, ...complaint)
  const wrong = settings.webhooks && complaintAboutWebhooks(settings.webhooks)
  if (wrong !== undefined) throw invalid(source, ...wrong)
  const collector = settings.tracing?.endpoint
  if (collector !== undefined && !isCollectorUrl(collector)) throw invalid(source, 'tracing/endpoint', COLLECTOR)
  const name = nfc(settings.name)
  const unfit = complaintAboutText('it', name)
  if (unfit !== undefined) throw invalid(source, 'name', `is not one that other parties can read: ${unfit}`)
  const { lei } = settings
  if (lei !== undefined && !isLei(lei))
    throw invalid(source, 'lei', 'is no LEI: 18 letters A–Z or digits, and two check digits that fit them (ISO 17442)')
  return { ...settings, name, endpoint, api: inwardOrigin(source, 'api', settings.api, settings) }
}

/** Keys and tokens go over it in the clear: on this machine, or with somebody's word that TLS is in front of it. */
function inwardOrigin(source: string, setting: string, text: string, { apiBehindProxy }: ConfigurationFile): string {
  const origin = originOf(source, setting, text, 'http:')
  if (apiBehindProxy || isLoopback(new URL(origin).hostname)) return origin
  const must = 'must be on loopback: keys would go over the network in the clear'
  throw invalid(
    source,
    setting,
    `${must}. With a TLS proxy in front of it, and nobody else who reaches it, say "apiBehindProxy": true`,
  )
}

/** Rejects with the system's EEXIST if the directory has a configuration. */
export async function createConfiguration(dir: string, settings: ConfigurationFile): Promise<void> {
  await createFile(configurationPath(dir), `${JSON.stringify(settings, null, 2)}\n`, 0o644)
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(path, '', `is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function originOf(source: string, setting: string, text: string, protocol: 'https:' | 'http:'): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === protocol && url.href === `${url.origin}/`) return url.origin
  throw invalid(source, setting, `must be a URL of the form ${protocol}//host:port, not ${JSON.stringify(text)}`)
}

function invalid(source: string, setting: string, what: string, options?: ErrorOptions): ConfigurationInvalid {
  const where = setting === '' || setting === source ? source : `${source}: ${setting}`
  return new ConfigurationInvalid('configuration_invalid', `${where} ${what}`, { source, setting }, options)
}
